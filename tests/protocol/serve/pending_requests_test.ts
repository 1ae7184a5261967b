import { assert, assertEquals } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import {
  WANTS_UNLOCATED_MAX,
  WANTS_UNLOCATED_PER_PARTY_MAX,
} from "../../../lib/protocol/serve/limits.ts";
import { PendingRequests } from "../../../lib/protocol/serve/pending_requests.ts";
import type { Turn } from "../../../lib/protocol/serve/sender.ts";

function turn(number: number, host = 1): Turn {
  return {
    to: { address: `10.0.0.${host}`, port: 5000 },
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
  const pending = new PendingRequests();
  for (const number of [1, 2]) assert(pending.add("a", turn(number)));
  assert(pending.add("b", turn(3)));
  assert(pending.has("a"));
  assertEquals(pending.take("a").map(({ want }) => want.number), [1, 2]);
  assert(!pending.has("a"));
  assertEquals(pending.take("a"), []);
  assertEquals(pending.take("b").length, 1);
});

Deno.test("all contents together have so much room, and what is taken makes some", () => {
  const pending = new PendingRequests();
  for (let i = 0; i < WANTS_UNLOCATED_MAX; i++) {
    assert(pending.add(`${i % 2}`, turn(i, i % 8)));
  }
  assert(!pending.add("other", turn(0)));
  assert(!pending.has("other"));
  pending.take("0");
  assert(pending.add("other", turn(0)));
});

Deno.test("one address has so much of that room, whatever it asks for", () => {
  const pending = new PendingRequests();
  let taken = 0;
  for (let i = 0; i < WANTS_UNLOCATED_MAX; i++) if (pending.add(`${i}`, turn(i))) taken += 1;
  assertEquals(taken, WANTS_UNLOCATED_PER_PARTY_MAX);
  assert(pending.add("a", turn(0, 2)));
  pending.take("0");
  assert(pending.add("b", turn(0)));
});
