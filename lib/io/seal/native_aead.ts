/**
 * AES-128-GCM straight from the system's OpenSSL, through FFI: a key is set up once, and a datagram of the usual length takes less than
 * a microsecond where `node:crypto` takes twenty. Everything works without it.
 */
import type { Bytes } from "../../ids.ts";
import type { AeadKey } from "../../protocol/seal/suite.ts";
import { isTuningOff } from "../system/tuning.ts";

/** By soname, so that no development package is needed. */
const LIBRARIES = ["libcrypto.so.3", "libcrypto.so.1.1"];
const UPDATE = {
  parameters: ["pointer", "buffer", "buffer", "buffer", "i32"],
  result: "i32",
} as const;
const FINAL = { parameters: ["pointer", "buffer", "buffer"], result: "i32" } as const;
const INIT = {
  parameters: ["pointer", "pointer", "pointer", "buffer", "buffer"],
  result: "i32",
} as const;
const SYMBOLS = {
  EVP_aes_128_gcm: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_new: { parameters: [], result: "pointer" },
  EVP_CIPHER_CTX_free: { parameters: ["pointer"], result: "void" },
  EVP_CIPHER_CTX_ctrl: { parameters: ["pointer", "i32", "i32", "buffer"], result: "i32" },
  EVP_EncryptInit_ex: INIT,
  EVP_EncryptUpdate: UPDATE,
  EVP_EncryptFinal_ex: FINAL,
  EVP_DecryptInit_ex: INIT,
  EVP_DecryptUpdate: UPDATE,
  EVP_DecryptFinal_ex: FINAL,
} as const satisfies Deno.ForeignLibraryInterface;
const GET_TAG = 0x10;
const SET_TAG = 0x11;

type Libcrypto = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
let library: Libcrypto | "none" | undefined;

/** `undefined` where the library cannot be had. */
export function nativeAeadKey(key: Bytes): AeadKey | undefined {
  library ??= load() ?? "none";
  return library === "none" ? undefined : new NativeAeadKey(library, key);
}

function load(): Libcrypto | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  if (isTuningOff()) return undefined;
  for (const name of LIBRARIES) {
    try {
      return Deno.dlopen(name, SYMBOLS).symbols;
    } catch {
      // Not this one.
    }
  }
  return undefined;
}

/** Where a call writes how much it has written: nobody reads it. */
const written = new Int32Array(1) as unknown as Bytes;

class NativeAeadKey implements AeadKey {
  readonly #library: Libcrypto;
  /** `null` once it is closed. */
  #context: Deno.PointerValue;

  constructor(symbols: Libcrypto, key: Bytes) {
    this.#library = symbols;
    this.#context = symbols.EVP_CIPHER_CTX_new();
    const cipher = symbols.EVP_aes_128_gcm();
    // A context that is set up for one direction has the key for both: the cipher is the counter mode.
    check(symbols.EVP_EncryptInit_ex(this.#context, cipher, null, key, null));
  }

  seal(nonce: Bytes, slot: Parameters<AeadKey["seal"]>[1], text: Bytes, end: Bytes): void {
    const { EVP_EncryptInit_ex, EVP_EncryptUpdate, EVP_EncryptFinal_ex, EVP_CIPHER_CTX_ctrl } =
      this.#library;
    const context = this.#context;
    if (context === null) throw new Error("a key is used that was closed");
    const { head, tag } = slot;
    let done = EVP_EncryptInit_ex(context, null, null, null, nonce) &
      EVP_EncryptUpdate(context, null, written, head, head.length);
    if (text.length > 0) {
      done &= EVP_EncryptUpdate(context, slot.text, written, text, text.length);
    }
    if (end.length > 0) done &= EVP_EncryptUpdate(context, slot.end, written, end, end.length);
    done &= EVP_EncryptFinal_ex(context, tag, written) &
      EVP_CIPHER_CTX_ctrl(context, GET_TAG, tag.length, tag);
    // What could not be sealed is not to be sent.
    check(done);
  }

  open(nonce: Bytes, { head, text, tag }: Parameters<AeadKey["open"]>[1], target: Bytes): boolean {
    const { EVP_DecryptInit_ex, EVP_DecryptUpdate, EVP_DecryptFinal_ex, EVP_CIPHER_CTX_ctrl } =
      this.#library;
    const context = this.#context;
    if (context === null) return false;
    let done = EVP_DecryptInit_ex(context, null, null, null, nonce) &
      EVP_DecryptUpdate(context, null, written, head, head.length);
    if (text.length > 0) done &= EVP_DecryptUpdate(context, target, written, text, text.length);
    done &= EVP_CIPHER_CTX_ctrl(context, SET_TAG, tag.length, tag);
    return done === 1 && EVP_DecryptFinal_ex(context, tag, written) === 1;
  }

  close(): void {
    if (this.#context !== null) this.#library.EVP_CIPHER_CTX_free(this.#context);
    this.#context = null;
  }
}

/** @throws Error where the library says that it has not done it */
function check(done: number): void {
  if (done !== 1) throw new Error("libcrypto does not encrypt");
}
