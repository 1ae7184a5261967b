import { assert, assertEquals } from "@std/assert";
import {
  TRANSFER_IDLE_MS,
  TRANSFER_MOVED_MS,
  TRANSFERS_BURST,
  TRANSFERS_MAX,
  TRANSFERS_MOVING_TOLD_MAX,
  TRANSFERS_PER_PARTY_TOLD_MAX,
} from "../../../lib/protocol/serve/limits.ts";
import {
  type SentPart,
  TransferLog,
  type TransferLogNews,
} from "../../../lib/protocol/serve/transfer_log.ts";

function part(name: string, changes: Partial<SentPart> = {}): SentPart {
  return {
    ...{ party: "10.0.0.7", client: "10.0.0.7:5000", name, isFolder: false, sizeBytes: 1_000 },
    ...{ bytes: 1_000, files: 1, begins: true, firstAgoMs: 0, lastAgoMs: 0 },
    ...changes,
  };
}

function brief(news: readonly TransferLogNews[]): string[] {
  return news.map(({ kind, transfer: { name, kind: what, bytes, files } }) =>
    `${kind} ${what} ${name} ${bytes}/${files}`
  );
}

Deno.test("a transfer begins with its first bytes and is over when nothing more was sent for a while", () => {
  const log = new TransferLog();
  assertEquals(brief(log.onSent(0, part("clip", { bytes: 400 }))), ["started file clip 0/1"]);
  log.onSent(2_000, part("clip", { bytes: 600, begins: false, files: 0 }));
  const before = log.wake(2_000 + TRANSFER_IDLE_MS - 1);
  assertEquals(before.filter(({ kind }) => kind === "ended"), []);
  const [ended] = log.wake(2_000 + TRANSFER_IDLE_MS);
  assertEquals(brief([ended!]), ["ended file clip 1000/1"]);
  assertEquals(ended?.transfer.seconds, 2);
  assertEquals(log.nextWakeupMs > 1e6, true);
});

Deno.test("what was sent before it was told counts from when it was sent", () => {
  const log = new TransferLog();
  log.onSent(1_000, part("clip", { firstAgoMs: 700, lastAgoMs: 200 }));
  const [ended] = log.close();
  assertEquals(ended?.transfer.seconds, 0.5);
});

Deno.test("under way it is told of now and then, as long as it moves", () => {
  const log = new TransferLog();
  log.onSent(0, part("clip", { bytes: 400 }));
  assertEquals(brief(log.wake(TRANSFER_MOVED_MS)), ["moved file clip 400/1"]);
  assertEquals(brief(log.wake(2 * TRANSFER_MOVED_MS)), []);
});

Deno.test("a folder is one transfer, whatever of it is fetched how", () => {
  const log = new TransferLog();
  const folder = (changes: Partial<SentPart>) => part("photos", { isFolder: true, ...changes });
  const news = [
    ...log.onSent(0, folder({ bytes: 5_000, files: 40 })),
    ...log.onSent(10, folder({ bytes: 6_000, files: 30 })),
    ...log.onSent(20, part("photos/2023/long.mov", { bytes: 1_000 })),
    ...log.onSent(30, part("elsewhere/long.mov", { bytes: 7 })),
    ...log.close(),
  ];
  assertEquals(brief(news).toSorted(), [
    "ended file elsewhere/long.mov 7/1",
    "ended folder photos 12000/71",
    "started file elsewhere/long.mov 0/1",
    "started folder photos 0/0",
  ]);
});

Deno.test("many small files of one client are one transfer", () => {
  const log = new TransferLog();
  const news = Array.from({ length: 1_000 }, (_, i) => log.onSent(i, part(`f${i}`))).flat();
  const told = news.filter(({ kind }) => kind !== "moved");
  assertEquals(told.length, TRANSFERS_PER_PARTY_TOLD_MAX + 1);
  const all = [...told, ...log.close()].filter(({ transfer }) => transfer.kind === "files");
  assertEquals(brief(all), ["started files  0/0", `ended files  996000/996`]);
});

Deno.test("a file that is fetched once more is another transfer; one that goes on is not", () => {
  const log = new TransferLog();
  log.onSent(0, part("clip"));
  assertEquals(brief(log.onSent(10, part("clip"))), [
    "ended file clip 1000/1",
    "started file clip 0/1",
  ]);
  const other = new TransferLog();
  other.onSent(0, part("clip", { bytes: 500 }));
  // Over TCP, after UDP brought half of it.
  assertEquals(brief(other.onSent(10, part("clip", { bytes: 500 }))), []);
  assertEquals(brief(other.close()), ["ended file clip 1000/2"]);
});

Deno.test("thousands of clients fill neither the screen nor memory, and are counted", () => {
  const log = new TransferLog();
  const news: TransferLogNews[] = [];
  for (let i = 0; i < 5_000; i++) {
    const party = `10.1.${i >> 8}.${i & 255}`;
    news.push(...log.onSent(i / 10, part("clip", { party, client: `${party}:1` })));
  }
  const started = news.filter(({ kind }) => kind === "started");
  assert(started.length <= TRANSFERS_BURST + 2, `${started.length}`);
  // All of them are over; those that are known no more are counted with the next that is told.
  log.wake(60_000);
  const [next] = log.onSent(60_000, part("clip", { party: "10.9.9.9" }));
  assert(next?.kind === "started" && next.omitted >= 5_000 - started.length - TRANSFERS_MAX);
});

Deno.test("of those under way only so many are told of at a time", () => {
  const log = new TransferLog();
  for (let i = 0; i < 20; i++) log.onSent(0, part("clip", { party: `p${i}`, bytes: 1 }));
  assertEquals(log.wake(TRANSFER_MOVED_MS).length, TRANSFERS_MOVING_TOLD_MAX);
});

Deno.test("a transfer that is not told of counts once, however much of it is sent", () => {
  const log = new TransferLog();
  for (let i = 0; i < TRANSFERS_MAX; i++) log.onSent(0, part("clip", { party: `p${i}` }));
  const late = (bytes: number, begins: boolean) =>
    log.onSent(1, part("clip", { party: "late", bytes, begins }));
  late(1, true);
  for (let i = 0; i < 50; i++) late(1, false);
  log.wake(60_000);
  const [next] = log.onSent(60_000, part("clip", { party: "next" }));
  assert(next?.kind === "started");
  assertEquals(next.omitted, TRANSFERS_MAX - TRANSFERS_BURST + 1);
});
