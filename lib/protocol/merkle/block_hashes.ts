/** The leaves of the tree: SHA-256 of a file's blocks, one after another or several side by side. */
import type { Bytes } from "../../ids.ts";
import { BLOCK_BYTES, HASH_BYTES } from "../../limits.ts";
import { sha256Into } from "../base/sha256.ts";
import { LANES } from "../base/sha256_lanes_module.ts";

/** Writes the hash of each block of `bytes`, the last of which may be shorter, to `target[at]`. */
type BlockHashing = (bytes: Uint8Array, target: Bytes, at: number) => void;

/** So many bytes are hashed at once where they are there: as many blocks as there are lanes. */
export const BLOCK_GROUP_BYTES = LANES * BLOCK_BYTES;

const oneByOne: BlockHashing = (bytes, target, at) => {
  for (let from = 0, to = at; from < bytes.length; from += BLOCK_BYTES, to += HASH_BYTES) {
    sha256Into(bytes.subarray(from, from + BLOCK_BYTES), target, to);
  }
};

let current: BlockHashing = oneByOne;

/** See {@linkcode BlockHashing}. */
export function hashBlocks(bytes: Uint8Array, target: Bytes, at: number): void {
  current(bytes, target, at);
}

/** From now on this thread hashes whole groups by `group`, and what is left over block by block. */
export function useGroupHashing(group: BlockHashing): void {
  current = (bytes, target, at) => {
    let from = 0;
    let to = at;
    for (; from + BLOCK_GROUP_BYTES <= bytes.length; from += BLOCK_GROUP_BYTES) {
      group(bytes.subarray(from, from + BLOCK_GROUP_BYTES), target, to);
      to += LANES * HASH_BYTES;
    }
    oneByOne(bytes.subarray(from), target, to);
  };
}

/** Puts something around this thread's hashing of blocks. */
export function wrapBlockHashing(wrap: (inner: BlockHashing) => BlockHashing): void {
  current = wrap(current);
}
