/** Manifests of a served folder, and the bundles behind them, on a disk that is there. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { join } from "@std/path/join";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { FolderOrigin } from "../../../lib/app/index/folder_origin.ts";
import { LiveIndex } from "../../../lib/app/index/live_index.ts";
import { openContent } from "../../../lib/io/files/content_reader.ts";
import { type Bytes, type SafeFileName, toHex } from "../../../lib/ids.ts";
import { unitsOf } from "../../../lib/protocol/folder/bundles.ts";
import { unitRootOfBytes } from "../../../lib/protocol/merkle/unit_root.ts";
import { decodeManifest, type TreeEntry, type TreeFile } from "../../../lib/wire/manifest.ts";
import { withFolder, writeFile } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !await canTouchFiles() || Deno.build.os === "windows";
/** Long ago, in seconds: such a file is quiet. */
const QUIET = 1_600_000_000;

class Served implements AsyncDisposable {
  readonly #root: string;
  #index!: LiveIndex;

  constructor(root: string) {
    this.#root = root;
  }

  async write(name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(this.dir, name, content);
    await Deno.utime(join(this.dir, name), QUIET, QUIET);
  }

  get dir(): string {
    return join(this.#root, "served");
  }

  async start(): Promise<void> {
    await Deno.mkdir(this.dir, { recursive: true });
    this.#index = await LiveIndex.start({
      runtime: denoRuntime(),
      origins: [await FolderOrigin.open(denoRuntime(), { dir: this.dir, hidden: false })],
      cacheDir: join(this.#root, "cache"),
      onNotice() {},
    });
  }

  /** The manifest, once everything is hashed. */
  async tree(folder?: string): Promise<readonly TreeEntry[]> {
    for (;;) {
      const tree = this.#index.treeOf(folder as SafeFileName | undefined);
      assert(tree !== undefined, "there is no such folder");
      if (tree.kind === "ready") {
        const { root, sizeBytes } = tree.content;
        const entries = decodeManifest(this.read(root, sizeBytes)!);
        assert(!("problem" in entries));
        return entries;
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  has(folder: string): boolean {
    return this.#index.treeOf(folder as SafeFileName) !== undefined;
  }

  /** What is behind a root; `undefined` if it is not what it was. */
  read(root: TreeFile["root"], sizeBytes: number): Bytes | undefined {
    const located = this.#index.located(root, sizeBytes);
    if (located === undefined) return undefined;
    const opened = openContent(denoRuntime().disk, located.place, located);
    if (!opened.ok) return undefined;
    const bytes = new Uint8Array(sizeBytes);
    const length = opened.reader.readAt(bytes, 0, sizeBytes, 0);
    opened.reader.close();
    return length === sizeBytes ? bytes : undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#index.close();
  }
}

const files = (entries: readonly TreeEntry[]): TreeFile[] =>
  entries.filter((entry): entry is TreeFile => entry.kind === "file");
const brief = (entries: readonly TreeEntry[]): string[] =>
  entries.map((entry) => `${entry.kind} ${entry.name}`);

Deno.test({
  name: "a manifest has files, empty folders, links that stay within, and who may be run",
  ignore,
  fn: () =>
    withFolder({}, async (root) => {
      await using served = new Served(root);
      await served.write("p/a.txt", "a");
      await served.write("p/bin/tool", "#!");
      await Deno.chmod(join(served.dir, "p/bin/tool"), 0o755);
      await Deno.mkdir(join(served.dir, "p/empty"));
      await served.write("q/other.txt", "b");
      await Deno.symlink("../a.txt", join(served.dir, "p/bin/in"));
      await Deno.symlink("../../q/other.txt", join(served.dir, "p/bin/beside"));
      await Deno.symlink("/etc/passwd", join(served.dir, "p/out"));
      await served.start();
      const tree = await served.tree("p");
      assertEquals(brief(tree), [
        "file a.txt",
        "folder bin",
        // It leads out of this folder, and to something that is served: so it is that.
        "file bin/beside",
        "link bin/in",
        "file bin/tool",
        "folder empty",
        // It leads out of all that is served.
        "leftOut out",
      ]);
      assertEquals(files(tree).map(({ isExecutable }) => isExecutable), [false, false, true]);
      assertEquals(files(tree)[0]!.mtimeMs, 1_000 * QUIET);
      const whole = await served.tree();
      assert(brief(whole).includes("link p/bin/beside"));
      assertEquals(served.has("nowhere"), false);
      assertEquals(brief(await served.tree("p/empty")), []);
    }),
});

Deno.test({
  name: "bundles are read as what they are proved by, until a file in one is another",
  ignore,
  fn: () =>
    withFolder({}, async (root) => {
      await using served = new Served(root);
      for (let i = 0; i < 100; i++) {
        await served.write(`t/${i % 7}/f${i}`, new Uint8Array(4_000 + i).fill(i));
      }
      await served.start();
      const units = unitsOf(files(await served.tree("t")));
      assert(units.length > 1);
      for (const unit of units) {
        const bytes = served.read(unit.root, unit.sizeBytes)!;
        const sizes = unit.files.map(({ sizeBytes }) => sizeBytes);
        assertEquals(toHex(unitRootOfBytes(bytes, sizes)), unit.root);
      }
      const [first, second] = units;
      await Deno.writeFile(join(served.dir, "t", first!.files[0]!.name), new Uint8Array(4_000));
      assertEquals(served.read(first!.root, first!.sizeBytes), undefined);
      assertNotEquals(served.read(second!.root, second!.sizeBytes), undefined);
    }),
});

Deno.test({
  name: "equal folders have equal manifests, wherever they are served",
  ignore,
  fn: () =>
    withFolder({}, (root) =>
      withFolder({}, async (other) => {
        await using a = new Served(root);
        await using b = new Served(other);
        for (const each of [a, b]) {
          await each.write("x/1", "one");
          await each.write("x/2", "two");
          await each.start();
        }
        assertEquals(await a.tree("x"), await b.tree("x"));
      })),
});
