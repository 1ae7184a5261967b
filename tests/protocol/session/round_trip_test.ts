import { assertEquals } from "@std/assert";
import { toHex } from "../../../lib/ids.ts";
import { RoundTrip } from "../../../lib/protocol/session/round_trip.ts";

const FILE = Uint8Array.from({ length: 10 }, (_, i) => i);

function chunk(sequence: number, bytes = FILE.subarray(sequence * 4, sequence * 4 + 4)) {
  return { type: "chunk", sequence, data: toHex(bytes) };
}

Deno.test("chunks in any order become the file; the missing ones are known", () => {
  const state = new RoundTrip(FILE);
  assertEquals(state.begin(3), true);
  state.take(chunk(2));
  state.take(chunk(0));
  assertEquals(state.missing, [1]);
  state.take(chunk(1));
  state.take(chunk(1));
  assertEquals([state.missing, state.dropSpoilt(), state.assemble()], [[], [], FILE]);
});

Deno.test("a spoilt chunk is told from a good one, and asked for again", () => {
  const state = new RoundTrip(FILE);
  state.begin(3);
  for (const number of [0, 1, 2]) state.take(chunk(number));
  state.take(chunk(1, Uint8Array.of(4, 5, 6, 8)));
  assertEquals(state.dropSpoilt(), [1]);
  assertEquals(state.missing, [1]);
  assertEquals(state.begin(3), true);
  state.take(chunk(1));
  assertEquals([state.dropSpoilt(), state.assemble()], [[], FILE]);
});

Deno.test("nonsense is as good as lost", () => {
  const state = new RoundTrip(FILE);
  for (const count of [-1, 1.5, 11, "3", undefined]) assertEquals(state.begin(count), false);
  state.begin(3);
  for (const sequence of [-1, 3, 0.5, "0", null]) state.take({ sequence, data: "00" });
  state.take({ sequence: 0, data: "xx" });
  state.take({ sequence: 0, data: 7 });
  assertEquals(state.missing, [0, 1, 2]);
});

Deno.test("an empty file has no chunks and is back at once", () => {
  const state = new RoundTrip(new Uint8Array(0));
  assertEquals([state.begin(0), state.missing, state.assemble().length], [true, [], 0]);
});
