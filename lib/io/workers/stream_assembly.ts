/**
 * Stands in the assembler worker's place, in the main thread, where a file goes to a reader: hands it proved chunks, in order, one
 * after another, and says what becomes of that.
 */
import type { WorkerHandle, WorkReply, WorkRequest } from "../system/worker_handle.ts";
import { ShoalError } from "../../errors.ts";
import type { AssemblerReply, AssemblerRequest } from "../../messages/assembler_worker.ts";
import type { ChannelEnd } from "../../messages/channel_end.ts";
import type { ChunksMessage, RecycleMessage } from "../../messages/chunk_feed.ts";
import {
  StreamAssembler,
  type StreamAssemblerEvent,
} from "../../protocol/download/stream_assembler.ts";
import type { TreeRequest } from "../../protocol/folder/tree_messages.ts";
import { diskError } from "../files/disk_error.ts";
import type { Clock } from "../system/clock.ts";
import { channelPort } from "../system/worker_port.ts";
import { BufferReturn } from "./buffer_return.ts";

/** The main thread's end of an assembler, wherever it works. */
export type AssemblerHandle = Pick<
  WorkerHandle<AssemblerRequest, AssemblerReply>,
  "post" | "stop" | "terminate"
>;

interface StreamAssemblyOptions {
  readonly clock: Clock;
  /** Given the bytes in order, one piece at a time; resolves when it wants more, with `false` when it wants none any more. */
  readonly sink: (bytes: Uint8Array) => Promise<boolean>;
  readonly onReply: (reply: WorkReply<AssemblerReply>) => void;
}

export class StreamAssembly implements AssemblerHandle {
  readonly #options: StreamAssemblyOptions;
  readonly #machine = new StreamAssembler();
  readonly #feeds: BufferReturn[] = [];
  readonly #startedMs: number;
  #hashMs = 0;
  #writeMs = 0;

  constructor(options: StreamAssemblyOptions) {
    this.#options = options;
    this.#startedMs = options.clock.nowMs();
  }

  post(request: WorkRequest<AssemblerRequest>): void {
    if (request.kind === "feed") this.#addFeed(request.port);
    // No other file of the run can be in the way, and a folder goes to no reader.
    else if (!isAboutMany(request)) this.#later(request);
  }

  /** What a reader has not taken by now it will not be given. */
  stop(): ReturnType<AssemblerHandle["stop"]> {
    for (const feed of this.#feeds) feed.close();
    const { hashMs, writeMs } = { hashMs: this.#hashMs, writeMs: this.#writeMs };
    const waitMs = this.#options.clock.nowMs() - this.#startedMs - hashMs - writeMs;
    return Promise.resolve({ kind: "stopped", times: { hashMs, writeMs, waitMs } });
  }

  terminate(): void {}

  #addFeed(port: ChannelEnd): void {
    const feed = channelPort<ChunksMessage, RecycleMessage>(port);
    const buffers = new BufferReturn(feed);
    this.#feeds.push(buffers);
    feed.onMessage(({ chunks }) => {
      this.#step({ kind: "chunks", chunks });
      buffers.push(chunks.map(({ buffer }) => buffer));
    });
  }

  /** As from another thread: whoever asks has done what it is at before it is answered. */
  #later(event: StreamAssemblerEvent): void {
    queueMicrotask(() => this.#step(event));
  }

  #step(event: StreamAssemblerEvent): void {
    const startMs = this.#options.clock.nowMs();
    const actions = this.#machine.handle(event);
    this.#hashMs += this.#options.clock.nowMs() - startMs;
    for (const action of actions) {
      if (action.kind === "reply") this.#options.onReply(action.reply);
      else void this.#write(action.bytes);
    }
  }

  async #write(bytes: Uint8Array): Promise<void> {
    const startMs = this.#options.clock.nowMs();
    const event = await this.#written(bytes);
    this.#writeMs += this.#options.clock.nowMs() - startMs;
    this.#step(event);
  }

  async #written(bytes: Uint8Array): Promise<StreamAssemblerEvent> {
    try {
      if (await this.#options.sink(bytes)) return { kind: "wrote" };
      const error = new ShoalError(
        "not_writable",
        "whoever read the output has gone before its end",
        {
          hint: "Let the program that reads it read to the end.",
        },
      );
      return { kind: "failed", error: error.toMessage() };
    } catch (cause) {
      const { code, message } = diskError("cannot write the output", cause);
      const hint = "What was written is incomplete: run the same command again from the start.";
      return { kind: "failed", error: { code, message, hint } };
    }
  }
}

type Many = TreeRequest | Extract<AssemblerRequest, { kind: "written" }>;

function isAboutMany(request: WorkRequest<AssemblerRequest>): request is Many {
  const { kind } = request;
  return kind === "written" || kind === "openTree" || kind === "finishTree" || kind === "abortTree";
}
