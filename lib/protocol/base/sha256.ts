/** SHA-256 as pure functions. The only file outside `lib/io` that reaches for a platform's hash. */
import { type Bytes, toHex } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";

/** Writes the SHA-256 of `bytes`, 32 bytes, to `target[at]`. */
type Sha256 = (bytes: Uint8Array, target: Bytes, at: number) => void;

const portable: Sha256 = (bytes, target, at) =>
  target.set(platform().hash("sha256", bytes, "buffer"), at);
let current: Sha256 = portable;

/** What bytes hash to. */
const PROBES: readonly (readonly [bytes: Uint8Array, sha256: string])[] = [
  [new Uint8Array(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  [
    new Uint8Array(64).fill(0x5a),
    "cc7321cce5e4409bd8077d58422e1214969059bbd40b4eeb0de0a642f40f7282",
  ],
  [
    new Uint8Array(1_000).fill(7),
    "df1329c8b6c7cf3740bbe2f8bab34d253a8d9534a79dceea18177081fdf9f0e9",
  ],
];

type Crypto = typeof import("node:crypto");
let loaded: Crypto | undefined;

/** Loaded when it is needed: threads that hash by the system's library alone start sooner without it. */
function platform(): Crypto {
  return loaded ??= process.getBuiltinModule("node:crypto");
}

/** 32 bytes that are the caller's. */
export function sha256(bytes: Uint8Array): Bytes {
  return digestBy(current, bytes);
}

/** Writes the SHA-256 of `bytes` to `target[at]`, which may be among `bytes`. */
export function sha256Into(bytes: Uint8Array, target: Bytes, at: number): void {
  current(bytes, target, at);
}

/**
 * Puts another way to the same digests in place for this thread, where a platform has a faster one
 * (`lib/io/hash/native_sha256.ts`). One that gets a digest wrong is refused: returns whether it was taken.
 */
export function useSha256(faster: Sha256): boolean {
  const agrees = PROBES.every(([bytes, sha256]) => toHex(digestBy(faster, bytes)) === sha256);
  if (agrees) current = faster;
  return agrees;
}

let isPrepared = false;

/** Has `prepare`, which may put a faster way in place, called when this thread first hashes something; once per thread. */
export function beforeFirstSha256(prepare: () => void): void {
  if (isPrepared || current !== portable) return;
  isPrepared = true;
  current = (bytes, target, at) => {
    current = portable;
    prepare();
    current(bytes, target, at);
  };
}

function digestBy(way: Sha256, bytes: Uint8Array): Bytes {
  const digest = new Uint8Array(HASH_BYTES);
  way(bytes, digest, 0);
  return digest;
}

/** HMAC-SHA-256, 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Bytes {
  return asBytes(platform().createHmac("sha256", key).update(bytes).digest());
}

/** SHA-256 of bytes that come one after another. */
interface Sha256Stream {
  update(bytes: Uint8Array): void;
  /** Of what has come so far, 32 bytes that are the caller's; more may follow. */
  digestSoFar(): Bytes;
}

let openStream: (() => Sha256Stream) | undefined;

/** The same as {@linkcode useSha256} for streams. */
export function useSha256Streams(open: () => Sha256Stream): boolean {
  const agrees = PROBES.every(([bytes, sha256]) => {
    const stream = open();
    const middle = bytes.length >> 1;
    stream.update(bytes.subarray(0, middle));
    stream.digestSoFar();
    stream.update(bytes.subarray(middle));
    return toHex(stream.digestSoFar()) === sha256;
  });
  if (agrees) openStream = open;
  return agrees;
}

/** A digest that grows with the bytes it is given, in order. */
export class StreamingHash {
  readonly #stream: Sha256Stream;

  constructor(algorithm: "sha256" | "md5" = "sha256") {
    this.#stream = algorithm === "sha256" && openStream !== undefined
      ? openStream()
      : platformStream(algorithm);
  }

  update(bytes: Uint8Array): void {
    this.#stream.update(bytes);
  }

  /** Of what has arrived so far; the stream continues. */
  digestSoFarHex(): string {
    return toHex(this.#stream.digestSoFar());
  }

  /** Ends the stream; lower-case hex. */
  digestHex(): string {
    return this.digestSoFarHex();
  }
}

function platformStream(algorithm: "sha256" | "md5"): Sha256Stream {
  const hash = platform().createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    digestSoFar: () => asBytes(hash.copy().digest()),
  };
}

/** Node's Buffers are views of a shared pool: a copy is ours to keep and to transfer. */
function asBytes(buffer: Uint8Array): Bytes {
  return new Uint8Array(buffer);
}
