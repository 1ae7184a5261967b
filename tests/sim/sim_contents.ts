/** The files of simulated worlds: few, so that each is hashed once a process. */
import { type Bytes, type Content, hashHex, toHex } from "../../lib/ids.ts";
import { TreeHasher } from "../../lib/protocol/merkle/merkle.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";

export interface SimContent {
  readonly bytes: Bytes;
  readonly content: Content;
  readonly layer: Bytes;
}

const CACHED_MAX = 64;
const cached = new Map<string, SimContent>();

/** Variants of one size differ in every block. Those of even numbers pack, to about half. */
export function simContent(sizeBytes: number, variant: number): SimContent {
  const key = `${sizeBytes} ${variant}`;
  let found = cached.get(key);
  if (found === undefined) {
    found = make(sizeBytes, variant);
    if (cached.size >= CACHED_MAX) cached.clear();
    cached.set(key, found);
  }
  return found;
}

function make(sizeBytes: number, variant: number): SimContent {
  const random = new Random(sizeBytes * 16 + variant);
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  const mask = variant % 2 === 0 ? 0x0f0f_0f0f : 0xffff_ffff;
  for (let i = 0; i < words.length; i++) words[i] = random.u32() & mask;
  const bytes = new Uint8Array(words.buffer).slice(0, sizeBytes);
  const hasher = new TreeHasher(sizeBytes);
  hasher.update(bytes);
  const { root, layer } = hasher.finish();
  return { bytes, layer, content: { sizeBytes, sha256: hashHex(toHex(sha256(bytes))), root } };
}
