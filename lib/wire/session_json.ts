/**
 * The framing of the JSON sessions (docs/PROTOCOL.md, "Sessions over TCP"): every message is a u32
 * length and that many bytes of JSON, and a body is frames of the same form with raw bytes in them,
 * ended by an empty one. What is taken here is well-formed and bounded; what it says is for others.
 */
import type { Bytes } from "../ids.ts";
import { BODY_FRAME_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX } from "./limits.ts";
import type { ByteQueue } from "./byte_queue.ts";

export const LENGTH_PREFIX_BYTES = 4;

type TakenMessage =
  | { readonly kind: "message"; readonly bytes: Bytes }
  /** The prefix was taken; so many bytes follow, which are more than may be kept. */
  | { readonly kind: "tooLarge"; readonly lengthBytes: number };

const utf8 = new TextEncoder();
const utf8Strict = new TextDecoder("utf-8", { fatal: true });

/** The length that the next message claims; `undefined` while its prefix is incomplete. */
export function claimedLength(queue: ByteQueue): number | undefined {
  const prefix = queue.peek(LENGTH_PREFIX_BYTES);
  if (prefix.length < LENGTH_PREFIX_BYTES) return undefined;
  return new DataView(prefix.buffer).getUint32(0);
}

/** The next message; `undefined` while it is incomplete. */
export function takeMessage(queue: ByteQueue, bytesMax: number): TakenMessage | undefined {
  const lengthBytes = claimedLength(queue);
  if (lengthBytes === undefined) return undefined;
  if (lengthBytes > bytesMax) {
    queue.skip(LENGTH_PREFIX_BYTES);
    return { kind: "tooLarge", lengthBytes };
  }
  if (queue.lengthBytes < LENGTH_PREFIX_BYTES + lengthBytes) return undefined;
  queue.skip(LENGTH_PREFIX_BYTES);
  return { kind: "message", bytes: queue.take(lengthBytes)! };
}

/** The frames of one body, from the stream that carries it. */
export class BodyFrames {
  #frameBytesLeft = 0;
  #isAtEnd = false;

  /** Whether the empty frame was taken. */
  get isAtEnd(): boolean {
    return this.#isAtEnd;
  }

  /**
   * Up to `bytesMax` bytes of the body, without copying; none while none have come. `undefined` for a
   * frame that is too long: the stream makes no sense any more.
   */
  take(queue: ByteQueue, bytesMax: number): Bytes | undefined {
    if (this.#frameBytesLeft === 0 && !this.#isAtEnd) {
      const lengthBytes = claimedLength(queue);
      if (lengthBytes === undefined) return new Uint8Array(0);
      if (lengthBytes > BODY_FRAME_BYTES_MAX) return undefined;
      queue.skip(LENGTH_PREFIX_BYTES);
      this.#frameBytesLeft = lengthBytes;
      this.#isAtEnd = lengthBytes === 0;
    }
    const part = queue.takeSome(Math.min(bytesMax, this.#frameBytesLeft));
    this.#frameBytesLeft -= part.length;
    return part;
  }
}

/** The prefix of a frame of `lengthBytes`. */
export function lengthPrefix(lengthBytes: number): Bytes {
  const prefix = new Uint8Array(LENGTH_PREFIX_BYTES);
  new DataView(prefix.buffer).setUint32(0, lengthBytes);
  return prefix;
}

/** `value` as a message, prefix and all. */
export function encodeMessage(value: unknown): Bytes {
  const body = utf8.encode(JSON.stringify(value));
  const message = new Uint8Array(LENGTH_PREFIX_BYTES + body.length);
  message.set(lengthPrefix(body.length));
  message.set(body, LENGTH_PREFIX_BYTES);
  return message;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** What a message says; `undefined` unless it is an object, in UTF-8, and neither deep nor rich. */
export function parseMessage(bytes: Uint8Array): JsonObject | undefined {
  if (!isModest(bytes)) return undefined;
  try {
    const value: unknown = JSON.parse(utf8Strict.decode(bytes));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? value as JsonObject : undefined;
  } catch {
    return undefined;
  }
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Whether parsing would make few values, and not deep ones: a few bytes of JSON can ask for much. */
function isModest(bytes: Uint8Array): boolean {
  let depth = 0;
  let nodes = 1;
  for (let i = 0; i < bytes.length; i++) {
    switch (bytes[i]) {
      case QUOTE:
        i = endOfString(bytes, i);
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        depth += 1;
        nodes += 1;
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        depth -= 1;
        break;
      case COMMA:
        nodes += 1;
    }
    if (depth > JSON_DEPTH_MAX || nodes > JSON_NODES_MAX) return false;
  }
  return true;
}

/** Where the string that begins at `start` ends: at its closing quote, or with the bytes. */
function endOfString(bytes: Uint8Array, start: number): number {
  for (let quote = bytes.indexOf(QUOTE, start + 1);; quote = bytes.indexOf(QUOTE, quote + 1)) {
    if (quote === -1) return bytes.length;
    let backslashes = 0;
    while (bytes[quote - 1 - backslashes] === BACKSLASH) backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
}
