/** The assembler of a simulated client: the driver that ships, on a disk in memory and a virtual clock. */
import type { Bytes } from "../../lib/ids.ts";
import { AssemblerDriver } from "../../lib/io/workers/assembler_driver.ts";
import type { WorkerPort } from "../../lib/io/system/worker_port.ts";
import type { AssemblerReply, AssemblerRequest } from "../../lib/messages/assembler.ts";
import type { ChannelEnd } from "../../lib/messages/channel_end.ts";
import type { ChunksMessage, RecycleMessage } from "../../lib/messages/chunk_feed.ts";
import type { VerifiedChunk } from "../../lib/protocol/download/assembler_steps.ts";
import type { TargetReply } from "../../lib/protocol/download/target_messages.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import type { DiskSpec } from "./scenario.ts";
import type { Gate, VirtualClock } from "./virtual_clock.ts";

type Recycle = (buffers: readonly Bytes[]) => void;

/** A slice of a pass over what lies on disk. */
const SLICE_MS = 0.05;

export interface AssemblerOptions {
  readonly clock: VirtualClock;
  readonly disk: MemoryDisk;
  readonly spec: DiskSpec;
  readonly reply: (reply: TargetReply) => void;
}

export class SimAssembler {
  readonly #options: AssemblerOptions;
  readonly #driver: AssemblerDriver;
  /** Where chunks come in; one stands for those of all receivers. */
  readonly #feed: ChannelEnd;
  /** Who gets the buffers of each message back, in order. */
  readonly #recycles: Recycle[] = [];
  #isClosed = false;
  /** When the disk has done what it was given. */
  #freeMs = 0;

  constructor(options: AssemblerOptions) {
    this.#options = options;
    const { clock, disk } = options;
    const parent: WorkerPort<AssemblerRequest, AssemblerReply> = {
      post: (reply) => {
        if (!this.#isClosed && "transfer" in reply) options.reply(reply);
      },
      onMessage() {},
      onError() {},
      close() {},
    };
    const gate: Gate = (work) => {
      if (!this.#isClosed) work();
    };
    const runtime = { clock: clock.clockOf(SLICE_MS, gate), disk };
    this.#driver = new AssemblerDriver(runtime, parent);
    this.#feed = {
      onmessage: null,
      postMessage: (message) => this.#recycle((message as RecycleMessage).buffers),
      close() {},
    };
    this.#driver.onRequest({ kind: "feed", port: this.#feed });
  }

  /** The process is gone, or is over. */
  close(): void {
    this.#isClosed = true;
  }

  onRequest(request: AssemblerRequest): void {
    if (!this.#isClosed && request.kind !== "init") this.#driver.onRequest(request);
  }

  /** Writes what was verified, one after another, and gives the buffers back. */
  onChunks(chunks: readonly VerifiedChunk[], recycle: Recycle): void {
    const { clock, spec: { writeMs } } = this.#options;
    this.#freeMs = Math.max(this.#freeMs, clock.nowMs) + writeMs * chunks.length;
    clock.at(this.#freeMs, () => {
      if (this.#isClosed) return;
      this.#recycles.push(recycle);
      const data: ChunksMessage = { kind: "chunks", chunks };
      this.#feed.onmessage?.(new MessageEvent("message", { data }));
    });
  }

  #recycle(buffers: readonly Bytes[]): void {
    // What comes back is empty as far as anybody knows.
    for (const buffer of buffers) buffer.fill(0xa5);
    this.#recycles.shift()!(buffers);
  }
}
