/** What is fetched of a folder, and from whom. */
import { assert, assertEquals } from "@std/assert";
import { KIB, MIB } from "../../../lib/limits.ts";
import { planTree, type TreePlan } from "../../../lib/protocol/folder/tree_plan.ts";
import type { TreeFile } from "../../../lib/wire/manifest.ts";
import { smallFile } from "../../support/tree_entries.ts";

const files = (count: number, sizeBytes = 4 * KIB): TreeFile[] =>
  Array.from({ length: count }, (_, i) => smallFile(`f${1_000 + i}`, i, sizeBytes));
const targets = ({ units }: TreePlan): string[] =>
  units.flatMap(({ names }) => names.flat().map(({ name }): string => name)).sort();

Deno.test("all of a folder is fetched in few units, which all who offer it have", () => {
  const tree = files(500);
  const plan = planTree(tree, [tree, tree]);
  assertEquals(targets(plan), tree.map(({ name }) => name));
  assert(plan.units.length < 20);
  for (const holding of plan.holdings) assert(plan.units.every((_, i) => holding.has(i)));
});

Deno.test("of a bundle that is here for the most part, the rest is fetched file by file", () => {
  const tree = files(500);
  const wanted = [tree[7]!, tree[300]!];
  const plan = planTree(wanted, [tree]);
  assertEquals(targets(plan), wanted.map(({ name }) => name));
  assertEquals(plan.units.map((unit) => unit.files.length), [1, 1]);
  assert(plan.holdings[0]!.has(0) && plan.holdings[0]!.has(1));
});

Deno.test("of a bundle that is missing for the most part, what is here goes nowhere", () => {
  const tree = files(30);
  const wanted = tree.filter((_, i) => i !== 3);
  const plan = planTree(wanted, [tree]);
  assertEquals(plan.units.length, 1);
  assertEquals(targets(plan), wanted.map(({ name }) => name));
});

Deno.test("what is equal comes from all, and the rest from those who have it", () => {
  const shared = files(400);
  const mine = [...shared, smallFile("g1", 5_001, 200 * KIB)];
  const theirs = [...shared, smallFile("g2", 5_002, 300 * KIB)];
  const plan = planTree([...shared, mine.at(-1)!, theirs.at(-1)!], [mine, theirs]);
  assertEquals(targets(plan).length, 402);
  const [a, b] = plan.holdings;
  const both = plan.units.filter((_, i) => a!.has(i) && b!.has(i));
  const one = plan.units.filter((_, i) => a!.has(i) !== b!.has(i));
  assert(both.flatMap(({ files }) => files).length >= 300, `${both.length} of both`);
  assert(plan.units.every((_, i) => a!.has(i) || b!.has(i)));
  assert(one.length >= 2);
});

Deno.test("one content under many names travels once", () => {
  const copies = ["a", "b", "c"].map((name) => smallFile(name, 7, 100 * KIB));
  const plan = planTree(copies, [copies]);
  assertEquals(plan.units.length, 1);
  assertEquals(targets(plan), ["a", "b", "c"]);
});

Deno.test("long files and empty ones are in no unit", () => {
  const tree = [smallFile("a", 1, 0), smallFile("b", 2, MIB), smallFile("c", 3, MIB + 1)];
  const plan = planTree(tree, [tree]);
  assertEquals(targets(plan), ["b"]);
  assertEquals(plan.emptyFiles.map(({ name }): string => name), ["a"]);
  assertEquals(plan.longFiles.map(({ name }): string => name), ["c"]);
});

Deno.test("contents that claim one root are told apart, and each travels once", () => {
  const [first] = files(1);
  const second = { ...first!, name: files(2)[1]!.name, sha256: files(2)[1]!.sha256 };
  const third = { ...second, name: files(3)[2]!.name };
  const tree = [first!, second, third];
  const plan = planTree(tree, [tree]);
  assertEquals(targets(plan), tree.map(({ name }) => name));
  const names = plan.units.flatMap((unit) => unit.names).map((each) => each.length);
  assertEquals(names.filter((count) => count > 0).sort(), [1, 2]);
});
