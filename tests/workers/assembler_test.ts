import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { type Bytes, transferId } from "../../lib/ids.ts";
import { JOURNAL_INTERVAL_MS } from "../../lib/protocol/download/limits.ts";
import { AssemblerBench, CHUNK, contentOf, ID } from "../support/assembler_bench.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { withFolder } from "../support/folder.ts";
import { canRun, canTouchFiles, isRoot } from "../support/permissions.ts";
import { hashed, mixedFile } from "../support/virtual_link.ts";

const isIgnored = !await canTouchFiles();

function inFolder(
  name: string,
  body: (dir: string) => Promise<void>,
  options: { readonly ignore?: boolean } = {},
): void {
  Deno.test({
    name,
    ignore: isIgnored || (options.ignore ?? false),
    fn: () => withFolder({}, body),
  });
}

function namesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map((entry) => entry.name).sort();
}

inFolder(
  "chunks in any order, some twice, become the file; every buffer comes back",
  async (dir) => {
    const file = mixedFile(9 * CHUNK + 5);
    await using bench = new AssemblerBench(dir);
    bench.open(file);
    const opened = await bench.reply("opened");
    assertEquals(opened.haveBytes, 0);
    bench.layer(file);
    const order = [3, 0, 1, 1, 9, 2, 8, 4, 3, 7, 6, 5];
    for (const chunk of order) bench.chunk(file, chunk);
    const { path } = await bench.reply("finished");
    assertEquals(path, join(dir, "film.bin"));
    assertSameBytes(await Deno.readFile(path), file);
    await bench.hasRecycled(order.length);
    assertEquals(namesIn(dir), ["film.bin"]);
    assertEquals((await Deno.stat(path)).mtime?.getTime(), 1_600_000_000_000);
  },
);

inFolder("what is whole waits for its leave to be published", async (dir) => {
  await using bench = new AssemblerBench(dir);
  const guess = mixedFile(2 * CHUNK);
  bench.open(guess, "film.bin", { id: 7 });
  await bench.reply("opened");
  bench.post({ kind: "layer", transfer: transferId(7), layer: hashed(guess).layer });
  for (const chunk of [0, 1]) bench.chunk(guess, chunk, { id: 7 });
  const file = mixedFile(CHUNK);
  bench.open(file);
  await bench.reply("opened");
  bench.layer(file);
  bench.chunk(file, 0);
  assertEquals((await bench.reply("finished")).transfer, ID);
  bench.post({ kind: "abort", transfer: transferId(7), keep: false });
  await bench.reply("aborted");
  assertEquals(namesIn(dir), ["film.bin"]);
  assertSameBytes(await Deno.readFile(join(dir, "film.bin")), file);
});

inFolder("an empty file and one of a single chunk leave nothing beside them", async (dir) => {
  await using bench = new AssemblerBench(dir);
  bench.open(new Uint8Array(0), "empty");
  await bench.reply("opened");
  bench.publish();
  await bench.reply("finished");
  const file = mixedFile(10);
  bench.open(file, "sub/folder/small");
  await bench.reply("opened");
  bench.publish();
  bench.chunk(file, 0);
  await bench.reply("finished");
  assertEquals(namesIn(dir), ["empty", "sub"]);
  assertSameBytes(await Deno.readFile(join(dir, "sub/folder/small")), file);
});

