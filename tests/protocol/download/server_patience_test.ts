import { assertEquals } from "@std/assert";
import { serverId } from "../../../lib/ids.ts";
import { VAIN_WAITS_MAX } from "../../../lib/protocol/download/limits.ts";
import { ServerPatience } from "../../../lib/protocol/download/server_patience.ts";

const PATIENCE_MS = 10_000;
const A = serverId("a".repeat(32));
const B = serverId("b".repeat(32));

Deno.test("a server of which nothing was heard during one vain wait is given up", () => {
  const patience = new ServerPatience(PATIENCE_MS);
  patience.onBrought(1_000, A);
  patience.onHeard(5_000, B);
  assertEquals(patience.onVainWait(11_000, [A, B, A]), [A]);
});

Deno.test("a server whose last words came while the wait had hardly begun is given up as well", () => {
  const patience = new ServerPatience(PATIENCE_MS);
  patience.onBrought(1_500, A);
  assertEquals(patience.onVainWait(11_000, [A]), [A]);
});

Deno.test("a server that was never heard is given up", () => {
  assertEquals(new ServerPatience(PATIENCE_MS).onVainWait(11_000, [A]), [A]);
});

Deno.test("a server that talks and brings nothing is given up after a few vain waits, not after each", () => {
  const patience = new ServerPatience(PATIENCE_MS);
  patience.onHeard(0, A);
  for (let waits = 1; waits <= VAIN_WAITS_MAX; waits++) {
    const nowMs = waits * PATIENCE_MS;
    patience.onHeard(nowMs - 1, A);
    const givenUp = waits === VAIN_WAITS_MAX ? [A] : [];
    assertEquals(patience.onVainWait(nowMs, [A]), givenUp, `after ${waits} waits`);
  }
});

Deno.test("a server that has just come is not given up by those who have waited for one that is dead", () => {
  const patience = new ServerPatience(PATIENCE_MS);
  patience.onBrought(0, A);
  patience.onHeard(PATIENCE_MS - 1_000, B);
  for (let waits = 0; waits < 2 * VAIN_WAITS_MAX; waits++) {
    assertEquals(patience.onVainWait(PATIENCE_MS + waits, [A, B]).includes(B), false);
  }
  for (let waits = 1; waits < VAIN_WAITS_MAX; waits++) patience.onVainWait(2 * PATIENCE_MS, [B]);
  assertEquals(patience.onVainWait(2 * PATIENCE_MS, [B]), [B]);
});

Deno.test("a server that was given up and is back has its time again", () => {
  const patience = new ServerPatience(PATIENCE_MS);
  patience.onBrought(0, A);
  assertEquals(patience.onVainWait(PATIENCE_MS, [A]), [A]);
  patience.onHeard(2 * PATIENCE_MS, A);
  assertEquals(patience.onVainWait(2 * PATIENCE_MS + 1_000, [A]), []);
  assertEquals(patience.onVainWait(3 * PATIENCE_MS, [A]), [A]);
});

Deno.test("a server that brings something to others is not given up for the file that it does not bring", () => {
  const patience = new ServerPatience(PATIENCE_MS);
  for (let waits = 1; waits <= 5 * VAIN_WAITS_MAX; waits++) {
    const nowMs = waits * PATIENCE_MS;
    patience.onBrought(nowMs - 5_000, A);
    assertEquals(patience.onVainWait(nowMs, [A]), [], `after ${waits} waits`);
  }
});
