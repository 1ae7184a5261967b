/**
 * A source's end of the chunk feed: proved chunks go out to the assembler, several to a message, and
 * their buffers come back.
 */
import type { Bytes } from "../../ids.ts";
import { HELD_BUFFER_SHARE } from "./limits.ts";
import type { ChannelEnd } from "../../messages/channel_end.ts";
import type { ChunksMessage, RecycleMessage } from "../../messages/chunk_feed.ts";
import type { VerifiedChunk } from "../../protocol/download/assembler_steps.ts";
import { channelPort, type WorkerPort } from "../system/worker_port.ts";

export class ChunkOutlet {
  readonly #feed: WorkerPort<RecycleMessage, ChunksMessage>;
  /** Proved chunks that the assembler has not been given. */
  #held: VerifiedChunk[] = [];
  #heldBytes = 0;
  #heldBytesMax = 0;

  constructor(port: ChannelEnd, onRecycled: (buffers: readonly Bytes[]) => void) {
    this.#feed = channelPort<RecycleMessage, ChunksMessage>(port);
    this.#feed.onMessage(({ buffers }) => onRecycled(buffers));
  }

  /** What all buffers of the source may take. */
  set budgetBytes(bytes: number) {
    this.#heldBytesMax = bytes * HELD_BUFFER_SHARE;
  }

  /** Takes a chunk, and hands it over once that is worth a message. Its buffer changes hands. */
  push({ transfer, chunk, bytes, buffer }: VerifiedChunk): void {
    this.#held.push({ transfer, chunk, bytes, buffer });
    this.#heldBytes += bytes;
    if (this.#heldBytes >= this.#heldBytesMax) this.flush();
  }

  /** Hands over what is held: before each report, so that no count is ahead of its chunk. */
  flush(): void {
    if (this.#held.length === 0) return;
    this.#feed.post({ kind: "chunks", chunks: this.#held }, this.#held.map((e) => e.buffer.buffer));
    this.#held = [];
    this.#heldBytes = 0;
  }

  close(): void {
    this.flush();
    this.#feed.close();
  }
}
