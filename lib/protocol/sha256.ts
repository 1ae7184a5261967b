/** SHA-256 as pure functions. The only file outside `lib/io` that reaches for a platform's hash. */
import { createHash, createHmac, hash } from "node:crypto";
import type { Bytes } from "../ids.ts";

/** 32 bytes. */
export function sha256(bytes: Uint8Array): Bytes {
  return asBytes(hash("sha256", bytes, "buffer"));
}

/** HMAC-SHA-256, 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Bytes {
  return asBytes(createHmac("sha256", key).update(bytes).digest());
}

/** A digest that grows with the bytes it is given, in order. */
export class StreamingHash {
  readonly #hash;

  constructor(algorithm: "sha256" | "md5" = "sha256") {
    this.#hash = createHash(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** Ends the stream; lower-case hex. */
  digestHex(): string {
    return this.#hash.digest("hex");
  }
}

/** Node's Buffers are views of a shared pool: a copy is ours to keep and to transfer. */
function asBytes(buffer: Uint8Array): Bytes {
  return new Uint8Array(buffer);
}
