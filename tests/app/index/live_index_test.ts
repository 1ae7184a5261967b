import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { DatabaseSync } from "node:sqlite";
import { join } from "@std/path/join";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { FolderOrigin } from "../../../lib/app/index/folder_origin.ts";
import { LiveIndex } from "../../../lib/app/index/live_index.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { type Content, hashHex, type SafeFileName } from "../../../lib/ids.ts";
import { MIB } from "../../../lib/limits.ts";
import { parseFileName } from "../../../lib/names.ts";
import { rootOfLayer, TreeHasher } from "../../../lib/protocol/merkle/merkle.ts";
import { withFolder, writeFile } from "../../support/folder.ts";
import { rememberAs } from "../../support/index_cache.ts";
import { canRun, canTouchFiles } from "../../support/permissions.ts";

const ignore = !await canTouchFiles();

function safe(text: string): SafeFileName {
  const parsed = parseFileName(text);
  assert(parsed.ok);
  return parsed.name;
}

/** Long ago, in seconds: such a file is quiet. */
const QUIET = 1_600_000_000;

async function writeQuiet(dir: string, name: string, content: string | Uint8Array, at = QUIET) {
  await writeFile(dir, name, content);
  await Deno.utime(join(dir, name), at, at);
}

/** An index over a folder, and everything that it said. */
class Bench implements AsyncDisposable {
  readonly notices: string[] = [];
  readonly lost: (Content | undefined)[] = [];
  readonly changes: string[] = [];
  index!: LiveIndex;
  #changed = Promise.withResolvers<void>();

  static async start(root: string, signal?: AbortSignal): Promise<Bench> {
    const bench = new Bench();
    bench.index = await LiveIndex.start({
      runtime: denoRuntime(),
      origins: [
        await FolderOrigin.open(denoRuntime(), { dir: join(root, "served"), hidden: false }),
      ],
      cacheDir: join(root, "cache"),
      onChange: (name, lost) => {
        bench.changes.push(`${name} ${bench.index?.catalogue.find(name)?.state ?? "gone"}`);
        if (lost !== undefined) bench.lost.push(lost);
        bench.#changed.resolve();
      },
      onNotice: (message) => bench.notices.push(message),
      signal,
    });
    return bench;
  }

  state(name: string): string {
    return this.index.catalogue.find(safe(name))?.state ?? "absent";
  }

  content(name: string): Content {
    const content = this.index.catalogue.find(safe(name))?.content;
    assert(content !== undefined, `${name} should be ready`);
    return content;
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await this.#changed.promise;
      this.#changed = Promise.withResolvers();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.index.close();
  }
}

function rootOf(content: Uint8Array): string {
  const hasher = new TreeHasher(content.length);
  hasher.update(content);
  return hasher.finish().root;
}

const NEW_BYTES = new TextEncoder().encode("new bytes");
const LARGE = new Uint8Array(200_000).fill(5);

Deno.test({
  name: "files are known after the scan, ready after hashing, and located by content",
  ignore,
}, () =>
  withFolder({}, async (root) => {
    await writeQuiet(root, "served/small", "x");
    await writeQuiet(root, "served/sub/large", LARGE);
    await writeQuiet(root, "served/empty", "");
    await using bench = await Bench.start(root);
    const { index } = bench;
    assertEquals(index.catalogue.size, 3);
    await bench.until(() => index.progress.filesLeft === 0);
    assertEquals(index.progress.bytesLeft, 0);
    const large = bench.content("sub/large");
    assertEquals(String(large.root), rootOf(LARGE));
    assertEquals(index.located(large.root, large.sizeBytes)?.name, "sub/large");
    assertEquals(index.located(large.root, 1), undefined);
    const layer = index.layerOf(large.root, large.sizeBytes);
    assert(layer !== undefined);
    assertEquals(rootOfLayer(layer, large.sizeBytes), large.root);
    const small = bench.content("small");
    assertEquals(rootOfLayer(index.layerOf(small.root, 1)!, 1), small.root);
    assertEquals(index.layerOf(bench.content("empty").root, 0), new Uint8Array(0));
    assertEquals(index.layerOf(hashHex("ab".repeat(32)), 200_000), undefined);
    assertEquals(bench.notices, []);
  }));

Deno.test({
  name: "what was hashed before is ready at once, and read only when it changed",
  ignore,
}, () =>
  withFolder({}, async (root) => {
    await writeQuiet(root, "served/same", LARGE);
    await writeQuiet(root, "served/other", "before");
    {
      await using first = await Bench.start(root);
      await first.until(() => first.index.progress.filesLeft === 0);
    }
    await writeQuiet(root, "served/other", "after!", QUIET + 1);
    await using second = await Bench.start(root);
    assertEquals([second.state("same"), second.state("other")], ["ready", "pending"]);
    await second.until(() => second.state("other") === "ready");
    const { root: known } = second.content("same");
    assertEquals(second.index.layerOf(known, LARGE.length)?.length, 4 * 32);
    assertEquals(second.changes.filter((change) => change.startsWith("same")), ["same gone"]);
  }));

