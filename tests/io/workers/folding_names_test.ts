/** Names of one run that a disk takes for one: the assembler's driver on a disk that folds names. */
import { assertEquals } from "@std/assert";
import { type Bytes, type SafeFileName, transferId } from "../../../lib/ids.ts";
import type { Disk } from "../../../lib/io/files/disk.ts";
import { treeColumns, writtenFiles } from "../../../lib/protocol/folder/tree_columns.ts";
import { AssemblerBench } from "../../support/assembler_bench.ts";
import { foldingDisk } from "../../support/folding_disk.ts";

const RULES = { sparse: true, portableNames: false };
const KINDS = [
  ["that folds names", {}],
  ["whose inode numbers are made up, and that has no links", {
    makesInodesUp: true,
    lacksLinks: true,
  }],
] as const;

function text(of: string): Bytes {
  return new TextEncoder().encode(of);
}

/** Opens the file under this name and brings what there is to bring; the name that it gets. */
async function fetched(bench: AssemblerBench, id: number, name: string, file: Bytes) {
  bench.open(file, name, { onTaken: "replace", id });
  const reply = await bench.reply("opened", "present");
  if (reply.kind === "present") return { name: named(reply.path), isPresent: true };
  bench.publish(id);
  bench.chunk(file, 0, { id });
  const { path } = await bench.reply("finished");
  return { name: named(path), isPresent: false };
}

function named(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function onFoldingDisks(
  what: string,
  body: (bench: AssemblerBench, disk: Disk) => Promise<void>,
): void {
  for (const [kind, options] of KINDS) {
    Deno.test({
      name: `${what}, on a disk ${kind}`,
      // A folder that was synced is not synced again for a moment, of which nothing is left in a worker.
      sanitizeOps: false,
      sanitizeResources: false,
      async fn() {
        const disk = foldingDisk(options);
        await using bench = new AssemblerBench("/out", RULES, disk);
        await body(bench, disk);
      },
    });
  }
}

onFoldingDisks("with force, twins by case and form are both there", async (bench, disk) => {
  const twins = ["README", "readme", "caf\u00e9", "cafe\u0301", "Readme"];
  const got = [];
  for (const [index, name] of twins.entries()) {
    got.push((await fetched(bench, index + 1, name, text(name))).name);
  }
  assertEquals(got, ["README", "readme (2)", "caf\u00e9", "cafe\u0301 (2)", "Readme (3)"]);
  assertEquals(
    got.map((name) => new TextDecoder().decode(disk.read(`/out/${name}`))),
    twins,
  );
});

onFoldingDisks("with force, twins in a folder are all there", async (bench, disk) => {
  const names = ["README", "readme", "caf\u00e9", "cafe\u0301", "Readme", "other"];
  disk.makeFolder("/out/t");
  disk.createWhole("/out/t/other", text("old"), { mtimeMs: 0 });
  disk.createWhole("/out/t/ReadMe", text("old"), { mtimeMs: 0 });
  const part = (name: string) => ({ sizeBytes: text(name).length, sha256: undefined, targets: 1 });
  const time = { mtimeMs: 1_600_000_000_000, isExecutable: false, isReplaced: true };
  bench.post({
    ...{ kind: "openTree", transfer: transferId(1), outDir: "/out", tag: "00000000" },
    files: treeColumns(
      names.map((name) => [part(name)]),
      names.map((name) => ({ ...time, name: `t/${name}` as SafeFileName })),
    ),
    ...{ root: "t" as SafeFileName, folders: [], links: [], neededBytes: 0 },
  });
  await bench.reply("treeOpened");
  names.forEach((name, unit) => bench.unit(text(name), unit));
  bench.post({ kind: "finishTree", transfer: transferId(1), unitCount: names.length });
  const { files, others } = await bench.reply("treeWritten");
  assertEquals(others, []);
  const paths = [...writtenFiles(files)].map(({ number, path }) =>
    path ?? `/out/t/${names[number]}`
  );
  assertEquals(paths.map(named), [
    ...["README", "readme (2)", "caf\u00e9", "cafe\u0301 (2)", "Readme (3)", "other"],
  ]);
  assertEquals(paths.map((path) => new TextDecoder().decode(disk.read(path))), names);
  await bench.reply("treeFinished");
});

onFoldingDisks("what other runs have written is still replaced", async (bench, disk) => {
  disk.makeFolder("/out");
  disk.create("/out/README")!.writeAt(text("old"), 0);
  assertEquals(await fetched(bench, 1, "readme", text("new")), {
    name: "readme",
    isPresent: false,
  });
  assertEquals(new TextDecoder().decode(disk.read("/out/readme")), "new");
});

onFoldingDisks("a second run finds both twins, and writes neither again", async (bench, disk) => {
  await fetched(bench, 1, "README", text("A"));
  await fetched(bench, 2, "readme", text("B"));
  await using second = new AssemblerBench("/out", RULES, disk);
  assertEquals(await fetched(second, 1, "README", text("A")), { name: "README", isPresent: true });
  assertEquals(await fetched(second, 2, "readme", text("B")), {
    name: "readme (2)",
    isPresent: true,
  });
  assertEquals([...disk.namesIn("/out")].sort(), ["README", "readme (2)"]);
});

onFoldingDisks(
  "twins that are looked for at once are not written over each other",
  async (bench, disk) => {
    disk.makeFolder("/out");
    disk.create("/out/readme (2)")!.writeAt(text("B"), 0);
    bench.open(text("A"), "README", { onTaken: "replace", id: 1 });
    bench.open(text("B"), "readme", { onTaken: "replace", id: 2 });
    await bench.reply("opened");
    await bench.reply("opened");
    for (const [id, file] of [[1, "A"], [2, "B"]] as const) {
      bench.publish(id);
      bench.chunk(text(file), 0, { id });
    }
    const paths = [(await bench.reply("finished")).path, (await bench.reply("finished")).path];
    assertEquals(paths.sort(), ["/out/README", "/out/readme (2)"]);
    assertEquals([...disk.namesIn("/out")].sort(), ["README", "readme (2)"], "no third copy");
  },
);

onFoldingDisks("two names of one content that need one part take turns", async (bench, disk) => {
  const file = text("the same");
  bench.open(file, "README", { id: 1 });
  await bench.reply("opened");
  bench.open(file, "readme", { id: 2 });
  bench.publish(1);
  bench.chunk(file, 0, { id: 1 });
  assertEquals((await bench.reply("finished")).path, "/out/README");
  assertEquals((await bench.reply("present")).path, "/out/readme");
  assertEquals(disk.namesIn("/out"), ["README"]);
});

onFoldingDisks(
  "who waits for another's part can be given up, and goes on when it ends",
  async (bench) => {
    const file = text("the same");
    for (const id of [1, 2, 3]) bench.open(file, "README", { id });
    await bench.reply("opened");
    const abort = async (id: number): Promise<void> => {
      bench.post({ kind: "abort", transfer: transferId(id), keep: false });
      await bench.reply("aborted");
    };
    await abort(2);
    await abort(1);
    assertEquals((await bench.reply("opened")).transfer, transferId(3));
    await abort(3);
  },
);
