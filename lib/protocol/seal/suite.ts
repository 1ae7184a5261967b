/** The cryptography of the seal as a platform provides it: X25519 (RFC 7748) and AES-128-GCM (RFC 5116). */
import type { Bytes } from "../../ids.ts";
import type { SealSlot } from "../../wire/seal.ts";

export interface SealSuite {
  /** A fresh one, of the system's randomness. */
  newKeyPair(): KeyPair;
  /** @param key 16 bytes */
  newAeadKey(key: Bytes): AeadKey;
}

export interface KeyPair {
  /** 32 bytes. */
  readonly publicKey: Bytes;
  /** What both sides get, 32 bytes; `undefined` for a key of `theirs` that leads to nothing secret. */
  agree(theirs: Bytes): Bytes | undefined;
}

/** One key of an AEAD. A nonce, 12 bytes, is used once. */
export interface AeadKey {
  /** Encrypts `text` and then `end` to the slot, authenticates them and its head, and writes the tag. */
  seal(nonce: Bytes, slot: SealSlot, text: Bytes, end: Bytes): void;
  /** Decrypts the slot's text to `target`; if it is `false`, what is there is to be left alone. */
  open(nonce: Bytes, slot: SealSlot, target: Bytes): boolean;
  /** Gives back what it has of the system's memory. It is not used afterwards. */
  close(): void;
}
