/** The real assembler worker, fed by hand, its replies taken one by one. */
import { assertEquals } from "@std/assert";
import type { OnTaken } from "../../lib/protocol/download/target_messages.ts";
import type { ErrorMessage } from "../../lib/errors.ts";
import {
  type Bytes,
  type Content,
  hashHex,
  type SafeFileName,
  toHex,
  transferId,
} from "../../lib/ids.ts";
import type { Disk } from "../../lib/io/files/disk.ts";
import { denoClock } from "../../lib/io/system/deno_clock.ts";
import { startWorker } from "../../lib/io/system/deno_workers.ts";
import { channelPort, type WorkerPort } from "../../lib/io/system/worker_port.ts";
import { runAssembler } from "../../lib/io/workers/assembler_driver.ts";
import type {
  AssemblerReply,
  AssemblerRequest,
  FileRules,
} from "../../lib/messages/assembler_worker.ts";
import type { ChunksMessage, RecycleMessage } from "../../lib/messages/chunk_feed.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import { hashed } from "./virtual_link.ts";

export const CHUNK = 65536;
/** The transfer where none is named. */
export const ID = transferId(1);
export function contentOf(file: Bytes): Content {
  const { root } = hashed(file);
  return { sizeBytes: file.length, sha256: hashHex(toHex(sha256(file))), root };
}

/** The real worker with one feed, and its replies as they come. */
export class AssemblerBench implements AsyncDisposable {
  readonly dir: string;
  readonly replies: AssemblerReply[] = [];
  recycled = 0;
  readonly #port: WorkerPort<AssemblerReply, AssemblerRequest>;
  readonly #feeds: MessagePort[] = [];
  #changed = Promise.withResolvers<void>();

  /** @param disk in whose place the platform's is used, by a worker */
  constructor(
    dir: string,
    rules: FileRules = { sparse: true, portableNames: false },
    disk?: Disk,
  ) {
    this.dir = dir;
    this.#port = disk === undefined
      ? startWorker<AssemblerReply, AssemblerRequest>("assembler.ts")
      : startDriver(disk);
    this.#port.onMessage((reply) => {
      this.replies.push(reply);
      this.#notify();
    });
    this.#port.post({ kind: "init", ...rules });
    this.addFeed();
  }

  /** Returns its number. */
  addFeed(): number {
    const { port1, port2 } = new MessageChannel();
    this.#port.post({ kind: "feed", port: port1 }, [port1]);
    port2.onmessage = (event: MessageEvent<RecycleMessage>) => {
      for (const buffer of event.data.buffers) assertEquals(buffer.length, CHUNK);
      this.recycled += event.data.buffers.length;
      this.#notify();
    };
    return this.#feeds.push(port2) - 1;
  }

  post(request: AssemblerRequest): void {
    this.#port.post(request);
  }

  open(
    file: Bytes,
    name = "film.bin",
    options: { onTaken?: OnTaken; supersedes?: boolean; id?: number } = {},
  ): void {
    const { onTaken = "number", supersedes = true, id = 1 } = options;
    this.post({
      kind: "open",
      transfer: transferId(id),
      outDir: this.dir,
      name: name as SafeFileName,
      content: contentOf(file),
      mtimeMs: 1_600_000_000_000,
      onTaken,
      supersedes,
      mayPublish: false,
    });
  }

  /** The layer of an opened transfer, by which its chunks are proved, and leave to publish it. */
  layer(file: Bytes, id = 1): void {
    this.post({ kind: "layer", transfer: transferId(id), layer: hashed(file).layer });
    this.publish(id);
  }

  publish(id = 1): void {
    this.post({ kind: "publish", transfer: transferId(id) });
  }

  /** All of a unit that fits a chunk. */
  unit(bytes: Bytes, unit: number, { feed = 0, id = 1 } = {}): void {
    const buffer = new Uint8Array(CHUNK);
    buffer.set(bytes);
    const chunks = [{ transfer: transferId(id), chunk: unit, bytes: bytes.length, buffer }];
    const message: ChunksMessage = { kind: "chunks", chunks };
    this.#feeds[feed]?.postMessage(message, [buffer.buffer]);
  }

  chunk(file: Bytes, chunk: number, { feed = 0, id = 1 } = {}): void {
    const buffer = new Uint8Array(CHUNK);
    const part = file.subarray(chunk * CHUNK, (chunk + 1) * CHUNK);
    buffer.set(part);
    const chunks = [{ transfer: transferId(id), chunk, bytes: part.length, buffer }];
    const message: ChunksMessage = { kind: "chunks", chunks };
    this.#feeds[feed]?.postMessage(message, [buffer.buffer]);
  }

  /** The next reply of one of these kinds; fails when something goes wrong that was not asked for. */
  async reply<K extends AssemblerReply["kind"]>(
    ...kinds: readonly K[]
  ): Promise<Extract<AssemblerReply, { kind: K }>> {
    const awaited: readonly string[] = [...kinds, "failed", "transferFailed"];
    for (;;) {
      const i = this.replies.findIndex((reply) => awaited.includes(reply.kind));
      const [reply] = i < 0 ? [] : this.replies.splice(i, 1);
      if (reply !== undefined && isOneOf(reply, kinds)) return reply;
      if (reply !== undefined) throw new Error(JSON.stringify(reply));
      await this.#changed.promise;
    }
  }

  /** How the transfer ended that could not go on. */
  async failure(): Promise<ErrorMessage> {
    return (await this.reply("transferFailed")).error;
  }

  async hasRecycled(count: number): Promise<void> {
    while (this.recycled < count) await this.#changed.promise;
  }

  /** As a crash would: nothing is flushed, nobody says goodbye. */
  crash(): void {
    for (const feed of this.#feeds) feed.close();
    this.#port.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.post({ kind: "stop" });
    await this.reply("stopped");
    this.crash();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** On this thread. */
function startDriver(disk: Disk): WorkerPort<AssemblerReply, AssemblerRequest> {
  const { port1, port2 } = new MessageChannel();
  runAssembler(channelPort(port2), { clock: denoClock, disk });
  const port = channelPort<AssemblerReply, AssemblerRequest>(port1);
  return {
    ...port,
    close() {
      port1.close();
      port2.close();
    },
  };
}

function isOneOf<K extends AssemblerReply["kind"]>(
  reply: AssemblerReply,
  kinds: readonly K[],
): reply is Extract<AssemblerReply, { kind: K }> {
  return kinds.some((kind) => kind === reply.kind);
}
