import { createHash } from "node:crypto";
import { assertEquals } from "@std/assert";
import { toHex } from "../../../lib/ids.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { fourBlocksByLanes } from "../../../lib/protocol/base/sha256_lanes.ts";

const BLOCK = 16_384;
const SEED = 4;

Deno.test(`four blocks side by side have the digests of each alone (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const four = fourBlocksByLanes();
  for (let round = 0; round < 5; round++) {
    const bytes = random.bytes(4 * BLOCK);
    // The lanes must not depend on one another: equal ones, too.
    if (round === 4) bytes.copyWithin(BLOCK, 0, BLOCK);
    const target = new Uint8Array(7 + 4 * 32 + 5).fill(0xa5);
    four(bytes, target, 7);
    for (let lane = 0; lane < 4; lane++) {
      const block = bytes.subarray(lane * BLOCK, (lane + 1) * BLOCK);
      assertEquals(
        toHex(target.subarray(7 + lane * 32, 7 + (lane + 1) * 32)),
        createHash("sha256").update(block).digest("hex"),
      );
    }
    assertEquals(toHex(target.subarray(0, 7)), "a5".repeat(7));
    assertEquals(toHex(target.subarray(7 + 128)), "a5".repeat(5));
  }
});
