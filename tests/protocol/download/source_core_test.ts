/** What all kinds of sources share, without any of them. */
import { assert, assertEquals } from "@std/assert";
import { type Bytes, hashHex, serverId, sourceId, transferId } from "../../../lib/ids.ts";
import type { ByteRun } from "../../../lib/protocol/download/chunk_buffer.ts";
import { chunkHashesOf } from "../../../lib/protocol/download/fetch_list.ts";
import { LEASE_STALL_MS_MIN, REPORT_INTERVAL_MS } from "../../../lib/protocol/download/limits.ts";
import { SourceCore } from "../../../lib/protocol/download/source_core.ts";
import type { SourceAction } from "../../../lib/protocol/download/source_messages.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

const SOURCE = sourceId(serverId("5e".repeat(16)), "carrier pigeon");
const TRANSFER = transferId(1);
const CHUNK_BYTES = 65_536;
const FILE = mixedFile(2 * CHUNK_BYTES);

class Desk {
  readonly actions: SourceAction[] = [];
  readonly core = new SourceCore(
    () => ({ rateBytesPerS: 7, rttMs: 8, silentMs: 9 }),
    (action) => this.actions.push(action),
  );

  constructor(rateBytesPerS = 0) {
    this.core.begin(SOURCE);
    this.core.onOrder({
      ...{ kind: "allot", windowBytesMax: 5, bufferBytesMax: 1 << 20, rateBytesPerS },
    });
  }

  lease(chunks: readonly number[]): void {
    const { root, layer } = hashed(FILE);
    const content = { sizeBytes: FILE.length, sha256: hashHex("00".repeat(32)), root };
    const lease = { transfer: TRANSFER, content, chunks, hashes: chunkHashesOf(layer, chunks) };
    this.core.onOrder({ kind: "lease", lease });
  }

  /** A whole chunk comes, as it is or with a byte that is not. */
  bring(chunk: number, isGood: boolean) {
    const buffer = this.core.fetches.begin(TRANSFER, chunk)!;
    const bytes: Bytes = FILE.slice(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
    if (!isGood) bytes[0]! ^= 1;
    const { offset } = buffer;
    const run: ByteRun = {
      copyTo: (target, at, start, end) =>
        target.set(bytes.subarray(start - offset, end - offset), at),
    };
    buffer.add(run, 0, CHUNK_BYTES);
    return this.core.onComplete(buffer, true);
  }

  take(): string[] {
    return this.actions.splice(0).map(({ kind }) => kind);
  }
}

Deno.test("what is proved is handed on, what is not is told with its blame", () => {
  const desk = new Desk();
  desk.lease([0, 1]);
  assertEquals(desk.bring(1, true), undefined);
  assertEquals(desk.take(), ["chunk"]);
  assertEquals(desk.bring(0, false)?.asked.chunk, 0);
  assertEquals(desk.take(), []);
  desk.core.reportWhenDue(1);
  const [report] = desk.actions;
  assert(report?.kind === "report");
  const { source, verified, bad, rateBytesPerS, rttMs, silentMs } = report.report;
  assertEquals([source, rateBytesPerS, rttMs, silentMs], [SOURCE, 7, 8, 9]);
  assertEquals(verified.map(({ chunk }) => chunk), [1]);
  assertEquals(bad.map(({ chunk, isIntegrityFailure }) => [chunk, isIntegrityFailure]), [[
    0,
    true,
  ]]);
});

Deno.test("a report is due at once when the leases run out, else at intervals, silence included", () => {
  const desk = new Desk();
  desk.core.reportWhenDue(0);
  assertEquals(desk.core.nextWakeupMs(0), Infinity);
  desk.lease([0, 1]);
  desk.bring(0, true);
  assertEquals(desk.core.nextWakeupMs(0), REPORT_INTERVAL_MS);
  desk.core.reportWhenDue(REPORT_INTERVAL_MS - 1);
  assertEquals(desk.take(), ["chunk"]);
  desk.core.reportWhenDue(REPORT_INTERVAL_MS);
  assertEquals(desk.take(), ["report"]);
  const silentMs = REPORT_INTERVAL_MS + LEASE_STALL_MS_MIN / 2;
  assertEquals(desk.core.nextWakeupMs(REPORT_INTERVAL_MS), silentMs);
  desk.core.reportWhenDue(silentMs);
  assertEquals(desk.take(), ["report"]);
  desk.bring(1, true);
  desk.core.reportWhenDue(silentMs);
  assertEquals(desk.take(), ["chunk", "report"]);
});

Deno.test("a rate holds the next request back by what the last one asked for", () => {
  const desk = new Desk(1_000_000);
  assertEquals(desk.core.ratedBytesMax, 1_000 * LEASE_STALL_MS_MIN / 8);
  assertEquals(desk.core.rateReadyMs(1_000), Infinity);
  desk.core.onAsked(1_000, 50_000);
  const readyMs = desk.core.rateReadyMs(1_000);
  assert(readyMs >= 1_040 && readyMs <= 1_041, `ready at ${readyMs}`);
  assertEquals(desk.core.rateReadyMs(readyMs), Infinity);
  assertEquals(new Desk().core.ratedBytesMax, Infinity);
});

Deno.test("at its end it reports what it has brought, and holds nothing", () => {
  const desk = new Desk();
  desk.lease([0, 1]);
  desk.bring(0, true);
  desk.core.end(1);
  assertEquals(desk.take(), ["chunk", "report"]);
  assertEquals([desk.core.source, desk.core.fetches.leasedBytes], [undefined, 0]);
  desk.core.end(2);
  desk.core.reportWhenDue(1_000);
  assertEquals(desk.take(), []);
});

Deno.test("of a file all is gone, of a folder the unit", () => {
  const desk = new Desk();
  desk.lease([0, 1]);
  const gone = { transfer: TRANSFER, chunk: 0 };
  desk.core.onGone({ ...gone, parts: [3] }, "changed");
  assertEquals(desk.core.fetches.leasedBytes, CHUNK_BYTES);
  desk.core.onGone({ ...gone, parts: undefined }, "unknown");
  assertEquals(desk.core.fetches.leasedBytes, 0);
  const about = { kind: "gone", transfer: TRANSFER, source: SOURCE } as const;
  assertEquals(desk.actions, [
    { ...about, reason: "changed", chunk: 0 },
    { ...about, reason: "unknown" },
  ]);
});
