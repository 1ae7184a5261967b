/** Who says that he has a content is tried, for a bounded time, and then it is another's turn. */
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import type { SourceId } from "../../../lib/ids.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import {
  CLIENT_WINDOW_BYTES_MAX,
  LEASE_STALL_MS_MIN,
  RECEIVERS_MAX,
  SERVER_SILENT_MS,
  TRIAL_CHUNK_MS,
  TRIAL_MUTE_MS,
} from "../../../lib/protocol/download/limits.ts";
import { CHUNKS, CoordinatorScript as Script, TRANSFER } from "../../support/coordinator_script.ts";

const PARTY = "10.0.0.1";

/** Only the last chunk is missing. */
function almostDone(): Script {
  return new Script(undefined, (chunk) => chunk < CHUNKS - 1);
}

function isAtWork(script: Script, source: SourceId): boolean {
  const told = script.toldTo(source);
  return told.lastIndexOf("assign") > told.lastIndexOf("release");
}

/** After how long this is true, if that is within `msMax`. */
function msUntil(script: Script, isTrue: () => boolean, msMax: number, everyStep = () => {}) {
  const stepMs = 10;
  for (let ms = 0; ms <= msMax; ms += stepMs) {
    if (isTrue()) return ms;
    script.pass(stepMs);
    everyStep();
  }
  return Infinity;
}

Deno.test("an old id that can bring nothing keeps nobody of its address waiting", () => {
  // What it had is gone …
  const gone = new Script();
  const old = gone.source("01", { party: PARTY });
  gone.tell({ kind: "gone", source: old, transfer: TRANSFER });
  assert(isAtWork(gone, gone.source("02", { party: PARTY })));
  // … or it has nothing of what is missing.
  const partial = almostDone();
  const first = new Bitmap(CHUNKS);
  first.set(0);
  partial.source("01", { party: PARTY, holds: first });
  const late = partial.source("02", { party: PARTY });
  assert(isAtWork(partial, late));
  partial.drain(late);
  assertEquals(partial.count("complete"), 1);
});

Deno.test("one that gave a bad copy of all that is missing keeps nobody of its address waiting", () => {
  const script = almostDone();
  const liar = script.source("01", { party: PARTY });
  const elsewhere = script.source("02");
  script.fallSilent(elsewhere);
  script.spoil(liar, CHUNKS - 1);
  assert(isAtWork(script, script.source("03", { party: PARTY })));
});

Deno.test("a server on trial that sends a little at a time makes room for others of its address", () => {
  const script = new Script();
  const slow = script.source("01", { party: PARTY });
  const late = script.source("02", { party: PARTY });
  assert(!isAtWork(script, late));
  const trickle = (): void => script.trickle(slow);
  const ms = msUntil(script, () => isAtWork(script, late), 2 * SERVER_SILENT_MS, trickle);
  assertLessOrEqual(ms, SERVER_SILENT_MS + LEASE_STALL_MS_MIN);
  script.drain(late);
  assertGreater(script.tally("02") ?? 0, 0);
});

Deno.test("one honest server among ids of its own address has its turn, however often the others answer", () => {
  const script = new Script();
  const ghosts = Array.from({ length: 24 }, (_, i) => `${100 + i}`);
  const answer = (): void => {
    for (const ghost of ghosts) script.source(ghost, { party: PARTY });
  };
  for (const ghost of ghosts) script.fallSilent(script.source(ghost, { party: PARTY }));
  const honest = script.source("aa", { party: PARTY });
  const msMax = 2 * (ghosts.length + 1) * LEASE_STALL_MS_MIN;
  const isAsked = (): boolean => script.leasedTo(honest).size > 0;
  assertLessOrEqual(msUntil(script, isAsked, msMax, answer), msMax);
  script.drain(honest);
  assertGreater(script.tally("aa") ?? 0, 0);
});

