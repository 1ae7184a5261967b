import { assertEquals } from "@std/assert";
import { transferId } from "../../../lib/ids.ts";
import { ChunkBuffer } from "../../../lib/protocol/download/chunk_buffer.ts";
import { WantLedger } from "../../../lib/protocol/download/want_ledger.ts";
import { useSha256 } from "../../../lib/protocol/base/sha256.ts";

useSha256((_, target, at) => void target.fill(0, at, at + 32));

const MARK = { sentMs: 0, deliveredBytes: 0, isAppLimited: false };
const RUN = { copyTo: () => {} };

/** Two requests for a thousand bytes each, the first of which is late from the moment 10. */
function late() {
  const chunk = new ChunkBuffer(transferId(1), 0, 0, 65_536, new Uint8Array(65_536));
  const ledger = new WantLedger();
  ledger.add(1, [{ chunk, start: 0, end: 1_000 }], MARK, 1_400);
  ledger.add(2, [{ chunk, start: 1_000, end: 2_000 }], MARK, 1_400);
  const arrive = (nowMs: number, number: number, start: number, end: number) => {
    const want = ledger.find(number)!;
    const added = chunk.add(RUN, start, end);
    return { ...ledger.onArrival(nowMs, want, end - start, added) };
  };
  arrive(10, 2, 1_000, 2_000);
  assertEquals(ledger.onProof(10, 2, 1, false), []);
  return { chunk, ledger, arrive };
}

Deno.test("what comes after a later request's answer is late by the time since then", () => {
  const { ledger, arrive } = late();
  assertEquals(arrive(14, 1, 0, 600), { pathBytes: 600, lateMs: 4, isAnswered: false });
  assertEquals(ledger.inFlightBytes, 400);
  assertEquals(arrive(15, 1, 600, 1_000), { pathBytes: 400, lateMs: 5, isAnswered: true });
});

Deno.test("on a path that reorders something is lost when it has been late for as long as is allowed, and no sooner", () => {
  const { ledger } = late();
  assertEquals(ledger.lateDeadlineMs(20), 30);
  assertEquals(ledger.giveUpLate(29, 20), []);
  assertEquals(ledger.giveUpLate(30, 20).map(({ number }) => number), [1]);
  assertEquals(ledger.inFlightBytes, 0);
});

Deno.test("what was given up and repeated, and comes after its repetition, was only late: that is seen", () => {
  const { chunk, ledger, arrive } = late();
  arrive(11, 1, 0, 400);
  ledger.giveUpLate(30, 20);
  ledger.add(3, [{ chunk, start: 400, end: 1_000 }], MARK, 1_400);
  assertEquals(arrive(35, 3, 400, 1_000).isAnswered, true);
  assertEquals(arrive(40, 1, 400, 1_000), { pathBytes: 600, lateMs: 30, isAnswered: false });
  // A copy of what came in time is not asked for any more, and says nothing.
  assertEquals(ledger.find(1)!.ranges, [{ chunk, start: 400, end: 1_000 }]);
});

Deno.test("what comes late is not waited for in the request that repeats it", () => {
  const { chunk, ledger, arrive } = late();
  ledger.giveUpLate(30, 20);
  ledger.add(3, [{ chunk, start: 0, end: 1_000 }], MARK, 1_400);
  arrive(31, 1, 0, 1_000);
  assertEquals(arrive(35, 3, 0, 500), { pathBytes: 500, lateMs: 0, isAnswered: true });
  assertEquals(ledger.inFlightBytes, 0);
});

Deno.test("a doubled segment counts once for the path, and ends no request that lacks another", () => {
  const { arrive, ledger } = late();
  arrive(11, 1, 0, 600);
  assertEquals(arrive(12, 1, 0, 600), { pathBytes: 400, lateMs: 0, isAnswered: false });
  assertEquals(ledger.inFlightBytes, 400);
});
