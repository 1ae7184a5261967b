/** Who is given what to fetch, and what becomes of it when sources come, lack, lie or go. */
import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import type { SourceId } from "../../../lib/ids.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import {
  CLIENT_WINDOW_BYTES_MAX,
  INTEGRITY_FAILURES_MAX,
  LEASE_STALL_MS_MIN,
  RECEIVERS_MAX,
  SERVER_SILENT_MS,
  SWAP_INTERVAL_MS,
  TRIALS_MAX,
} from "../../../lib/protocol/download/limits.ts";
import { CHUNKS, CoordinatorScript as Script, TRANSFER } from "../../support/coordinator_script.ts";

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

function holding(...chunks: number[]): Bitmap {
  const bitmap = new Bitmap(CHUNKS);
  for (const chunk of chunks) bitmap.set(chunk);
  return bitmap;
}

Deno.test("sources of different kinds share one transfer, and no chunk is leased twice at first", () => {
  const script = new Script();
  const datagrams = script.source("datagrams", { server: "a" });
  const stream = script.source("stream", { server: "a" });
  const [first, second] = [script.leasedTo(datagrams), script.leasedTo(stream)];
  assert(first.size > 0 && second.size > 0);
  assertEquals([...first].filter((chunk) => second.has(chunk)), []);
  script.drain(datagrams);
  script.drain(stream);
  assertEquals(script.count("complete"), 1);
  assertEquals(script.tally("a"), CHUNKS, "one server gave it all, by two sources");
});

Deno.test("a source that holds a part is leased nothing else, and more as the part grows", () => {
  const script = new Script();
  const partial = script.source("partial", { holds: holding(2, 5) });
  script.drain(partial);
  assertEquals(script.tally("partial"), 2);
  assertEquals(script.count("complete"), 0);
  assertEquals(script.count("orphaned"), 0, "what it lacks it may yet have");
  script.source("partial", { holds: holding(2, 5, 6, 7) });
  script.drain(partial);
  assertEquals(script.tally("partial"), 4);
  const whole = script.source("whole");
  script.drain(whole);
  assertEquals(script.count("complete"), 1);
  assertEquals(script.tally("whole"), CHUNKS - 4);
});

Deno.test("at the end an idle source doubles up on nothing that it lacks", () => {
  const script = new Script();
  const whole = script.source("whole");
  const partial = script.source("partial", { holds: holding(0) });
  // Its rate is known from here on, so it would help out.
  script.bring(partial, 0);
  for (let chunk = 1; chunk < CHUNKS - 1; chunk++) script.bring(whole, chunk);
  assertEquals([...script.leasedTo(partial)], []);
});

Deno.test("what a source pushes unasked counts, and is not fetched by others any more", () => {
  const script = new Script();
  const pull = script.source("pull");
  const push = script.source("push", { mode: "push" });
  const proofs = script.actions.filter((each) => each.kind === "lease" && each.source === push);
  assertEquals(proofs.length, 1, "it has the hashes of all that is missing, in one lease");
  assertEquals(script.leasedTo(push).size, CHUNKS);
  const leased = [...script.leasedTo(pull)];
  assert(leased.length > 0, "what is pushed is leased to others all the same");
  script.bring(push, ...leased, 7);
  assertEquals(leased.filter((chunk) => script.leasedTo(pull).has(chunk)), []);
  assertEquals(script.tally("push"), new Set([...leased, 7]).size);
  // Twice, and for a transfer that nobody knows: harmless.
  script.bring(push, ...leased);
  assertEquals(script.tally("push"), new Set([...leased, 7]).size);
  script.drain(pull);
  assertEquals(script.count("complete"), 1);
  script.tell({ kind: "forget", transfer: TRANSFER });
  script.bring(push, 0);
  assertEquals(script.count("complete"), 1);
});

