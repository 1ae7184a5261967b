/** The seal of a simulated world: one secret for all who are in it, and keys that follow from the world's seed. */
import { keyPairOf } from "../../lib/io/seal/x25519.ts";
import { sealSuite } from "../../lib/io/seal/seal_suite.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { type GroupKey, groupKeyOf } from "../../lib/protocol/seal/key_schedule.ts";
import type { SealSuite } from "../../lib/protocol/seal/suite.ts";

export interface VirtualSeal {
  readonly groups: readonly GroupKey[];
  readonly suite: SealSuite;
}

/** What it draws is drawn by nobody else: the world is what it would be without it. */
export function virtualSeal(seed: number): VirtualSeal {
  const random = new Random(seed);
  return {
    groups: [groupKeyOf(random.bytes(16))],
    suite: {
      newKeyPair: () => keyPairOf(random.bytes(32)),
      newAeadKey: (key) => sealSuite.newAeadKey(key),
    },
  };
}
