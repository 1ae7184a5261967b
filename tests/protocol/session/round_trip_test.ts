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
  assertEquals([state.take(chunk(2)), state.take(chunk(0))], [true, true]);
  assertEquals([state.missing, state.spoilt, state.assemble()], [[1], [], undefined]);
  assertEquals([state.take(chunk(1)), state.take(chunk(1))], [true, false]);
  assertEquals([state.missing, state.assemble()], [[], FILE]);
});

Deno.test("a spoilt chunk is told from a good one, and asked for again", () => {
  const state = new RoundTrip(FILE);
  state.begin(3);
  for (const number of [0, 2]) state.take(chunk(number));
  assertEquals(state.take(chunk(1, Uint8Array.of(4, 5, 6, 8))), false);
  assertEquals([state.spoilt, state.missing], [[1], [1]]);
  assertEquals(state.begin(3), true);
  assertEquals(state.spoilt, []);
  state.take(chunk(1));
  assertEquals([state.missing, state.assemble()], [[], FILE]);
});

Deno.test("what came back stays, whatever comes later under its number", () => {
  const state = new RoundTrip(FILE);
  state.begin(3);
  for (const number of [0, 2]) state.take(chunk(number));
  state.begin(3);
  const worse = [
    Uint8Array.of(9, 9, 9, 9),
    new Uint8Array(0),
    FILE,
    FILE.subarray(0, 3),
    FILE.subarray(0, 5),
  ];
  for (const bytes of worse) for (const number of [0, 2]) state.take(chunk(number, bytes));
  assertEquals(state.missing, [1]);
  state.take(chunk(1));
  assertEquals(state.assemble(), FILE);
});

Deno.test("chunks of another length count for themselves, and not against those that are held", () => {
  const zeros = new Uint8Array(10);
  const state = new RoundTrip(zeros);
  // 3 chunks of 10 bytes are 4 bytes long, and 4 chunks 3.
  state.begin(3);
  for (const number of [0, 1]) state.take(chunk(number, zeros.subarray(0, 4)));
  state.begin(4);
  assertEquals(state.missing, [0, 1, 2, 3]);
  state.take(chunk(0, zeros.subarray(0, 3)));
  assertEquals(state.missing, [1, 2, 3]);
  state.begin(3);
  assertEquals(state.missing, [2]);
  state.take(chunk(2, zeros.subarray(0, 2)));
  assertEquals(state.assemble(), zeros);
});

Deno.test("nonsense is as good as lost", () => {
  const state = new RoundTrip(FILE);
  for (const count of [-1, 0, 1.5, 11, "3", undefined]) assertEquals(state.begin(count), false);
  state.begin(3);
  for (const sequence of [-1, 3, 0.5, "0", null]) state.take({ sequence, data: "00" });
  state.take({ sequence: 0, data: "xx" });
  state.take({ sequence: 0, data: 7 });
  assertEquals(state.missing, [0, 1, 2]);
});

Deno.test("an empty file has no chunks and is back at once", () => {
  const state = new RoundTrip(new Uint8Array(0));
  assertEquals([state.begin(0), state.missing, state.assemble()?.length], [true, [], 0]);
});
