import { assertEquals } from "@std/assert";
import type { SourceId } from "../../../lib/ids.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { LeaseTable } from "../../../lib/protocol/download/lease_table.ts";

const [A, B] = ["source 0" as SourceId, "source 1" as SourceId];
const every = (): boolean => true;

Deno.test("chunks are leased from the front, and what an earlier run has is not", () => {
  const table = new LeaseTable(5, (chunk) => chunk === 1);
  assertEquals([
    table.takeFree(A, undefined, every),
    table.takeFree(B, undefined, every),
    table.takeFree(A, undefined, every),
  ], [
    0,
    2,
    3,
  ]);
  assertEquals(table.freeCount, 1);
});

Deno.test("a chunk that is given back is the next one leased", () => {
  const table = new LeaseTable(5, () => false);
  for (let i = 0; i < 4; i++) table.takeFree(A, undefined, every);
  table.giveBack(1, A);
  table.giveBack(2, B);
  assertEquals(table.takeFree(B, undefined, every), 1);
  assertEquals(table.takeFree(B, undefined, every), 4);
});

Deno.test("a chunk leased twice is free only when both have given it back", () => {
  const table = new LeaseTable(1, () => false);
  table.takeFree(A, undefined, every);
  table.double(0, B);
  table.giveBack(0, A);
  assertEquals(table.freeCount, 0);
  table.giveBack(0, B);
  assertEquals(table.freeCount, 1);
});

Deno.test("the first to verify wins, and hears who else was at it", () => {
  const table = new LeaseTable(1, () => false);
  table.takeFree(A, undefined, every);
  table.double(0, B);
  assertEquals(table.verify(0, B), [A]);
  assertEquals(table.verify(0, A), undefined);
  assertEquals(table.isComplete, true);
});

Deno.test("what was verified and is not becomes free again", () => {
  const table = new LeaseTable(2, () => true);
  assertEquals(table.isComplete, true);
  table.unverify(1);
  assertEquals([table.isComplete, table.takeFree(A, undefined, every)], [false, 1]);
});

Deno.test("a chunk verified after its lease was taken back counts", () => {
  const table = new LeaseTable(2, () => false);
  table.takeFree(A, undefined, every);
  table.giveBack(0, A);
  assertEquals(table.verify(0, A), []);
  assertEquals(table.freeCount, 1);
  assertEquals(table.takeFree(B, undefined, every), 1);
});

Deno.test("chunks that a receiver may not take are passed over, not forgotten", () => {
  const table = new LeaseTable(3, () => false);
  assertEquals(table.takeFree(A, undefined, (chunk) => chunk > 0), 1);
  assertEquals(table.takeFree(B, undefined, every), 0);
  assertEquals(table.takeFree(B, undefined, every), 2);
});

Deno.test("whatever is held, given back and proved, the first chunk is leased that is free and held", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const count = 1 + random.below(200);
    const table = new LeaseTable(count, () => random.chance(0.2));
    const free = new Set<number>();
    for (let chunk = 0; chunk < count; chunk++) if (!table.isVerified(chunk)) free.add(chunk);
    const holds = new Map([A, B].map((source) => [source, new Bitmap(count)]));
    const leased = new Map([A, B].map((source) => [source, new Set<number>()]));
    const refused = new Set<number>();
    for (let step = 0; step < 600; step++) {
      const source = random.chance(0.5) ? A : B;
      const [held, mine] = [holds.get(source)!, leased.get(source)!];
      const chunk = random.below(count);
      switch (random.below(6)) {
        case 0:
          held.set(chunk);
          table.lookAgain(source);
          break;
        case 1:
          if (!refused.delete(chunk)) refused.add(chunk);
          break;
        case 2: {
          const [first] = mine;
          if (first === undefined) break;
          mine.delete(first);
          free.add(first);
          table.giveBack(first, source);
          break;
        }
        case 3:
          if (random.chance(0.5)) {
            for (const each of leased.values()) each.delete(chunk);
            free.delete(chunk);
            table.verify(chunk, source);
          } else if (table.unverify(chunk)) free.add(chunk);
          break;
        default: {
          const mayTake = (each: number): boolean => !refused.has(each);
          const due = [...free].filter((each) => held.has(each) && mayTake(each))
            .sort((a, b) => a - b)[0];
          const at = `seed ${seed}, step ${step}`;
          assertEquals(table.takeFree(source, held, mayTake), due, at);
          if (due === undefined) break;
          free.delete(due);
          mine.add(due);
        }
      }
      assertEquals(table.freeCount, free.size);
    }
  }
});

Deno.test("of what a source lacks, nothing is looked at one by one", () => {
  const count = 10_000;
  const table = new LeaseTable(count, () => false);
  const holds = new Bitmap(count);
  for (const chunk of [3, 5_000, 9_999]) holds.set(chunk);
  let asked = 0;
  const mayTake = (): boolean => {
    asked += 1;
    return true;
  };
  const taken = Array.from({ length: 5 }, () => table.takeFree(A, holds, mayTake));
  assertEquals(taken, [3, 5_000, 9_999, undefined, undefined]);
  assertEquals(asked, 3);
});

Deno.test("chunks beyond the window are leased when it opens, and it is known who is waited for", () => {
  const table = new LeaseTable(6, (chunk) => chunk === 0);
  table.endChunk = 3;
  assertEquals(table.isHeldBack, false);
  const taken = [1, 2, 3].map(() => table.takeFree(A, undefined, every));
  assertEquals(taken, [1, 2, undefined]);
  table.verify(2, A);
  assertEquals(table.isHeldBack, false);
  table.verify(1, A);
  assertEquals(table.isHeldBack, true);
  table.endChunk = 4;
  assertEquals(table.isHeldBack, false);
  assertEquals(table.takeFree(B, undefined, every), 3);
  assertEquals(table.takeFree(A, undefined, every), undefined);
  // Who may not be asked for what is in the window is given nothing behind it.
  table.endChunk = 5;
  assertEquals(table.takeFree(A, undefined, (chunk) => chunk !== 4), undefined);
  assertEquals(table.takeFree(A, undefined, every), 4);
});
