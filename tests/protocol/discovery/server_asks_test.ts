import { assertEquals } from "@std/assert";
import { ASK_GRACE_MS, ASK_TIMEOUT_MS } from "../../../lib/protocol/discovery/limits.ts";
import { ServerAsks } from "../../../lib/protocol/discovery/server_asks.ts";

const NAMES = 40;
/** What a FIND has room for. */
const LONG = 10;
const BRIEF = 3;

/** Asks for everything on a path that brings of each FIND what `answers` says; returns how each was. */
function asked(answers: (isBrief: boolean, queries: readonly number[]) => readonly number[]) {
  const asks = new ServerAsks(0, NAMES);
  const answered = new Set<number>();
  const finds: boolean[] = [];
  let nowMs = ASK_GRACE_MS;
  asks.wake(nowMs);
  while (answered.size < NAMES && finds.length < 100) {
    const { isBrief } = asks;
    const due = [...asks.due((query) => !answered.has(query))].slice(0, isBrief ? BRIEF : LONG);
    if (due.length === 0) break;
    asks.asked(nowMs, due);
    finds.push(isBrief);
    for (const query of answers(isBrief, due)) {
      answered.add(query);
      asks.answered(query);
    }
    nowMs += 20 * ASK_TIMEOUT_MS;
    asks.wake(nowMs);
  }
  assertEquals(answered.size, NAMES);
  return finds;
}

Deno.test("what is asked of a server stays long while everything is answered", () => {
  assertEquals(asked((_, queries) => queries), Array(NAMES / LONG).fill(false));
});

Deno.test("what is asked gets brief where long answers vanish, although short ones come, and stays so", () => {
  // The last answers to a FIND go in a datagram that is short enough by chance.
  const finds = asked((isBrief, queries) => isBrief ? queries : queries.slice(-1));
  assertEquals(finds.slice(0, 3), [false, false, true]);
  assertEquals(finds.slice(2).every((isBrief) => isBrief), true);
});

Deno.test("what is asked briefly gets long again where only that is answered", () => {
  let finds = 0;
  const isNarrow = (): boolean => ++finds < 5;
  const all = asked((isBrief, queries) => isBrief === isNarrow() ? queries : []);
  assertEquals(all.slice(0, 3), [false, false, true]);
  assertEquals(all.at(-1), false);
});
