/** Key pairs of X25519 (RFC 7748), as `node:crypto` has them. That is loaded for the first: who seals nothing starts sooner. */
import type { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import type { Bytes } from "../../ids.ts";
import type { KeyPair } from "../../protocol/seal/suite.ts";

/** What stands in front of a key of 32 bytes in DER (RFC 8410). */
const SPKI = Uint8Array.of(0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 3, 0x21, 0);
const PKCS8 = Uint8Array.of(0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20);

const crypto = () => process.getBuiltinModule("node:crypto");

/** A fresh one. */
export function newKeyPair(): KeyPair {
  const { privateKey, publicKey } = crypto().generateKeyPairSync("x25519");
  return pairOf(privateKey, publicKey);
}

/** The one of these 32 bytes. */
export function keyPairOf(scalar: Uint8Array): KeyPair {
  const { createPrivateKey, createPublicKey } = crypto();
  const privateKey = createPrivateKey({ key: der(PKCS8, scalar), format: "der", type: "pkcs8" });
  return pairOf(privateKey, createPublicKey(privateKey));
}

function pairOf(privateKey: KeyObject, publicKey: KeyObject): KeyPair {
  const spki = publicKey.export({ type: "spki", format: "der" });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI.length)),
    agree(theirs) {
      const { createPublicKey, diffieHellman } = crypto();
      try {
        const key = createPublicKey({ key: der(SPKI, theirs), format: "der", type: "spki" });
        return bytesOf(diffieHellman({ privateKey, publicKey: key }));
      } catch {
        // A point of small order: all that it leads to is zeros.
        return undefined;
      }
    },
  };
}

function der(head: Uint8Array, key: Uint8Array): Buffer {
  return process.getBuiltinModule("node:buffer").Buffer.concat([head, key]);
}

function bytesOf(buffer: Uint8Array): Bytes {
  return new Uint8Array(buffer);
}