Deno.test(
  { name: "a layer that the cache has lost is made anew", ignore },
  () =>
    withFolder({}, async (root) => {
      await writeQuiet(root, "served/file", LARGE);
      await using bench = await Bench.start(root);
      await bench.until(() => bench.state("file") === "ready");
      const content = bench.content("file");
      const database = new DatabaseSync(join(root, "cache", "index.sqlite"));
      database.exec("DELETE FROM layer_parts");
      database.close();
      assertEquals(bench.index.layerOf(content.root, content.sizeBytes), undefined);
      assertEquals(bench.state("file"), "pending");
      await bench.until(() => bench.state("file") === "ready");
      assertEquals(bench.index.layerOf(content.root, content.sizeBytes)?.length, 4 * 32);
    }),
);

Deno.test({
  name: "files that come, change, are replaced and go are noticed while running",
  ignore,
}, () =>
  withFolder({}, async (root) => {
    for (const name of ["kept", "changed", "replaced", "deleted"]) {
      await writeQuiet(root, `served/${name}`, name);
    }
    await using bench = await Bench.start(root);
    await bench.until(() => bench.index.progress.filesLeft === 0);
    const before = ["changed", "replaced", "deleted"].map((name) => bench.content(name));
    const kept = bench.content("kept");

    await writeQuiet(root, "served/changed", "CHANGED", QUIET + 1);
    await writeQuiet(root, "aside", "REPLACED");
    await Deno.rename(join(root, "aside"), join(root, "served/replaced"));
    await Deno.remove(join(root, "served/deleted"));
    await writeQuiet(root, "served/new", "new");
    const isHashed = (name: string, text: string): boolean =>
      String(bench.index.catalogue.find(safe(name))?.content?.root) ===
        rootOf(new TextEncoder().encode(text));
    await bench.until(() =>
      isHashed("changed", "CHANGED") && isHashed("replaced", "REPLACED") &&
      isHashed("new", "new") && bench.state("deleted") === "absent"
    );
    assertEquals(bench.content("kept"), kept);
    const sorted = (contents: (Content | undefined)[]): string[] =>
      contents.map((content) => `${content?.root}`).sort();
    assertEquals(sorted(bench.lost), sorted(before));
  }));

Deno.test(
  { name: "a file that is being written is not hashed before it has been quiet", ignore },
  () =>
    withFolder({ "served/fresh": "just written" }, async (root) => {
      await using bench = await Bench.start(root);
      assertEquals(bench.state("fresh"), "settling");
      bench.index.prioritise(safe("fresh"), "10.0.0.1");
      assertEquals(bench.state("fresh"), "settling");
      await Deno.writeTextFile(join(root, "served/fresh"), ", and more", { append: true });
      bench.index.recheck(safe("fresh"));
      await bench.until(() => bench.state("fresh") === "ready");
      assertEquals(
        String(bench.content("fresh").root),
        rootOf(new TextEncoder().encode("just written, and more")),
      );
      assertEquals(bench.lost, []);
    }),
);

Deno.test(
  { name: "a file that is asked for is hashed before one that would take long", ignore },
  () =>
    withFolder({}, async (root) => {
      await writeQuiet(root, "served/a-long", "");
      await Deno.truncate(join(root, "served/a-long"), 16 * 1024 * MIB);
      await Deno.utime(join(root, "served/a-long"), QUIET, QUIET);
      for (const name of ["b", "c", "d"]) {
        await writeQuiet(root, `served/${name}-large`, new Uint8Array(2 * MIB));
      }
      await writeQuiet(root, "served/wanted", "x");
      await using bench = await Bench.start(root);
      bench.index.prioritise(safe("wanted"), "10.0.0.1");
      await bench.until(() => bench.state("wanted") === "ready");
      assertEquals(bench.state("a-long"), "pending");
    }),
);

Deno.test(
  { name: "a file that is asked for is looked at first: old bytes are not offered", ignore },
  () =>
    withFolder({}, async (root) => {
      for (const name of ["same", "changed", "gone"]) {
        await writeQuiet(root, `served/${name}`, "old bytes");
      }
      await using bench = await Bench.start(root);
      await bench.until(() => bench.index.progress.filesLeft === 0);
      const entryOf = (name: string) => bench.index.catalogue.find(safe(name))!;
      const entries = ["same", "changed", "gone"].map(entryOf);
      // Where only whole seconds of change times are told, a change in the same one cannot be seen.
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      // The same size, and the same time of its last change: nothing is said of it before it is asked for.
      await writeQuiet(root, "served/changed", "new bytes");
      await Deno.remove(join(root, "served/gone"));
      for (const entry of entries) bench.index.refresh(entry);
      const states = ["same", "changed", "gone"].map((name) => bench.state(name));
      assertEquals(states, ["ready", "settling", "absent"]);
    }),
);

