/**
 * SHA-256 straight from the system's OpenSSL, through FFI. The tree hashes sixteen kilobytes at a
 * time: `node:crypto` allocates an object for each, which costs time and, until they are collected, tens of
 * megabytes. Everything works without it.
 */
import type { Bytes } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { useSha256 } from "../../protocol/base/sha256.ts";
import { isTuningOff } from "../system/tuning.ts";

/** By soname, so that no development package is needed. */
const LIBRARIES = ["libcrypto.so.3", "libcrypto.so.1.1"];
const SYMBOLS = {
  SHA256: { parameters: ["buffer", "usize", "buffer"], result: "pointer" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Call once per thread, before it hashes. Silently leaves things as they are where it cannot be had. */
export function useNativeSha256(): void {
  if (Deno.build.os !== "linux") return;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return;
  if (isTuningOff()) return;
  for (const name of LIBRARIES) {
    try {
      const { symbols } = Deno.dlopen(name, SYMBOLS);
      // Small arrays live in V8's heap until a pointer to them is taken: one is enough for that.
      const digest = new Uint8Array(HASH_BYTES);
      useSha256((bytes, target, at) => {
        symbols.SHA256(bytes as Bytes, BigInt(bytes.length), digest);
        target.set(digest, at);
      });
      return;
    } catch {
      // Not this one.
    }
  }
}