inFolder(
  "what an aborted run marked is taken up, proved, and fetched anew where it is bad",
  async (dir) => {
    const file = mixedFile(6 * CHUNK);
    {
      await using bench = new AssemblerBench(dir);
      bench.open(file);
      await bench.reply("opened");
      bench.layer(file);
      for (const chunk of [0, 1, 4]) bench.chunk(file, chunk);
      await bench.hasRecycled(3);
      bench.post({ kind: "abort", transfer: ID, keep: true });
      await bench.reply("aborted");
    }
    const part = namesIn(dir).find((name) => name.endsWith(".part"))!;
    using handle = await Deno.open(join(dir, part), { write: true });
    await handle.seek(CHUNK + 7, Deno.SeekMode.Start);
    await handle.write(new Uint8Array(20));
    await using bench = new AssemblerBench(dir);
    bench.open(file);
    const opened = await bench.reply("opened");
    assertEquals(opened.have[0], 0b010011);
    assertEquals(opened.layer, hashed(file).layer);
    bench.layer(file);
    assertEquals((await bench.reply("unproved")).chunks, [1]);
    for (const chunk of [5, 3, 2, 1]) bench.chunk(file, chunk);
    const { path } = await bench.reply("finished");
    assertSameBytes(await Deno.readFile(path), file);
    assertEquals(namesIn(dir), ["film.bin"]);
  },
);

inFolder(
  "a part file of another content, or with a damaged journal, is begun again",
  async (dir) => {
    const file = mixedFile(3 * CHUNK);
    const tag = contentOf(file).root.slice(0, 8);
    await Deno.writeFile(join(dir, `film.bin.${tag}.part`), new Uint8Array(5 * CHUNK).fill(7));
    await Deno.writeFile(join(dir, `film.bin.${tag}.part.journal`), new Uint8Array(300).fill(1));
    await using bench = new AssemblerBench(dir);
    bench.open(file);
    assertEquals((await bench.reply("opened")).haveBytes, 0);
    bench.layer(file);
    for (const chunk of [0, 1, 2]) bench.chunk(file, chunk);
    const { path } = await bench.reply("finished");
    assertSameBytes(await Deno.readFile(path), file);
  },
);

inFolder("chunks that do not add up to the offered SHA-256 leave nothing behind", async (dir) => {
  const file = mixedFile(2 * CHUNK);
  const other = file.slice();
  other[5]! ^= 1;
  await using bench = new AssemblerBench(dir);
  bench.open(file);
  await bench.reply("opened");
  bench.layer(file);
  for (const chunk of [0, 1]) bench.chunk(other, chunk);
  await bench.reply("unverified");
  assertEquals(namesIn(dir), []);
});

inFolder(
  "an identical file is present; a different one stays, and the new one gets a number",
  async (dir) => {
    const file = mixedFile(1_000);
    await Deno.writeFile(join(dir, "a.txt"), file);
    await Deno.writeTextFile(join(dir, "b.txt"), "mine");
    await using bench = new AssemblerBench(dir);
    bench.open(file, "a.txt");
    assertEquals((await bench.reply("present")).path, join(dir, "a.txt"));
    bench.open(file, "b.txt");
    await bench.reply("opened");
    bench.publish();
    bench.chunk(file, 0);
    assertEquals((await bench.reply("finished")).path, join(dir, "b (2).txt"));
    assertEquals(await Deno.readTextFile(join(dir, "b.txt")), "mine");
  },
);

inFolder("a part that somebody else writes is left to them", async (dir) => {
  const file = mixedFile(2 * CHUNK);
  await using first = new AssemblerBench(dir);
  first.open(file);
  await first.reply("opened");
  await using second = new AssemblerBench(dir);
  second.open(file);
  assertEquals((await second.failure()).code, "busy_target");
});

for (
  const [what, prepare, code] of [
    [
      "an --out that is a file",
      (dir: string) => Deno.writeTextFileSync(join(dir, "o"), ""),
      "not_writable",
    ],
    [
      "a target that is a folder",
      (dir: string) => Deno.mkdirSync(join(dir, "o/film.bin"), { recursive: true }),
      "not_writable",
    ],
    ["a folder that is a link out of --out", (dir: string) => {
      Deno.mkdirSync(join(dir, "o"));
      Deno.symlinkSync("/tmp", join(dir, "o/sub"));
    }, "not_writable"],
    ["a part name that is a link", (dir: string) => {
      Deno.mkdirSync(join(dir, "o"));
      const tag = contentOf(mixedFile(2 * CHUNK)).root.slice(0, 8);
      Deno.symlinkSync(join(dir, "elsewhere"), join(dir, `o/film.bin.${tag}.part`));
    }, "not_writable"],
  ] as const
) {
  inFolder(`${what} is refused with ${code}`, async (dir) => {
    prepare(dir);
    await using bench = new AssemblerBench(join(dir, "o"));
    bench.open(mixedFile(2 * CHUNK), what.includes("link out") ? "sub/film.bin" : "film.bin");
    assertEquals((await bench.failure()).code, code);
  });
}

