import { assertEquals } from "@std/assert";
import type { SourceId } from "../../../lib/ids.ts";
import { LeaseTable } from "../../../lib/protocol/download/lease_table.ts";

const [A, B] = ["source 0" as SourceId, "source 1" as SourceId];
const every = (): boolean => true;

Deno.test("chunks are leased from the front, and what an earlier run has is not", () => {
  const table = new LeaseTable(5, (chunk) => chunk === 1);
  assertEquals([table.takeFree(A, every), table.takeFree(B, every), table.takeFree(A, every)], [
    0,
    2,
    3,
  ]);
  assertEquals(table.freeCount, 1);
});

Deno.test("a chunk that is given back is the next one leased", () => {
  const table = new LeaseTable(5, () => false);
  for (let i = 0; i < 4; i++) table.takeFree(A, every);
  table.giveBack(1, A);
  table.giveBack(2, B);
  assertEquals(table.takeFree(B, every), 1);
  assertEquals(table.takeFree(B, every), 4);
});

Deno.test("a chunk leased twice is free only when both have given it back", () => {
  const table = new LeaseTable(1, () => false);
  table.takeFree(A, every);
  table.double(0, B);
  table.giveBack(0, A);
  assertEquals(table.freeCount, 0);
  table.giveBack(0, B);
  assertEquals(table.freeCount, 1);
});

Deno.test("the first to verify wins, and hears who else was at it", () => {
  const table = new LeaseTable(1, () => false);
  table.takeFree(A, every);
  table.double(0, B);
  assertEquals(table.verify(0, B), [A]);
  assertEquals(table.verify(0, A), undefined);
  assertEquals(table.isComplete, true);
});

Deno.test("what was verified and is not becomes free again", () => {
  const table = new LeaseTable(2, () => true);
  assertEquals(table.isComplete, true);
  table.unverify(1);
  assertEquals([table.isComplete, table.takeFree(A, every)], [false, 1]);
});

Deno.test("a chunk verified after its lease was taken back counts", () => {
  const table = new LeaseTable(2, () => false);
  table.takeFree(A, every);
  table.giveBack(0, A);
  assertEquals(table.verify(0, A), []);
  assertEquals(table.freeCount, 1);
  assertEquals(table.takeFree(B, every), 1);
});

Deno.test("chunks that a receiver may not take are passed over, not forgotten", () => {
  const table = new LeaseTable(3, () => false);
  assertEquals(table.takeFree(A, (chunk) => chunk > 0), 1);
  assertEquals(table.takeFree(B, every), 0);
  assertEquals(table.takeFree(B, every), 2);
});
