import "../../support/libraries.ts";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { presentFiles } from "../../../lib/app/client/present_files.ts";
import { PRESENT_CHECK_BYTES_MAX } from "../../../lib/app/client/limits.ts";
import type { DoneEvent, FileEvent } from "../../../lib/app/events.ts";
import { toHex } from "../../../lib/ids.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { TreeHasher } from "../../../lib/protocol/merkle/merkle.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !(await canTouchFiles());
const BOTH = ["10.0.0.1:10530", "10.0.0.2:10530"];

function listed(name: string, content: Uint8Array, servers = BOTH): FileEvent {
  return { event: "file", name, size: content.length, sha256: toHex(sha256(content)), servers };
}

function bytes(sizeBytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 31 + seed * 7 + (i >> 9)) & 255);
}

async function present(
  dir: string,
  all: readonly FileEvent[],
  { wanted = all, signal }: { wanted?: readonly FileEvent[]; signal?: AbortSignal } = {},
): Promise<string[]> {
  const told: DoneEvent[] = [];
  const found = await presentFiles(denoRuntime(), { all, wanted }, {
    outDir: dir,
    signal,
    onPresent: (event) => void told.push(event),
  });
  assertEquals([...found.values()], told);
  return told.map(({ name }) => name);
}

Deno.test(
  { name: "what is there is told with its root, whatever its size", ignore },
  () =>
    withFolder({}, async (dir) => {
      await Deno.mkdir(join(dir, "a/b"), { recursive: true });
      const sizes = [0, 1, 16_384, 16_385, 300_000, PRESENT_CHECK_BYTES_MAX];
      const files = sizes.map((size) => listed(`a/b/${size}`, bytes(size)));
      for (const size of sizes) await Deno.writeFile(join(dir, `a/b/${size}`), bytes(size));
      const told = await presentFiles(denoRuntime(), { all: files, wanted: files }, {
        outDir: dir,
        signal: undefined,
        onPresent: () => {},
      });
      for (const size of sizes) {
        const tree = new TreeHasher(size);
        tree.update(bytes(size));
        const done = told.get(`a/b/${size}`)!;
        assertEquals(done.root, tree.finish().root);
        assertEquals([done.path, done.present], [join(dir, `a/b/${size}`), true]);
      }
    }),
);

Deno.test(
  { name: "what is another file, or is not there, is searched for", ignore },
  () =>
    withFolder({}, async (dir) => {
      const same = listed("same", bytes(9));
      await Deno.writeFile(join(dir, "same"), bytes(9));
      await Deno.writeFile(join(dir, "changed"), bytes(9, 2));
      await Deno.writeFile(join(dir, "longer"), bytes(10));
      await Deno.writeFile(join(dir, "target"), bytes(9));
      await Deno.symlink(join(dir, "target"), join(dir, "link"));
      await Deno.mkdir(join(dir, "folder"));
      const others = ["changed", "longer", "link", "folder", "missing", "gone/missing", "../same"];
      const all = [same, ...others.map((name) => listed(name, bytes(9)))];
      assertEquals(await present(dir, all), ["same"]);
    }),
);

Deno.test({
  name: "a file whose servers disagree, or are not all heard of, is searched for",
  ignore,
}, () =>
  withFolder({}, async (dir) => {
    for (const name of ["agreed", "split", "some", "hashing"]) {
      await Deno.writeFile(join(dir, name), bytes(9));
    }
    const { sha256: _, ...hashing } = listed("hashing", bytes(9));
    const all = [
      listed("agreed", bytes(9)),
      listed("split", bytes(9)),
      listed("split", bytes(9, 2)),
      listed("some", bytes(9), BOTH.slice(1)),
      hashing,
    ];
    assertEquals(await present(dir, all), ["agreed"]);
    // Also where the other content is none that is looked for.
    assertEquals(await present(dir, all, { wanted: [all[1]!] }), []);
  }));

Deno.test(
  { name: "a folder that leads out of the target is no place to look in", ignore },
  () =>
    withFolder({}, async (dir) => {
      await Deno.mkdir(join(dir, "out"));
      await Deno.mkdir(join(dir, "else"));
      await Deno.writeFile(join(dir, "else/f"), bytes(9));
      await Deno.symlink(join(dir, "else"), join(dir, "out/in"));
      assertEquals(await present(join(dir, "out"), [listed("in/f", bytes(9))]), []);
    }),
);

Deno.test(
  { name: "what an earlier run has left of a file that is there is removed", ignore },
  () =>
    withFolder({}, async (dir) => {
      const file = listed("f", bytes(9));
      await Deno.writeFile(join(dir, "f"), bytes(9));
      const tree = new TreeHasher(9);
      tree.update(bytes(9));
      const part = join(dir, `f.${tree.finish().root.slice(0, 8)}.part`);
      await Deno.writeFile(part, bytes(3));
      assertEquals(await present(dir, [file]), ["f"]);
      assert(!(await exists(part)));
    }),
);

Deno.test(
  { name: "nothing more is looked at after an abort", ignore },
  () =>
    withFolder({}, async (dir) => {
      await Deno.writeFile(join(dir, "f"), bytes(9));
      assertEquals(
        await present(dir, [listed("f", bytes(9))], { signal: AbortSignal.abort() }),
        [],
      );
    }),
);

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}
