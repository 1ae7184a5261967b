import { assert, assertEquals } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import { WANTS_UNLOCATED_MAX } from "../../../lib/protocol/serve/limits.ts";
import { ParkedTurns } from "../../../lib/protocol/serve/parked_turns.ts";
import type { Turn } from "../../../lib/protocol/serve/sender.ts";

function turn(number: number): Turn {
  return {
    to: { address: "10.0.0.1", port: 5000 },
    want: {
      kind: "want",
      nonce: 1n,
      token: new Uint8Array(16),
      number,
      root: hashHex("00".repeat(32)),
      sizeBytes: 1,
      segmentBytes: 1_400,
      withCrc: 0,
      ranges: [{ offset: 0, lengthBytes: 1 }],
    },
  };
}

Deno.test("what waits for a content is handed back once, in order", () => {
  const parked = new ParkedTurns();
  for (const number of [1, 2]) assert(parked.park("a", turn(number)));
  assert(parked.park("b", turn(3)));
  assert(parked.has("a"));
  assertEquals(parked.take("a").map(({ want }) => want.number), [1, 2]);
  assert(!parked.has("a"));
  assertEquals(parked.take("a"), []);
  assertEquals(parked.take("b").length, 1);
});

Deno.test("all contents together have so much room, and what is taken makes some", () => {
  const parked = new ParkedTurns();
  for (let i = 0; i < WANTS_UNLOCATED_MAX; i++) assert(parked.park(`${i % 2}`, turn(i)));
  assert(!parked.park("other", turn(0)));
  assert(!parked.has("other"));
  parked.take("0");
  assert(parked.park("other", turn(0)));
});