Deno.test("a source that pushes knows what is missing, and nothing else", () => {
  const script = new Script();
  const pull = script.source("pull");
  script.bring(pull, 0, 1);
  const push = script.source("push", { mode: "push" });
  assertEquals([...script.leasedTo(push)], range(2, CHUNKS));
  // What another source brings it need not prove any more; what it brings itself, it knows.
  script.bring(pull, 2);
  assertEquals(script.toldTo(push).at(-1), "revoke 2");
  let from = script.actions.length;
  script.bring(push, 5);
  assertEquals(script.toldTo(push, from), []);
  assertEquals(script.toldTo(pull, from).filter((told) => told.startsWith("revoke")), ["revoke 5"]);
  // What is missing again it is given again: chunks that the disk lost …
  script.tell({ kind: "unproved", transfer: TRANSFER, chunks: [1, 3, 5] });
  assertEquals(script.toldTo(push).at(-1), "lease 1,5", "3 was missing all along");
  // … and a bad copy of its own, unless somebody has brought a good one meanwhile.
  script.spoil(push, 6);
  assertEquals(script.toldTo(push).at(-1), "lease 6");
  script.bring(pull, 7);
  from = script.actions.length;
  script.spoil(push, 7);
  assertEquals(script.toldTo(push, from), []);
  // To be told of it once more changes nothing.
  script.source("push", { mode: "push" });
  assertEquals(script.toldTo(push, from), []);
  assertEquals([...script.leasedTo(push)].sort(), [1, 3, 4, 5, 6]);
  script.drain(pull);
  assertEquals(script.count("complete"), 1);
  assertEquals([...script.leasedTo(push)], []);
});

Deno.test("a source that pushes is told when a transfer is over, and when it has nothing more for it", () => {
  for (const end of ["forget", "gone"] as const) {
    const script = new Script();
    const push = script.source("push", { mode: "push" });
    script.bring(push, 0, 3);
    script.tell({ kind: end, source: push, transfer: TRANSFER });
    assertEquals(script.toldTo(push).at(-1), "revoke 1,2,4,5,6,7");
    assertEquals(script.leasedTo(push).size, 0);
    const from = script.actions.length;
    script.bring(script.source("pull"), 1);
    script.tell({ kind: "unproved", transfer: TRANSFER, chunks: [0] });
    script.tell({ kind: "gone", source: push, transfer: TRANSFER });
    assertEquals(script.toldTo(push, from).filter((told) => told !== "allot"), []);
    if (end === "forget") continue;
    // It may have it again later, and is then told of what is missing then.
    script.source("push", { mode: "push" });
    assertEquals(script.toldTo(push).at(-1), "lease 0,2,4,5,6,7");
  }
});

Deno.test("a source that pushes may be silent for long: it is not replaced, and others go on", () => {
  const script = new Script();
  const pull = script.source("pull");
  const push = script.source("push", { mode: "push" });
  script.fallSilent(push);
  for (let chunk = 0; chunk < CHUNKS - 1; chunk++) {
    script.pass(2 * SERVER_SILENT_MS);
    script.bring(pull, [...script.leasedTo(pull)][0]!);
  }
  // There are now more sources than may be at work: others give up their places, in turn.
  script.fallSilent(pull);
  for (let i = 0; i < RECEIVERS_MAX + 1; i++) script.fallSilent(script.source(`more${i}`));
  script.pass(5 * SWAP_INTERVAL_MS);
  assertEquals(script.toldTo(push).filter((told) => told === "release" || told === "reroute"), []);
  assert(script.count("release") > 0, "others were released");
  // Its silence has cost it nothing: what it brings at last counts.
  script.bring(push, CHUNKS - 1);
  assertEquals(script.count("complete"), 1);
});

Deno.test("beside one that pushes, a silent source keeps its leases and its place", () => {
  const script = new Script();
  const pull = script.source("pull");
  const push = script.source("push", { mode: "push" });
  script.bring(pull, 0);
  const leased = [...script.leasedTo(pull)];
  assert(leased.length > 1);
  script.fallSilent(pull);
  script.pass(3 * SERVER_SILENT_MS);
  // To give them up would help nobody: the other one cannot be asked.
  assertEquals([...script.leasedTo(pull)], leased);
  assertEquals(script.toldTo(pull).filter((told) => told === "release"), []);
  const other = script.source("other");
  script.pass(SERVER_SILENT_MS);
  script.drain(other);
  assertEquals(script.count("complete"), 1);
  assertEquals(script.leasedTo(push).size, 0);
});

Deno.test("a source that pushes has no part of the window, and never takes all places", () => {
  const script = new Script();
  const pull = script.source("pull");
  for (let i = 1; i < RECEIVERS_MAX; i++) script.source(`push${i}`, { mode: "push" });
  const allotted = script.actions.flatMap((each) =>
    each.kind === "allot" && each.source === pull ? [each.windowBytesMax] : []
  );
  assertEquals(allotted.at(-1), CLIENT_WINDOW_BYTES_MAX);
  const crowded = new Script();
  for (let i = 0; i < RECEIVERS_MAX; i++) crowded.source(`push${i}`, { mode: "push" });
  const late = crowded.source("pull");
  crowded.pass(2 * SWAP_INTERVAL_MS);
  crowded.drain(late);
  assertEquals(crowded.count("complete"), 1);
});

