import { assertEquals } from "@std/assert";
import { hashHex, type SafeFileName } from "../../../lib/ids.ts";
import {
  treeColumns,
  TreeLayout,
  type TreeTarget,
  writtenColumns,
  type WrittenFile,
  writtenFiles,
} from "../../../lib/protocol/folder/tree_columns.ts";

function target(name: string, more: Partial<TreeTarget> = {}): TreeTarget {
  return {
    ...{ name: name as SafeFileName, mtimeMs: 1, isExecutable: false, isReplaced: false },
    ...more,
  };
}

Deno.test("units and targets are read as they were written", () => {
  const sha256 = hashHex("ab".repeat(32));
  const units = [
    [
      { sizeBytes: 5, sha256: undefined, targets: 1 },
      { sizeBytes: 20_000, sha256, targets: 2 },
      { sizeBytes: 7, sha256: undefined, targets: 0 },
    ],
    [{ sizeBytes: 1, sha256: undefined, targets: 1 }],
  ];
  const targets = [
    ...[target("a"), target("b/c", { isExecutable: true }), target("b/d", { isReplaced: true })],
    ...[target("é", { mtimeMs: -1, mtimeRestNs: 999_999 }), target("empty")],
  ];
  const layout = new TreeLayout(structuredClone(treeColumns(units, targets)));
  assertEquals([layout.unitCount, layout.targetCount, layout.broughtCount], [2, 5, 4]);
  assertEquals(targets.map((_, number) => layout.target(number)), targets);
  assertEquals([...layout.partsOf(0)], [
    { ...units[0]![0]!, firstTarget: 0 },
    { ...units[0]![1]!, firstTarget: 1 },
    { ...units[0]![2]!, firstTarget: 3 },
  ]);
  assertEquals([...layout.partsOf(1)], [{ ...units[1]![0]!, firstTarget: 3 }]);
});

Deno.test("a folder of nothing has no targets", () => {
  const layout = new TreeLayout(treeColumns([], []));
  assertEquals([layout.unitCount, layout.targetCount, layout.broughtCount], [0, 0, 0]);
});

Deno.test("written files are read as they were told", () => {
  const seen = { sizeBytes: 0, mtimeMs: -5, ctimeMs: 1.5, inode: 7 };
  const files: readonly WrittenFile[] = [
    { number: 4, path: undefined, signature: seen },
    { number: 0, path: "/else where", signature: undefined },
    { number: 9, path: undefined, signature: { ...seen, mtimeRestNs: 3, isExecutable: true } },
  ];
  assertEquals([...writtenFiles(structuredClone(writtenColumns(files)))], files);
});
