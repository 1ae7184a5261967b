import { assertEquals } from "@std/assert";
import { AnswerTurns } from "../../../lib/protocol/session/answer_turns.ts";
import {
  ANSWER_UNTAKEN_MS,
  ANSWERS_PER_PARTY_AT_ONCE,
} from "../../../lib/protocol/session/limits.ts";

class Reader {
  untakenSinceMs: number | undefined;
  isClosed = false;
  hasTurn = false;
  readonly start = (): void => void (this.hasTurn = true);

  close(): void {
    this.isClosed = true;
  }
}

Deno.test("who takes nothing gives way to those of its address who wait, and nobody else does", () => {
  const turns = new AnswerTurns();
  const readers = Array.from({ length: ANSWERS_PER_PARTY_AT_ONCE + 2 }, () => new Reader());
  for (const each of readers) turns.enter("a", each, each.start);
  const other = new Reader();
  turns.enter("b", other, other.start);
  assertEquals([...readers, other].filter(({ hasTurn }) => hasTurn).length, readers.length - 1);
  // One is put together for as long as it takes, one is taken, one is not.
  const [, taking, deaf] = readers;
  taking!.untakenSinceMs = 1;
  deaf!.untakenSinceMs = 0;
  other.untakenSinceMs = 0;
  turns.hurry(ANSWER_UNTAKEN_MS - 1, "a");
  assertEquals(readers.filter(({ isClosed }) => isClosed), []);
  turns.hurry(ANSWER_UNTAKEN_MS, "a");
  assertEquals(readers.filter(({ isClosed }) => isClosed), [deaf]);
  assertEquals(other.isClosed, false);
  turns.leave("a", deaf!);
  assertEquals(readers.at(-2)!.hasTurn, true);
  // It has none to give back any more.
  turns.leave("a", deaf!);
  assertEquals(readers.at(-1)!.hasTurn, false);
});
