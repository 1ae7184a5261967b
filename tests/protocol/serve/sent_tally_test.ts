import { assertEquals } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import { FILE_BYTES_MAX } from "../../../lib/limits.ts";
import {
  SENT_SHARES_MAX,
  SENT_TALLIES_MAX,
  SENT_TELL_MS,
  TRANSFER_IDLE_MS,
} from "../../../lib/protocol/serve/limits.ts";
import { SentTally } from "../../../lib/protocol/serve/sent_tally.ts";

const A = { address: "10.0.0.1", port: 5000 };
const B = { address: "10.0.0.2", port: 5000 };
const ROOT = hashHex("ab".repeat(32));
const CONTENT = { root: ROOT, sizeBytes: 1_000_000 };

/** What is told of these requests of one client, all at once. */
function told(...ranges: readonly (readonly [offset: number, lengthBytes: number])[]) {
  const tally = new SentTally();
  for (const [offset, lengthBytes] of ranges) {
    tally.onSent(0, A, "1", CONTENT, [{ offset, lengthBytes }]);
  }
  return tally.take(0).map(({ newBytes }) => newBytes);
}

Deno.test("bytes count once, whatever is asked for again", () => {
  assertEquals(told([0, 500_000], [500_000, 500_000]), [1_000_000]);
  assertEquals(told([0, 1_000_000], [10_000, 5_000], [0, 1_000_000]), [1_000_000]);
  assertEquals(told([999_999, 5]), [1]);
});

Deno.test("bytes of the longest files count once as well", () => {
  const tally = new SentTally();
  const content = { root: ROOT, sizeBytes: FILE_BYTES_MAX };
  const half = { offset: 0, lengthBytes: FILE_BYTES_MAX / 2 };
  for (let i = 0; i < 2; i++) tally.onSent(0, A, "1", content, [half]);
  assertEquals(tally.take(0).map(({ newBytes }) => newBytes), [FILE_BYTES_MAX / 2]);
});

Deno.test("a client is told of with what is new, and not at all if nothing is", () => {
  const tally = new SentTally();
  const send = (nowMs: number) =>
    tally.onSent(nowMs, A, "1", CONTENT, [{ offset: 0, lengthBytes: 98_304 }]);
  send(0);
  assertEquals(tally.take(30)[0], {
    ...{ to: A, ...CONTENT, newBytes: 98_304, begins: true, firstAgoMs: 30, lastAgoMs: 30 },
  });
  send(40);
  assertEquals(tally.take(50), []);
  tally.onSent(60, A, "1", CONTENT, [{ offset: 500_000, lengthBytes: 7 }]);
  assertEquals(tally.take(60).map(({ begins, newBytes }) => [begins, newBytes]), [[false, 7]]);
});

Deno.test("what begins is told at once, what goes on now and then, what is much at once", () => {
  const tally = new SentTally();
  assertEquals(tally.nextWakeupMs, Infinity);
  tally.onSent(0, A, "1", CONTENT, [{ offset: 0, lengthBytes: 1 }]);
  assertEquals(tally.nextWakeupMs, -Infinity);
  tally.take(0);
  tally.onSent(1, B, "1", CONTENT, [{ offset: 0, lengthBytes: 1 }]);
  assertEquals(tally.nextWakeupMs, SENT_TELL_MS);
  for (let i = 0; i < SENT_SHARES_MAX; i++) {
    const root = hashHex(i.toString(16).padStart(64, "0"));
    tally.onSent(1, A, "1", { root, sizeBytes: 10 }, [{ offset: 0, lengthBytes: 10 }]);
  }
  assertEquals(tally.nextWakeupMs, -Infinity);
});

Deno.test("who has all of it and asks by another flow, or after a pause, begins anew", () => {
  const whole = [{ offset: 0, lengthBytes: CONTENT.sizeBytes }];
  const again = (flow: string, nowMs: number): readonly boolean[] => {
    const tally = new SentTally();
    tally.onSent(0, A, "1", CONTENT, whole);
    tally.take(0);
    tally.onSent(nowMs, A, flow, CONTENT, whole);
    return tally.take(nowMs).map(({ begins }) => begins);
  };
  assertEquals(again("1", 10), []);
  assertEquals(again("2", 10), [true]);
  assertEquals(again("1", TRANSFER_IDLE_MS + 1), [true]);
});

Deno.test("an unfinished one goes on, by whatever flow", () => {
  const tally = new SentTally();
  tally.onSent(0, A, "1", CONTENT, [{ offset: 0, lengthBytes: 400_000 }]);
  tally.take(0);
  tally.onSent(60_000, A, "2", CONTENT, [{ offset: 400_000, lengthBytes: 600_000 }]);
  assertEquals(tally.take(60_000).map(({ begins, newBytes }) => [begins, newBytes]), [
    [false, 600_000],
  ]);
});

Deno.test("of many contents the one sent longest ago is forgotten", () => {
  const tally = new SentTally();
  const range = [{ offset: 0, lengthBytes: 5 }];
  for (let i = 0; i <= SENT_TALLIES_MAX; i++) {
    const root = hashHex(i.toString(16).padStart(64, "0"));
    tally.onSent(i, A, "1", { root, sizeBytes: 10 }, range);
    if (i % 100 === 0) tally.take(i);
  }
  tally.take(1_000);
  const first = { root: hashHex("0".repeat(64)), sizeBytes: 10 };
  tally.onSent(1_000, A, "1", first, range);
  assertEquals(tally.take(1_000).map(({ begins }) => begins), [true]);
});
