/**
 * SHA-256 straight from the system's OpenSSL, through FFI. The tree hashes sixteen kilobytes at a
 * time: `node:crypto` allocates an object for each, which costs time and, until they are collected, tens of
 * megabytes. Everything works without it.
 */
import type { Bytes } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { beforeFirstSha256, useSha256, useSha256Streams } from "../../protocol/base/sha256.ts";
import { isTuningOff } from "../system/tuning.ts";

/** By soname, so that no development package is needed. */
const LIBRARIES = ["libcrypto.so.3", "libcrypto.so.1.1"];
/** The one call that does all three, `SHA256`, looks its algorithm up anew every time: that takes longer than a node of the tree. */
const SYMBOLS = {
  SHA256_Init: { parameters: ["buffer"], result: "i32" },
  SHA256_Update: { parameters: ["buffer", "buffer", "usize"], result: "i32" },
  SHA256_Final: { parameters: ["buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;
/** `SHA256_CTX` has 112 bytes. */
const STATE_BYTES = 256;

/** The same, once this thread hashes: Node's, which is taken otherwise, would take longer to load than most runs hash. */
export function useNativeSha256WhenNeeded(): void {
  beforeFirstSha256(useNativeSha256);
}

/** Call once per thread, before it hashes. Silently leaves things as they are where it cannot be had. */
export function useNativeSha256(): void {
  if (Deno.build.os !== "linux") return;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return;
  if (isTuningOff()) return;
  for (const name of LIBRARIES) {
    try {
      const { SHA256_Init, SHA256_Update, SHA256_Final } = Deno.dlopen(name, SYMBOLS).symbols;
      const state = new Uint8Array(STATE_BYTES);
      // Small arrays live in V8's heap until a pointer to them is taken: one is enough for that.
      const digest = new Uint8Array(HASH_BYTES);
      useSha256((bytes, target, at) => {
        SHA256_Init(state);
        SHA256_Update(state, bytes as Bytes, BigInt(bytes.length));
        SHA256_Final(digest, state);
        target.set(digest, at);
      });
      useSha256Streams(() => {
        const own = new Uint8Array(STATE_BYTES);
        const copy = new Uint8Array(STATE_BYTES);
        SHA256_Init(own);
        return {
          update: (bytes) => void SHA256_Update(own, bytes as Bytes, BigInt(bytes.length)),
          digestSoFar() {
            copy.set(own);
            SHA256_Final(digest, copy);
            return digest.slice();
          },
        };
      });
      return;
    } catch {
      // Not this one.
    }
  }
}