inFolder("a target of 255 bytes works, part and journal included", async (dir) => {
  const file = mixedFile(2 * CHUNK);
  const name = "é".repeat(125) + ".text";
  await using bench = new AssemblerBench(dir);
  bench.open(file, name);
  await bench.reply("opened");
  bench.layer(file);
  for (const chunk of [1, 0]) bench.chunk(file, chunk);
  const { path } = await bench.reply("finished");
  assertEquals(path, join(dir, name));
});

inFolder("two files from two feeds at once each get their own chunks", async (dir) => {
  const files = [mixedFile(7 * CHUNK + 1), mixedFile(5 * CHUNK).reverse()] as const;
  await using bench = new AssemblerBench(dir);
  bench.addFeed();
  for (const [i, file] of files.entries()) {
    bench.open(file, `file${i}`, { id: i });
    await bench.reply("opened");
    bench.layer(file, i);
  }
  for (let chunk = 7; chunk >= 0; chunk--) {
    bench.chunk(files[0], chunk, { feed: chunk % 2, id: 0 });
    if (chunk < 5) bench.chunk(files[1], chunk, { feed: (chunk + 1) % 2, id: 1 });
  }
  await bench.reply("finished");
  await bench.reply("finished");
  await bench.hasRecycled(13);
  for (const [i, file] of files.entries()) {
    assertSameBytes(await Deno.readFile(join(dir, `file${i}`)), file, `file${i}`);
  }
});

inFolder("after a crash the next run resumes from the last journal", async (dir) => {
  const file = mixedFile(6 * CHUNK);
  const crashed = new AssemblerBench(dir);
  crashed.open(file);
  const { partPath } = await crashed.reply("opened");
  crashed.layer(file);
  for (const chunk of [0, 2, 5]) crashed.chunk(file, chunk);
  await crashed.hasRecycled(3);
  const bitmapAt = 116 + 6 * 32;
  while (Deno.readFileSync(`${partPath}.journal`)[bitmapAt] !== 0b100101) {
    await new Promise((resolve) => setTimeout(resolve, JOURNAL_INTERVAL_MS / 10));
  }
  crashed.crash();

  await using bench = new AssemblerBench(dir);
  const opened = await openAfterCrash(bench, file);
  assertEquals(opened.have, new Uint8Array([0b100101]));
  assertEquals(opened.haveBytes, 3 * CHUNK);
  bench.layer(file);
  for (const chunk of [1, 3, 4]) bench.chunk(file, chunk);
  const { path } = await bench.reply("finished");
  assertSameBytes(await Deno.readFile(path), file);
  assertEquals(namesIn(dir), ["film.bin"]);
});

inFolder("a run that ends before anything arrives loses nothing of an earlier one", async (dir) => {
  const file = mixedFile(3 * CHUNK);
  await leaveHalf(dir, file, [0, 2]);
  for (const end of ["abort", "stop"] as const) {
    await using bench = new AssemblerBench(dir);
    bench.open(file);
    assertEquals((await bench.reply("opened")).haveBytes, 2 * CHUNK);
    if (end === "abort") {
      bench.post({ kind: "abort", transfer: ID, keep: true });
      await bench.reply("aborted");
    }
  }
  await using bench = new AssemblerBench(dir);
  bench.open(file);
  assertEquals((await bench.reply("opened")).have, new Uint8Array([0b101]));
});

