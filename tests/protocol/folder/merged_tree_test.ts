/** What a folder is by the word of several servers. */
import { assertEquals } from "@std/assert";
import type { SafeFileName } from "../../../lib/ids.ts";
import { mergedTree } from "../../../lib/protocol/folder/merged_tree.ts";
import type { TreeEntry } from "../../../lib/wire/manifest.ts";
import { folderIn, gapIn, linkIn, smallFile } from "../../support/tree_entries.ts";

function offered(parties: readonly string[], ...entries: TreeEntry[]) {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { entries: sorted, parties: new Set(parties) };
}

const names = (entries: readonly { readonly name: string }[]): string[] =>
  entries.map(({ name }) => name);

Deno.test("equal folders are one, and complete", () => {
  const tree = [smallFile("a", 1), folderIn("d"), linkIn("l", "a")];
  const merged = mergedTree([offered(["p", "q"], ...tree), offered(["r"], ...tree)]);
  assertEquals(merged.entries, tree);
  assertEquals([merged.disputes, merged.dissents, merged.isComplete], [[], [], true]);
});

Deno.test("what one lacks comes from the other, and then no server has the whole", () => {
  const merged = mergedTree([
    offered(["p"], smallFile("a", 1), smallFile("b", 2)),
    offered(["q"], smallFile("b", 2), smallFile("c", 3)),
  ]);
  assertEquals(names(merged.entries), ["a", "b", "c"]);
  assertEquals(merged.isComplete, false);
});

Deno.test("a name with two contents is in dispute, unless more than half of those who hold it agree", () => {
  const even = mergedTree([
    offered(["p"], smallFile("a", 1), smallFile("x", 9)),
    offered(["q"], smallFile("a", 2), smallFile("x", 9)),
  ]);
  assertEquals(names(even.entries), ["x"]);
  assertEquals(even.disputes.map(({ name, sides }) => [name, sides.length]), [["a", 2]]);
  const odd = mergedTree([
    offered(["p", "r"], smallFile("a", 1)),
    offered(["q"], smallFile("a", 2)),
  ]);
  assertEquals(odd.entries, [smallFile("a", 1)]);
  assertEquals([names(odd.disputes), names(odd.dissents)], [[], ["a"]]);
});

Deno.test("one party with two folders has one vote for each thing, and ids of it none more", () => {
  const merged = mergedTree([
    offered(["p"], smallFile("a", 1)),
    offered(["p"], smallFile("a", 2)),
    offered(["q"], smallFile("a", 2)),
  ]);
  assertEquals(merged.entries, [smallFile("a", 2)]);
});

Deno.test("two servers of one party that hold different things are in dispute", () => {
  const merged = mergedTree([
    offered(["p"], smallFile("a", 1)),
    offered(["p"], smallFile("a", 2)),
  ]);
  assertEquals([names(merged.entries), names(merged.disputes)], [[], ["a"]]);
});

Deno.test("times and who may run a file make no dispute", () => {
  const other = { ...smallFile("a", 1), mtimeMs: 5, isExecutable: true };
  const merged = mergedTree([offered(["p"], smallFile("a", 1)), offered(["q"], other)]);
  assertEquals(merged.entries, [smallFile("a", 1)]);
});

Deno.test("a gap is filled by whoever has the file, and is one where nobody has", () => {
  const filled = mergedTree([offered(["p"], gapIn("a")), offered(["q"], smallFile("a", 1))]);
  assertEquals(filled.entries, [smallFile("a", 1)]);
  const open = mergedTree([offered(["p"], gapIn("a"))]);
  assertEquals([open.entries, open.isComplete], [[gapIn("a")], false]);
});

Deno.test("what a server leaves out is not complete, even where another one has it", () => {
  const leftOut: TreeEntry = { kind: "leftOut", name: "a" as SafeFileName };
  const merged = mergedTree([offered(["p"], leftOut), offered(["q"], smallFile("a", 1))]);
  assertEquals([merged.entries, merged.isComplete], [[smallFile("a", 1)], false]);
  assertEquals(mergedTree([offered(["p"], leftOut)]).isComplete, false);
});

Deno.test("a file here and a folder there cannot both be: what is in the folder is in dispute", () => {
  const merged = mergedTree([
    offered(["p", "r"], smallFile("a", 1)),
    offered(["q"], folderIn("a"), smallFile("a/b", 2), smallFile("c", 3)),
  ]);
  assertEquals(names(merged.entries), ["a", "c"]);
  assertEquals(names(merged.disputes), ["a/b"]);
});