Deno.test("a bad copy is fetched from its server again where the only other source pushes", () => {
  const script = new Script();
  const pull = script.source("pull");
  script.source("push", { mode: "push" });
  const chunk = [...script.leasedTo(pull)][0]!;
  script.spoil(pull, chunk);
  assert(INTEGRITY_FAILURES_MAX > 1);
  script.drain(pull);
  assertEquals(script.count("complete"), 1);
});

Deno.test("who calls himself by many ids at one address has one server's failures, and a neighbour none of them", () => {
  const script = new Script();
  const honest = script.source("aa", { party: "10.0.0.1", holds: holding(0) });
  script.bring(honest, 0);
  let failures = 0;
  for (let id = 10; id < 10 + 2 * INTEGRITY_FAILURES_MAX; id++) {
    const liar = script.source(`${id}`, { party: "10.0.0.1" });
    for (
      let [chunk] = script.leasedTo(liar);
      chunk !== undefined;
      [chunk] = script.leasedTo(liar)
    ) {
      script.spoil(liar, chunk);
      failures += 1;
    }
  }
  const dropped = script.actions.filter((each) =>
    each.kind === "server" && each.state === "dropped"
  );
  assert(failures > INTEGRITY_FAILURES_MAX);
  assertEquals(dropped.length, failures - INTEGRITY_FAILURES_MAX + 1);
  assert(dropped.every((each) => each.kind === "server" && each.source !== honest));
});

Deno.test("ids of one address do not keep another's server from work", () => {
  const script = new Script();
  for (let id = 10; id < 10 + 2 * RECEIVERS_MAX; id++) {
    script.source(`${id}`, { party: "10.0.0.1" });
  }
  const other = script.source("ff", { party: "10.0.0.2" });
  assert(script.actions.some((each) => each.kind === "assign" && each.source === other));
});

Deno.test("a stalled source loses its leases to others, and is trusted with one chunk until it brings something", () => {
  const script = new Script();
  const stalled = script.source("stalled");
  script.bring(stalled, 0);
  const leased = [...script.leasedTo(stalled)];
  assert(leased.length > 1);
  script.fallSilent(stalled);
  const other = script.source("other");
  // Taken from it, they go to the other first: it would have them again at once.
  const from = script.actions.length;
  script.pass(LEASE_STALL_MS_MIN + 10);
  const given = script.actions.slice(from).flatMap((action) =>
    action.kind === "lease" ? [[action.source, ...action.lease.chunks]] : []
  );
  assertEquals(given[0]?.[0], other);
  assert(script.leasedTo(stalled).size <= 1, "one chunk shows whether it is back");
  script.pass(LEASE_STALL_MS_MIN);
  assertEquals(script.leasedTo(stalled).size, 1);
  // Something comes: it is trusted with as much as before.
  script.hear(stalled);
  script.bring(stalled, [...script.leasedTo(stalled)][0]!);
  assert(script.leasedTo(stalled).size > 1);
});

Deno.test("a source that stalled is silent since it was last heard, whatever it was leased since", () => {
  const script = new Script();
  const stalled = script.source("stalled");
  script.bring(stalled, 0);
  script.source("other");
  script.fallSilent(stalled);
  script.pass(SERVER_SILENT_MS - 100);
  const states = (): number => script.count("server");
  const before = states();
  assertEquals(script.toldTo(stalled).filter((told) => told === "release"), []);
  script.pass(200);
  assert(states() > before, "it is called silent, and rests");
  assertEquals(script.toldTo(stalled).filter((told) => told === "release").length, 1);
});

Deno.test("leases are not taken from one silent source for another that is silent, too", () => {
  const script = new Script();
  const [one, two] = [script.source("one"), script.source("two")];
  script.fallSilent(two);
  script.pass(LEASE_STALL_MS_MIN + 50);
  script.bring(one, [...script.leasedTo(one)][0]!);
  script.fallSilent(one);
  const leased = [...script.leasedTo(one)];
  assert(leased.length > 1);
  script.pass(LEASE_STALL_MS_MIN + 150);
  assertEquals([...script.leasedTo(one)], leased);
  assert(script.toldTo(two).some((told) => told.startsWith("revoke")), "one was heard, then");
});

Deno.test("a transfer is orphaned when the last of its sources is gone", () => {
  const script = new Script();
  const [one, two] = [script.source("one"), script.source("two")];
  script.tell({ kind: "gone", source: one, transfer: TRANSFER });
  assertEquals(script.count("orphaned"), 0);
  assertEquals(script.leasedTo(one).size, 0);
  script.tell({ kind: "gone", source: two, transfer: TRANSFER });
  assertEquals(script.count("orphaned"), 1);
});

