/** Somebody on the same machine puts a link in the place of a folder while files are stored in it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { ShoalError } from "../../../lib/errors.ts";
import type { SafeFileName } from "../../../lib/ids.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { FileTarget } from "../../../lib/io/files/file_target.ts";
import { inFolder, targetNames } from "../../../lib/io/files/target_names.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !await canTouchFiles() || Deno.build.os !== "linux";
const canRace = !ignore &&
  (await Deno.permissions.query({ name: "run", command: "sh" })).state === "granted";
const RACE_MS = 3_000;

/** Stores a file as an upload is stored: from a part elsewhere in the folder. */
function store(dir: string, name: string, beforePublishing = () => {}): void {
  const part = targetNames(
    denoDisk,
    dir,
    `${name.replaceAll("/", "-")}` as SafeFileName,
    "00000000",
  );
  const target = FileTarget.open(denoDisk, part);
  try {
    target.write(new Uint8Array(10), 0);
    const { folder, base } = targetNames(denoDisk, dir, name as SafeFileName, "00000000");
    inFolder(denoDisk, dir, folder, (openFolder) => {
      beforePublishing();
      target.publish({ force: false }, { folder: openFolder, base });
    });
  } finally {
    target.discard();
  }
}

/** Everything below, by path. */
function namesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? [name, ...namesBelow(join(folder, name))] : [name]
  );
}

Deno.test(
  { name: "a folder that is swapped for a link before the file has its name", ignore },
  () =>
    withFolder({ "served/sub/a": "a", "outside/b": "b" }, (root) => {
      const served = join(root, "served");
      store(served, "sub/new", () => {
        Deno.renameSync(join(served, "sub"), join(served, "moved"));
        Deno.symlinkSync(join(root, "outside"), join(served, "sub"));
      });
      assertEquals(namesBelow(join(root, "outside")), ["b"]);
      // It is in the folder that was meant, whatever that is called now.
      assertEquals(namesBelow(join(served, "moved")).sort(), ["a", "new"]);
      assertThrows(() => store(served, "sub/later"), ShoalError, "leads out");
      assertThrows(() => store(served, "sub/deeper/later"), ShoalError, "leads out");
      assertEquals(namesBelow(join(root, "outside")), ["b"]);
      return Promise.resolve();
    }),
);

Deno.test(
  { name: "a link that stays inside is a folder like others", ignore },
  () =>
    withFolder({ "served/real/a": "a" }, (root) => {
      const served = join(root, "served");
      Deno.symlinkSync("real", join(served, "alias"));
      store(served, "alias/x/new");
      assertEquals(namesBelow(join(served, "real")).sort(), ["a", "new", "x"]);
      return Promise.resolve();
    }),
);

Deno.test({
  name: "a folder that is swapped for a link and back as fast as can be",
  ignore: !canRace,
}, () =>
  withFolder({ "served/sub/a": "a", "outside/b": "b" }, async (root) => {
    const served = join(root, "served");
    const swaps = "while :; do mv sub real; ln -s ../outside sub; rm sub; mv real sub; done";
    const command = new Deno.Command("sh", {
      args: ["-c", swaps],
      cwd: served,
      ...{ stdin: "null", stdout: "null", stderr: "null" },
    });
    const swapper = command.spawn();
    let [stored, refused] = [0, 0];
    const endMs = performance.now() + RACE_MS;
    try {
      for (let i = 0; performance.now() < endMs; i++) {
        try {
          store(served, i % 2 === 0 ? `sub/${i}` : `sub/deep-${i}/x`);
          stored += 1;
        } catch (error) {
          if (!(error instanceof ShoalError)) throw error;
          refused += 1;
        }
      }
    } finally {
      swapper.kill("SIGKILL");
      await swapper.status;
    }
    assertEquals(namesBelow(join(root, "outside")), ["b"]);
    assert(stored > 0 && refused > 0, `${stored} stored, ${refused} refused: they never met`);
  }));
