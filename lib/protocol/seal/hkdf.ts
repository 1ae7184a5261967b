/** HKDF-SHA-256 (RFC 5869), both steps. */
import type { Bytes } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { hmacSha256 } from "../base/sha256.ts";

const utf8 = new TextEncoder();
export const NO_SALT: Bytes = new Uint8Array(HASH_BYTES);

/** `bytes` of it; the info is the label and then the context. */
export function hkdf(
  material: Uint8Array,
  salt: Uint8Array,
  label: string,
  bytes: number,
  ...context: readonly Uint8Array[]
): Bytes {
  const info = joined(utf8.encode(label), ...context);
  const secret = hmacSha256(salt, material);
  const okm = new Uint8Array(Math.ceil(bytes / HASH_BYTES) * HASH_BYTES);
  let block: Uint8Array = new Uint8Array(0);
  for (let at = 0; at < bytes; at += HASH_BYTES) {
    block = hmacSha256(secret, joined(block, info, Uint8Array.of(at / HASH_BYTES + 1)));
    okm.set(block, at);
  }
  return okm.slice(0, bytes);
}

/** One behind another. */
export function joined(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