inFolder("an abort that keeps nothing leaves nothing", async (dir) => {
  const file = mixedFile(3 * CHUNK);
  await leaveHalf(dir, file, [1]);
  assertEquals(namesIn(dir).length, 2);
  await using bench = new AssemblerBench(dir);
  bench.open(file);
  await bench.reply("opened");
  bench.post({ kind: "abort", transfer: ID, keep: false });
  await bench.reply("aborted");
  assertEquals(namesIn(dir), []);
  bench.chunk(file, 0);
  await bench.hasRecycled(1);
  assertEquals(namesIn(dir), []);
});

inFolder("a journal without its part file is not believed", async (dir) => {
  const file = mixedFile(3 * CHUNK);
  await leaveHalf(dir, file, [0, 1]);
  const part = namesIn(dir).find((name) => name.endsWith(".part"))!;
  await Deno.remove(join(dir, part));
  await using bench = new AssemblerBench(dir);
  bench.open(file);
  const opened = await bench.reply("opened");
  assertEquals([opened.haveBytes, opened.layer], [0, undefined]);
});

inFolder("a file that is there already is found although a part was left over", async (dir) => {
  const file = mixedFile(3 * CHUNK);
  await leaveHalf(dir, file, [0]);
  await Deno.writeFile(join(dir, "film.bin"), file);
  await using bench = new AssemblerBench(dir);
  bench.open(file);
  assertEquals((await bench.reply("present")).path, join(dir, "film.bin"));
  assertEquals(namesIn(dir), ["film.bin"]);
});

inFolder(
  "with force a different file is replaced, and only when the new one is whole",
  async (dir) => {
    const file = mixedFile(2 * CHUNK);
    await Deno.writeTextFile(join(dir, "film.bin"), "old");
    await using bench = new AssemblerBench(dir);
    bench.open(file, "film.bin", { onTaken: "replace" });
    await bench.reply("opened");
    bench.layer(file);
    bench.chunk(file, 1);
    await bench.hasRecycled(1);
    assertEquals(await Deno.readTextFile(join(dir, "film.bin")), "old");
    bench.chunk(file, 0);
    assertEquals((await bench.reply("finished")).path, join(dir, "film.bin"));
    assertSameBytes(await Deno.readFile(join(dir, "film.bin")), file);
    assertEquals(namesIn(dir), ["film.bin"]);
  },
);

/** Begins `file` and breaks off after a chunk. */
async function leavePart(dir: string, file: Bytes, name = "film.bin"): Promise<void> {
  await using bench = new AssemblerBench(dir);
  bench.open(file, name);
  await bench.reply("opened");
  bench.layer(file);
  bench.chunk(file, 0);
  await bench.hasRecycled(1);
  bench.post({ kind: "abort", transfer: ID, keep: true });
  await bench.reply("aborted");
}

/** Fetches all of it. */
async function fetchAll(
  bench: AssemblerBench,
  file: Bytes,
  options: { readonly supersedes: boolean; readonly id: number },
): Promise<void> {
  const { id } = options;
  bench.open(file, "film.bin", options);
  await bench.reply("opened");
  bench.layer(file, id);
  for (let chunk = 0; chunk < file.length / CHUNK; chunk++) bench.chunk(file, chunk, { id });
  await bench.reply("finished");
}

inFolder("parts of what a name meant before go when it is finished, and no others", async (dir) => {
  const [before, now, busy] = [3, 4, 5].map((chunks) => mixedFile(chunks * CHUNK));
  await leavePart(dir, before!);
  await leavePart(dir, before!, "film.bin.old");
  await leavePart(dir, before!, "other.bin");
  const stale = namesIn(dir).filter((name) => /^film\.bin\.[0-9a-f]{8}\./.test(name));
  assertEquals(stale.length, 2);
  // Whoever has named his own files so has no journal of that root: nothing is certain of these.
  await Deno.writeTextFile(join(dir, "film.bin.00000000.part"), "mine");
  await Deno.copyFile(join(dir, stale[1]!), join(dir, "film.bin.11111111.part.journal"));
  await Deno.writeTextFile(join(dir, "film.bin.11111111.part"), "mine");
  const staying = namesIn(dir).filter((name) => !stale.includes(name));
  await using writer = new AssemblerBench(dir);
  writer.open(busy!, "film.bin", { id: 9 });
  await writer.reply("opened");
  writer.post({ kind: "layer", transfer: transferId(9), layer: hashed(busy!).layer });
  const isNew = (name: string): boolean => !staying.includes(name) && !stale.includes(name);
  const busyPart = namesIn(dir).find((name) => isNew(name) && name.endsWith(".part"))!;

  await using bench = new AssemblerBench(dir);
  // A content that was asked for as such says nothing of the name.
  await fetchAll(bench, mixedFile(2 * CHUNK), { supersedes: false, id: 1 });
  for (const name of stale) assert(namesIn(dir).includes(name), name);
  await fetchAll(bench, now!, { supersedes: true, id: 2 });
  assert(namesIn(dir).includes(busyPart));
  const others = namesIn(dir).filter((name) => !name.startsWith(busyPart));
  assertEquals(others, [...staying, "film (2).bin", "film.bin"].sort());
});

