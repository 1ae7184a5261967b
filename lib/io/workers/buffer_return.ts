/**
 * The assembler's end of a chunk feed, as far as buffers go back by it. Their receiver can do without a few
 * small ones for as long as it takes, so these wait until together they are worth a message.
 */
import type { Bytes } from "../../ids.ts";
import type { ChunksMessage, RecycleMessage } from "../../messages/chunk_feed.ts";
import type { WorkerPort } from "../system/worker_port.ts";
import { RECYCLED_BYTES_HELD_MAX } from "./limits.ts";

export class BufferReturn {
  readonly #feed: WorkerPort<ChunksMessage, RecycleMessage>;
  #held: Bytes[] = [];
  #heldBytes = 0;

  constructor(feed: WorkerPort<ChunksMessage, RecycleMessage>) {
    this.#feed = feed;
  }

  push(buffers: readonly Bytes[]): void {
    for (const buffer of buffers) {
      this.#held.push(buffer);
      this.#heldBytes += buffer.length;
    }
    if (this.#heldBytes < RECYCLED_BYTES_HELD_MAX) return;
    this.#feed.post(
      { kind: "recycle", buffers: this.#held },
      this.#held.map((each) => each.buffer),
    );
    this.#held = [];
    this.#heldBytes = 0;
  }

  close(): void {
    this.#feed.close();
  }
}
