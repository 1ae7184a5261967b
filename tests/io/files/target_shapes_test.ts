/** What is in a folder beside files is taken to be there only where it is what it is to be. */
import "../../support/libraries.ts";
import { assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import type { SafeFileName } from "../../../lib/ids.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { shapesInPlace, type TargetShapes } from "../../../lib/io/files/target_shapes.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !(await canTouchFiles()) || Deno.build.os === "windows";
const MODIFIED_MS = 1_700_000_000_000;
const named = (name: string): SafeFileName => name as SafeFileName;

const SHAPES: TargetShapes = {
  root: named("t"),
  folders: ["t", "t/a", "t/a/b"].map((name) => ({ name: named(name), mtimeMs: MODIFIED_MS })),
  links: [{ name: named("t/link"), target: "a" }],
};

/** Makes all of it, then what `change` does, and looks. */
function looked(change: (dir: string) => void, shapes = SHAPES) {
  return withFolder({}, async (dir) => {
    await Deno.mkdir(join(dir, "t/a/b"), { recursive: true });
    await Deno.symlink("a", join(dir, "t/link"));
    for (const name of ["t/a/b", "t/a", "t"]) {
      await Deno.utime(join(dir, name), MODIFIED_MS / 1_000, MODIFIED_MS / 1_000);
    }
    change(dir);
    found = shapesInPlace(denoDisk, dir, shapes)?.map((path) => path.slice(dir.length + 1));
  });
}

let found: readonly string[] | undefined;

Deno.test({
  name: "folders and links that are as they are to be are there, each with its path",
  ignore,
  fn: () => looked(() => {}).then(() => assertEquals(found, ["t", "t", "t/a", "t/a/b", "t/link"])),
});

const CHANGES: readonly (readonly [what: string, change: (dir: string) => void])[] = [
  ["a folder that was touched", (dir) => Deno.utimeSync(join(dir, "t/a"), 1, 1)],
  ["a folder that is gone", (dir) => Deno.removeSync(join(dir, "t/a/b"))],
  ["a link that leads elsewhere", (dir) => {
    Deno.removeSync(join(dir, "t/link"));
    Deno.symlinkSync("b", join(dir, "t/link"));
  }],
  ["a folder in the place of a link", (dir) => {
    Deno.removeSync(join(dir, "t/link"));
    Deno.mkdirSync(join(dir, "t/link"));
  }],
  ["a link in the place of the folder", (dir) => {
    Deno.renameSync(join(dir, "t"), join(dir, "moved"));
    Deno.symlinkSync("moved", join(dir, "t"));
  }],
];

for (const [what, change] of CHANGES) {
  Deno.test({
    name: `${what} is something to be done`,
    ignore,
    fn: () => looked(change).then(() => assertEquals(found, undefined)),
  });
}

Deno.test({
  name: "nothing is said of a folder that has no name of its own",
  ignore,
  fn: () =>
    looked(() => {}, {
      ...SHAPES,
      folders: [{ name: named(""), mtimeMs: MODIFIED_MS }],
    }).then(() => assertEquals(found, undefined)),
});
