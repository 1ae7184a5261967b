/**
 * How sessions read and write: the seam between a session's messages and what carries them.
 * TCP is one implementation; a layer (encryption, a test's) implements the same interface around another.
 * Timeouts, pacing and messages are in `session_connection.ts`.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";

export interface ByteStream {
  /** Who is at the other end. */
  readonly peer: Endpoint;
  /** Our address, as the peer has reached it. */
  readonly localAddress: string;
  /**
   * Reads what has come, as much as `target` has room for; returns how many bytes, 0 when no more will come.
   * Leave `target` alone until then, and keep one read pending at most. Never rejects.
   */
  read(target: Bytes): Promise<number>;
  /**
   * Writes what the stream takes for now, at least a byte; returns how many, 0 when the peer is gone. Leave
   * `bytes` alone until then, and keep one write pending at most. Never rejects.
   */
  write(bytes: Uint8Array): Promise<number>;
  /** Says that nothing follows; reading continues. Rejects when the peer is gone. */
  closeWrite(): Promise<void>;
  /** Ends both directions, and whatever is pending. */
  close(): void;
}

/** A port to which streams are opened. */
export interface StreamListener {
  readonly port: number;
  /**
   * The next stream; `undefined` once the listener is closed.
   *
   * @throws Error when no more connections can be accepted
   */
  accept(): Promise<ByteStream | undefined>;
  close(): void;
}