Deno.test(
  { name: "a recheck finds what is gone, and leaves alone what is the same", ignore },
  () =>
    withFolder({}, async (root) => {
      await writeQuiet(root, "served/gone", "1");
      await writeQuiet(root, "served/same", "2");
      await using bench = await Bench.start(root);
      await bench.until(() => bench.index.progress.filesLeft === 0);
      const gone = bench.content("gone");
      await Deno.remove(join(root, "served/gone"));
      bench.index.recheck(safe("gone"));
      bench.index.recheck(safe("same"));
      bench.index.recheck(safe("never-there"));
      assertEquals([bench.state("gone"), bench.state("same")], ["absent", "ready"]);
      assertEquals(bench.lost, [gone]);
    }),
);

Deno.test({
  name: "a content that was proved bad is hashed again, although nothing looks changed",
  ignore,
}, () =>
  withFolder({}, async (root) => {
    // What a failing disk does, which changes bytes and no time: the cache knows what they were.
    await writeQuiet(root, "served/file", "rot  bytes");
    const before = new TextEncoder().encode("good bytes");
    await rememberAs(join(root, "cache"), join(root, "served/file"), before);
    await using bench = await Bench.start(root);
    assertEquals(bench.state("file"), "ready");
    const good = bench.content("file");
    assertEquals(String(good.root), rootOf(new TextEncoder().encode("good bytes")));
    bench.index.rehash(good.root, good.sizeBytes);
    assertEquals(bench.state("file"), "pending");
    assertEquals(bench.lost, [good]);
    await bench.until(() => bench.state("file") === "ready");
    assertEquals(
      String(bench.content("file").root),
      rootOf(new TextEncoder().encode("rot  bytes")),
    );
    assertEquals(bench.notices.length, 1);
    assertMatch(bench.notices[0]!, /^file is another file now: .* is the disk failing\?$/);

    // What was doubted for nothing is not told of.
    bench.index.rehash(bench.content("file").root, good.sizeBytes);
    await bench.until(() => bench.state("file") === "ready");
    assertEquals(bench.notices.length, 1);
  }));

Deno.test({
  name:
    "a doubted chunk is read again, and only one that differs takes its file, and no copy, off offer",
  ignore,
}, () =>
  withFolder({}, async (root) => {
    // The third chunk of one of them went bad, and nothing looks changed.
    for (const [name, content] of [["a", LARGE.with(3 * 65_536, 6)], ["b", LARGE]] as const) {
      await writeQuiet(root, `served/${name}`, content);
      await rememberAs(join(root, "cache"), join(root, "served", name), LARGE);
    }
    await using bench = await Bench.start(root);
    const good = bench.content("a");
    const [name, other] = ["a", "b"];
    assertEquals(String(bench.index.located(good.root, good.sizeBytes)?.name), name);
    const before = bench.changes.length;
    bench.index.doubt("10.0.0.1", { ...good, root: hashHex("ab".repeat(32)) }, 3);
    for (const chunk of [2 ** 32 - 1, 4, 0, 1, 2]) bench.index.doubt("10.0.0.1", good, chunk);
    // Its turn comes after the first of those, and before the others.
    bench.index.doubt("10.0.0.2", good, 3);
    await bench.until(() => bench.changes.length > before);
    assertEquals(bench.changes.slice(before), [`${name} pending`]);
    assertEquals(bench.lost, [good]);
    await bench.until(() => bench.state(name) === "ready");
    assertEquals(bench.state(other), "ready");
    assertEquals(bench.index.located(good.root, good.sizeBytes)?.name, safe(other));
    assertEquals(String(bench.content(name).root), rootOf(LARGE.with(3 * 65_536, 6)));
    assertEquals(bench.changes.length, before + 2);
  }));

