import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { Random } from "../../lib/protocol/base/random.ts";
import { ImpairedPath, type Impairments } from "../support/impairments.ts";

const COUNT = 1_000;
const BYTES = 100;

/** Datagrams that are sent one every millisecond over such a path: what comes of each, and when. */
function sent(
  impairments: Impairments,
  { seed = 1, fromMs = 0, bytes = BYTES, path = new ImpairedPath(new Random(seed), impairments) } =
    {},
): { readonly number: number; readonly atMs: number; readonly datagram: Uint8Array }[] {
  return Array.from({ length: COUNT }, (_, number) => {
    const datagram = new Uint8Array(bytes);
    return path.send(fromMs + number, datagram).map((arrival) => ({ number, ...arrival }));
  }).flat();
}

const RANDOM: Impairments = { loss: 0.1, jitterMs: 20, duplication: 0.1, reordering: 0.1 };

Deno.test("what becomes of datagrams follows from the seed", () => {
  assertEquals(sent(RANDOM, { seed: 3 }), sent(RANDOM, { seed: 3 }));
  assert(
    sent(RANDOM, { seed: 3 }).some(({ atMs }, i) => sent(RANDOM, { seed: 4 })[i]?.atMs !== atMs),
  );
});

Deno.test("a path that does nothing delivers at once, each once", () => {
  assertEquals(sent({}).map(({ atMs }) => atMs), Array.from({ length: COUNT }, (_, i) => i));
});

Deno.test("jitter changes the order, unless the path keeps it", () => {
  const isInOrder = (impairments: Impairments): boolean => {
    const times = sent(impairments).map(({ atMs }) => atMs);
    assertGreater(Math.max(...times.map((atMs, i) => atMs - i)), 40);
    return times.every((atMs, i) => atMs >= (times[i - 1] ?? 0));
  };
  assertEquals(isInOrder({ jitterMs: 50 }), false);
  assertEquals(isInOrder({ jitterMs: 50, keepsOrder: true }), true);
});

Deno.test("a rate makes a queue, and what finds it full is dropped", () => {
  const came = sent({ bytesPerMs: BYTES / 2, queueBytesMax: 10 * BYTES, delayMs: 5 });
  assertLess(came.length, COUNT * 0.6);
  assertGreater(came.length, COUNT * 0.45);
  for (const { number, atMs } of came) assertLess(atMs - number, 5 + 22 + 1);
});

Deno.test("a black hole swallows what is longer than it says, while it is open", () => {
  const hole: Impairments = { blackHoles: [{ bytes: BYTES - 1, duringMs: [100, 300] }] };
  const lost = new Set(Array.from({ length: COUNT }, (_, i) => i));
  for (const { number } of sent(hole)) lost.delete(number);
  assertEquals([Math.min(...lost), Math.max(...lost), lost.size], [100, 299, 200]);
  assertEquals(sent(hole, { bytes: BYTES - 1 }).length, COUNT);
});

Deno.test("bursts lose many in a row, and in all what their share of the time is", () => {
  const came = new Set(
    sent({ burst: { goodMs: 60, badMs: 20, loss: 1 } }).map(({ number }) => number),
  );
  const beginnings = [...came].filter((number) => !came.has(number + 1)).length;
  const lost = COUNT - came.size;
  assertGreater(lost, 5 * beginnings);
  assert(lost > COUNT / 10 && lost < COUNT / 2, `${lost} lost`);
});

Deno.test("what headers there are stay whole, and do not count where a length does", () => {
  const headerBytes = 42;
  const spoilt: Impairments = { bitFlips: 0.5, truncation: 0.5, mtuBytes: BYTES - headerBytes };
  const came = sent(spoilt, { path: new ImpairedPath(new Random(1), spoilt, headerBytes) });
  assertEquals(came.length, COUNT);
  for (const { datagram } of came) {
    assert(datagram.length >= headerBytes);
    assert(datagram.subarray(0, headerBytes).every((byte) => byte === 0));
  }
  assertGreater(came.filter(({ datagram }) => datagram.some((byte) => byte !== 0)).length, 100);
});

Deno.test("a path that changes counts its moments from then, and keeps its queue", () => {
  const path = new ImpairedPath(new Random(1), { bytesPerMs: 1 });
  path.send(0, new Uint8Array(500));
  path.change(100, { bytesPerMs: 1, downMs: [[0, 50]] });
  assertEquals(path.send(120, new Uint8Array(10)), []);
  assertEquals(path.send(150, new Uint8Array(10)).map(({ atMs }) => atMs), [510]);
});