Deno.test("beside somebody who brings chunks, each party of those that bring nothing has its turn", () => {
  const script = new Script();
  const bringing = script.source("aa", { holds: new Bitmap(CHUNKS, new Uint8Array([3])) });
  script.bring(bringing, 0);
  const ghosts = Array.from({ length: 24 }, (_, i) => ({
    id: `${100 + i}`,
    party: `10.0.0.${1 + i % 4}`,
  }));
  const answer = (): void => {
    script.trickle(bringing);
    for (const { id, party } of ghosts) script.source(id, { party });
  };
  for (const { id, party } of ghosts) script.fallSilent(script.source(id, { party }));
  const honest = script.source("bb");
  const isAsked = (): boolean => script.leasedTo(honest).size > 0;
  const msMax = 4 * LEASE_STALL_MS_MIN;
  assertLessOrEqual(msUntil(script, isAsked, msMax, answer), msMax);
  assertEquals([...script.leasedTo(bringing)], [1], "it was bringing all the while");
});

Deno.test("the only chunk is asked of the next one long before a lease is taken away", () => {
  const script = almostDone();
  const parties = 4;
  for (let i = 0; i < parties; i++) script.fallSilent(script.source(`${10 + i}`));
  const honest = script.source("aa");
  assertEquals(script.leasedTo(honest).size, 0);
  // It wakes for each of them by itself.
  script.pass(parties * TRIAL_MUTE_MS + 10);
  assertEquals(script.leasedTo(honest).size, 1);
  script.drain(honest);
  assertEquals(script.count("complete"), 1);
});

Deno.test("the only chunk is not asked of a second one while it comes, unless that takes too long", () => {
  const script = almostDone();
  const slow = script.source("01");
  const other = script.source("02");
  const trickle = (): void => script.trickle(slow);
  const isAsked = (): boolean => script.leasedTo(other).size > 0;
  const ms = msUntil(script, isAsked, 2 * TRIAL_CHUNK_MS, trickle);
  assertGreater(ms, TRIAL_CHUNK_MS - LEASE_STALL_MS_MIN);
  assertLessOrEqual(ms, TRIAL_CHUNK_MS + LEASE_STALL_MS_MIN);
});

Deno.test("who brought chunks and has none left to bring keeps no share from those on trial, nor ends their trial", () => {
  const script = new Script();
  const done = script.source("01", { holds: new Bitmap(CHUNKS, new Uint8Array([1])) });
  script.bring(done, 0);
  const slow = script.source("02");
  script.pass(SERVER_SILENT_MS / 2);
  for (let i = 0; i < 30; i++) {
    script.trickle(slow);
    script.pass(SERVER_SILENT_MS / 10);
  }
  assert(isAtWork(script, slow));
  const allotted = script.actions.findLast((each) => each.kind === "allot" && each.source === slow);
  assert(allotted?.kind === "allot");
  assertEquals(allotted.windowBytesMax, CLIENT_WINDOW_BYTES_MAX / 2);
});

Deno.test("what two on trial do not bring is fetched by one that brings chunks before it is taken from them", () => {
  const script = almostDone();
  const ghosts = [script.source("01"), script.source("02")];
  for (const ghost of ghosts) script.fallSilent(ghost);
  script.pass(TRIAL_MUTE_MS + 10);
  assertEquals(ghosts.map((ghost) => script.leasedTo(ghost).size), [1, 1]);
  const good = script.source("aa");
  // Its rate is known from here on.
  script.bring(good, 0);
  assertEquals(script.leasedTo(good).size, 0, "the second one may bring it yet");
  script.pass(TRIAL_MUTE_MS);
  assertEquals([...script.leasedTo(good)], [CHUNKS - 1]);
  assertEquals(ghosts.map((ghost) => script.leasedTo(ghost).size), [1, 1]);
});

Deno.test("one whose lease was taken away keeps nobody of its address waiting", () => {
  const script = almostDone();
  const old = script.source("01", { party: PARTY });
  script.fallSilent(old);
  const late = script.source("02", { party: PARTY });
  script.fallSilent(script.source("03"));
  const ms = msUntil(script, () => isAtWork(script, late), SERVER_SILENT_MS);
  assertLessOrEqual(ms, 2 * LEASE_STALL_MS_MIN);
});

Deno.test("where all places are taken by those who brought nothing, a new one has one of them soon", () => {
  const script = almostDone();
  for (let i = 0; i < RECEIVERS_MAX; i++) script.fallSilent(script.source(`${10 + i}`));
  script.pass(3 * LEASE_STALL_MS_MIN);
  const late = script.source("aa");
  const ms = msUntil(script, () => isAtWork(script, late), SERVER_SILENT_MS);
  assertLessOrEqual(ms, LEASE_STALL_MS_MIN);
});
