/**
 * Sees what the threads of a simulated client say to each other, and keeps the books of it: what was
 * leased and proved, which memory is on its way, what is being fetched.
 */
import type { Bytes, Content } from "../../lib/ids.ts";
import type { AssemblerRequest } from "../../lib/messages/assembler_worker.ts";
import type { ChunksMessage, RecycleMessage } from "../../lib/messages/chunk_feed.ts";
import type { SourceReply, SourceRequest } from "../../lib/messages/chunk_source.ts";
import { CHUNK_BUFFER_BYTES_MAX } from "../../lib/protocol/download/limits.ts";
import { LeaseBooks } from "./lease_books.ts";
import type { MessageWatch } from "./virtual_channel.ts";

type Message = AssemblerRequest | SourceRequest | SourceReply | ChunksMessage | RecycleMessage;

export class ClientWatch implements MessageWatch {
  readonly books: LeaseBooks;
  /** What is fetched, once it has begun to be. */
  content: Content | undefined;
  readonly #onChunk: (chunk: number, bytes: Bytes) => void;
  /** Buffers that are on their way to the assembler and back. */
  #outBytes = 0;

  /**
   * @param onChunk a chunk that its source calls proved
   * @param isPushed whether a source pushes this content
   */
  constructor(
    onChunk: (chunk: number, bytes: Bytes) => void,
    isPushed: (content: Content) => boolean,
  ) {
    this.#onChunk = onChunk;
    this.books = new LeaseBooks(isPushed);
  }

  onPosted(message: unknown): void {
    const said = message as Message;
    switch (said.kind) {
      case "chunks":
        for (const { chunk, bytes, buffer } of said.chunks) {
          this.#outBytes += buffer.length;
          this.#onChunk(chunk, buffer.subarray(0, bytes));
        }
        return;
      case "recycle":
        // What comes back is empty as far as anybody knows.
        for (const buffer of said.buffers) buffer.fill(0xa5);
        return;
      case "report":
      case "gone":
        return this.books.onReport(said);
      case "open":
        this.content = said.content;
        return;
      case "abort":
        this.content = undefined;
        return;
      default:
    }
  }

  onDelivered(message: unknown): void {
    const said = message as Message;
    switch (said.kind) {
      case "assign":
      case "reroute":
      case "release":
      case "lease":
      case "revoke":
      case "allot":
        return this.books.onOrder(said);
      case "recycle":
        for (const buffer of said.buffers) this.#outBytes -= buffer.length;
        return;
      default:
    }
  }

  /** What is beyond its bounds, if anything is. */
  problem(isQuiet: boolean): string | undefined {
    if (this.#outBytes > CHUNK_BUFFER_BYTES_MAX) {
      return `${this.#outBytes} bytes of chunks in flight`;
    }
    return this.books.problem(isQuiet);
  }
}
