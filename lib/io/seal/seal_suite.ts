/** The seal's cryptography on this platform: the system's library where it can be had, `node:crypto` elsewhere. */
import type { SealSuite } from "../../protocol/seal/suite.ts";
import { nativeAeadKey } from "./native_aead.ts";
import { nodeAeadKey } from "./node_aead.ts";
import { newKeyPair } from "./x25519.ts";

export const sealSuite: SealSuite = {
  newKeyPair,
  newAeadKey: (key) => nativeAeadKey(key) ?? nodeAeadKey(key),
};