Deno.test("integrity failures count per server: by whatever source, and all of its sources go", () => {
  const script = new Script();
  const datagrams = script.source("datagrams", { server: "liar" });
  const stream = script.source("stream", { server: "liar" });
  for (const source of [datagrams, stream, stream]) {
    const chunk = [...script.leasedTo(source)][0]!;
    script.spoil(source, chunk);
  }
  assertEquals(script.count("release"), 2);
  assertEquals(script.count("orphaned"), 1);
});

Deno.test("nothing is leased beyond the window, and a reader who keeps it shut stalls no transfer", () => {
  const script = new Script();
  script.tell({ kind: "window", transfer: TRANSFER, endChunk: 2 });
  const [one, other] = [script.source("one"), script.source("other")];
  assertEquals([...script.leasedTo(one), ...script.leasedTo(other)].sort(), [0, 1]);
  script.drain(one);
  script.drain(other);
  script.pass(60_000);
  assertEquals([script.count("stalled"), script.count("complete")], [0, 0]);
  script.tell({ kind: "window", transfer: TRANSFER, endChunk: 3 });
  assertEquals([...script.leasedTo(one), ...script.leasedTo(other)], [2]);
  script.fallSilent(one);
  script.fallSilent(other);
  script.pass(11_000);
  assertEquals(script.count("stalled"), 1, "now it is a server that is waited for");
  script.tell({ kind: "window", transfer: TRANSFER, endChunk: CHUNKS });
  script.hear(one);
  script.drain(one);
  script.drain(other);
  assertEquals(script.count("complete"), 1);
});

Deno.test("servers that bring nothing are tried one of a party at a time, and take nothing from one that brings", () => {
  const script = new Script();
  const atWork = new Set<SourceId>();
  const trials = (): number => {
    for (const each of script.actions) {
      if (each.kind === "assign") atWork.add(each.source);
      if (each.kind === "release") atWork.delete(each.source);
    }
    return atWork.size - (atWork.has(honest) ? 1 : 0);
  };
  for (let i = 0; i < 24; i++) {
    script.fallSilent(script.source(`${100 + i}`, { party: `10.0.0.${1 + i % 4}` }));
  }
  const honest = script.source("aa", { holds: holding(4, 5) });
  assertEquals(trials(), 4, "as many as there are parties");
  script.bring(honest, 4);
  for (let i = 0; i < 20; i++) {
    script.pass(LEASE_STALL_MS_MIN / 2);
    script.trickle(honest);
  }
  assertEquals([...script.leasedTo(honest)], [5]);
  assertLessOrEqual(trials(), TRIALS_MAX);
  const window = script.actions.findLast((each) => each.kind === "allot" && each.source === honest);
  assert(window?.kind === "allot");
  assertGreaterOrEqual(window.windowBytesMax, CLIENT_WINDOW_BYTES_MAX * 7 / 8);
  // Whoever brings something has his share from then on.
  const other = [...atWork].find((source) => source !== honest && script.leasedTo(source).size > 0);
  assert(other !== undefined);
  script.hear(other);
  script.bring(other, [...script.leasedTo(other)][0]!);
  const shares = script.actions.findLast((each) => each.kind === "allot" && each.source === other);
  assert(shares?.kind === "allot");
  assertGreaterOrEqual(shares.windowBytesMax, CLIENT_WINDOW_BYTES_MAX * 7 / 16);
});

Deno.test("what comes slowly has not stalled, however long it takes until a chunk is whole", () => {
  const script = new Script();
  const slow = script.source("slow");
  for (const chunk of [0, 1, 2]) {
    for (let waits = 0; waits < 12; waits++) {
      script.pass(8_000);
      script.trickle(slow, 5_000);
    }
    script.bring(slow, chunk);
  }
  assertEquals(script.count("stalled"), 0);
  script.pass(10_001);
  assertEquals(script.count("stalled"), 1);
});

Deno.test("bytes of which nothing comes are not waited for without end, nor are a few of them", () => {
  const script = new Script();
  const endless = script.source("endless");
  for (let waits = 0; waits < 60; waits++) {
    script.pass(8_000);
    script.trickle(endless, 5_000);
  }
  assert(script.count("stalled") > 10);
  const meagre = new Script();
  const source = meagre.source("meagre");
  for (let waits = 0; waits < 12; waits++) {
    meagre.pass(8_000);
    meagre.trickle(source, 300);
  }
  assert(meagre.count("stalled") > 3);
});