inFolder("a search for the file on disk ends when it is aborted", async (dir) => {
  const file = mixedFile(40 * CHUNK);
  await Deno.writeFile(join(dir, "film.bin"), file.slice().reverse());
  await using bench = new AssemblerBench(dir);
  bench.open(file);
  bench.post({ kind: "abort", transfer: ID, keep: true });
  await bench.reply("aborted");
  // Had the first search gone on, it would end before this one and take the part.
  bench.open(file, "film.bin", { id: 2 });
  assertEquals((await bench.reply("opened")).transfer, transferId(2));
});

const canMount = Deno.build.os === "linux" && await isRoot() && await canRun("mount") &&
  await canRun("umount");

inFolder("a disk that fills up keeps what arrived, and room is asked for first", async (dir) => {
  const disk = join(dir, "disk");
  await Deno.mkdir(disk);
  await command("mount", "-t", "tmpfs", "-o", `size=${8 * CHUNK}`, "tmpfs", disk);
  try {
    await using bench = new AssemblerBench(disk);
    bench.open(mixedFile(9 * CHUNK));
    const early = await bench.failure();
    assertEquals(early.code, "disk_full");
    assertMatch(early.message, /has [\d.]+ kB free and the file needs [\d.]+ kB more/);
    assertEquals(namesIn(disk), []);

    const file = mixedFile(6 * CHUNK);
    bench.open(file);
    await bench.reply("opened");
    bench.layer(file);
    bench.chunk(file, 0);
    await bench.hasRecycled(1);
    await Deno.writeFile(join(disk, "ballast"), new Uint8Array(5 * CHUNK));
    for (const chunk of [1, 2, 3]) bench.chunk(file, chunk);
    assertEquals((await bench.failure()).code, "disk_full");
    await bench.hasRecycled(4);
    await Deno.remove(join(disk, "ballast"));

    bench.open(file);
    const opened = await bench.reply("opened");
    assertEquals(opened.have[0]! & 1, 1);
    bench.layer(file);
    for (const chunk of [1, 2, 3, 4, 5]) bench.chunk(file, chunk);
    assertSameBytes(await Deno.readFile((await bench.reply("finished")).path), file);
  } finally {
    await command("umount", disk);
  }
}, { ignore: !canMount });

async function command(name: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(name, { args }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** A run that writes these chunks and is told to keep them. */
async function leaveHalf(dir: string, file: Bytes, chunks: readonly number[]): Promise<void> {
  await using bench = new AssemblerBench(dir);
  bench.open(file);
  await bench.reply("opened");
  bench.layer(file);
  for (const chunk of chunks) bench.chunk(file, chunk);
  await bench.hasRecycled(chunks.length);
}

/** The operating system gives up a crashed worker's lock when it gets to it. */
async function openAfterCrash(bench: AssemblerBench, file: Bytes) {
  for (;;) {
    bench.open(file);
    const reply = await bench.reply("opened", "transferFailed");
    if (reply.kind === "opened") return reply;
    assertEquals(reply.error.code, "busy_target");
  }
}
