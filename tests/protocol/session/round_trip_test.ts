import { assertEquals } from "@std/assert";
import { toHex } from "../../../lib/ids.ts";
import { RoundTrip } from "../../../lib/protocol/session/round_trip.ts";

const FILE = Uint8Array.from({ length: 10 }, (_, i) => i);

function chunk(sequence: number, bytes = FILE.subarray(sequence * 4, sequence * 4 + 4)) {
  return { type: "chunk", sequence, data: toHex(bytes) };
}

Deno.test("chunks in any order become the file; the missing ones are known", () => {
  const books = new RoundTrip(FILE);
  assertEquals(books.begin(3), true);
  books.take(chunk(2));
  books.take(chunk(0));
  assertEquals(books.missing, [1]);
  books.take(chunk(1));
  books.take(chunk(1));
  assertEquals([books.missing, books.dropSpoilt(), books.assemble()], [[], [], FILE]);
});

Deno.test("a spoilt chunk is told from a good one, and asked for again", () => {
  const books = new RoundTrip(FILE);
  books.begin(3);
  for (const number of [0, 1, 2]) books.take(chunk(number));
  books.take(chunk(1, Uint8Array.of(4, 5, 6, 8)));
  assertEquals(books.dropSpoilt(), [1]);
  assertEquals(books.missing, [1]);
  assertEquals(books.begin(3), true);
  books.take(chunk(1));
  assertEquals([books.dropSpoilt(), books.assemble()], [[], FILE]);
});

Deno.test("nonsense is as good as lost", () => {
  const books = new RoundTrip(FILE);
  for (const count of [-1, 1.5, 11, "3", undefined]) assertEquals(books.begin(count), false);
  books.begin(3);
  for (const sequence of [-1, 3, 0.5, "0", null]) books.take({ sequence, data: "00" });
  books.take({ sequence: 0, data: "xx" });
  books.take({ sequence: 0, data: 7 });
  assertEquals(books.missing, [0, 1, 2]);
});

Deno.test("an empty file has no chunks and is back at once", () => {
  const books = new RoundTrip(new Uint8Array(0));
  assertEquals([books.begin(0), books.missing, books.assemble().length], [true, [], 0]);
});