Deno.test({
  name: "a file that was rewritten in place, its time put back, is hashed again",
  ignore,
}, () =>
  withFolder({}, async (root) => {
    await writeQuiet(root, "served/file", "old bytes");
    await writeQuiet(root, "served/while-away", "old bytes");
    {
      await using bench = await Bench.start(root);
      await bench.until(() =>
        bench.state("file") === "ready" && bench.state("while-away") === "ready"
      );
      // The file system's clock has ticks, and where only whole seconds are told, those count.
      await new Promise((resolve) => setTimeout(resolve, 1_100));
      await writeQuiet(root, "served/file", "new bytes");
      bench.index.recheck(safe("file"));
      assertEquals(bench.lost.length, 1);
      await bench.until(() => bench.state("file") === "ready");
      assertEquals(String(bench.content("file").root), rootOf(NEW_BYTES));
    }
    await writeQuiet(root, "served/while-away", "new bytes");
    await using bench = await Bench.start(root);
    await bench.until(() => bench.state("while-away") === "ready");
    assertEquals(String(bench.content("while-away").root), rootOf(NEW_BYTES));
  }));

Deno.test({
  name: "a skipped file is reported once, however often the folder is scanned",
  ignore,
}, () =>
  withFolder({ "outside": "" }, async (root) => {
    await writeQuiet(root, "served/file", "x");
    await Deno.symlink("../outside", join(root, "served/link"));
    await using bench = await Bench.start(root);
    await writeQuiet(root, "served/later", "y");
    await bench.until(() => bench.state("later") !== "absent");
    assertEquals(bench.notices, ["link is skipped: it is a link that leaves the folder"]);
  }));

Deno.test(
  { name: "a folder that is missing or a file is an error of its own", ignore },
  () =>
    withFolder({ "file": "" }, async (root) => {
      const start = (dir: string) => FolderOrigin.open(denoRuntime(), { dir, hidden: false });
      const missing = await assertRejects(() => start(join(root, "none")), ShoalError);
      assertMatch(String(missing), /does not exist/);
      const file = await assertRejects(() => start(join(root, "file")), ShoalError);
      assertMatch(String(file), /is not a folder/);
    }),
);

Deno.test(
  { name: "the first scan ends through the signal", ignore },
  () =>
    withFolder({ "served/file": "" }, async (root) => {
      const error = await assertRejects(() => Bench.start(root, AbortSignal.abort()), ShoalError);
      assertMatch(String(error), /interrupted/);
    }),
);

Deno.test({
  name: "a FIFO in the folder hangs nothing",
  ignore: ignore || !await canRun("mkfifo"),
}, () =>
  withFolder({}, async (root) => {
    await writeQuiet(root, "served/file", "x");
    await new Deno.Command("mkfifo", { args: [join(root, "served/pipe")] }).output();
    await using bench = await Bench.start(root);
    await bench.until(() => bench.index.progress.filesLeft === 0);
    assertEquals(bench.index.catalogue.size, 1);
  }));

Deno.test({
  name:
    "a log is ready while it grows, stays what it was for who fetches it, and is whole when it rests",
  ignore,
  sanitizeResources: false,
}, () =>
  withFolder({}, async (root) => {
    await writeFile(root, "served/log", "line 0\n");
    await using bench = await Bench.start(root);
    const path = join(root, "served/log");
    let lines = 1;
    const append = (): void => Deno.writeTextFileSync(path, `line ${lines++}\n`, { append: true });
    const writing = setInterval(append, 100);
    try {
      await bench.until(() => bench.state("log") === "ready");
    } finally {
      clearInterval(writing);
    }
    const { signature } = bench.index.catalogue.find(safe("log"))!;
    const beginning = bench.content("log");
    assertEquals([signature.isPrefix, beginning.sizeBytes], [true, signature.sizeBytes]);
    const text = (): Uint8Array => Deno.readFileSync(path);
    assertEquals(beginning.root, rootOf(text().subarray(0, beginning.sizeBytes)));
    append();
    await bench.until(() => bench.index.catalogue.find(safe("log"))?.signature.isPrefix !== true);
    assertEquals(bench.index.located(beginning.root, beginning.sizeBytes)?.isPrefix, true);
    await bench.until(() => bench.state("log") === "ready");
    assertEquals(bench.content("log").root, rootOf(text()));
  }));

Deno.test({
  name: "a log that is cut off is another file, and its beginning is given to nobody",
  ignore,
  sanitizeResources: false,
}, () =>
  withFolder({}, async (root) => {
    await writeFile(root, "served/log", "line 0\n");
    await using bench = await Bench.start(root);
    const path = join(root, "served/log");
    const append = (): void => Deno.writeTextFileSync(path, "a line\n", { append: true });
    const writing = setInterval(append, 100);
    try {
      await bench.until(() => bench.state("log") === "ready");
    } finally {
      clearInterval(writing);
    }
    const { root: before, sizeBytes } = bench.content("log");
    Deno.writeTextFileSync(path, "x");
    bench.index.recheck(safe("log"));
    assertEquals(bench.index.located(before, sizeBytes), undefined);
    await bench.until(() => bench.state("log") === "ready");
    assertEquals(bench.content("log").sizeBytes, 1);
  }));
