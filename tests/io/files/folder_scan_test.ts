import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { fileTimesAt } from "../../../lib/io/files/libc_files.ts";
import { scanFolder, type ScanOptions } from "../../../lib/io/files/folder_scan.ts";
import { FOLDER_DEPTH_MAX } from "../../../lib/io/files/limits.ts";
import { JournalFile } from "../../../lib/io/files/journal_file.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { hashHex } from "../../../lib/ids.ts";
import { withFolder, writeFile } from "../../support/folder.ts";
import { canRun, canTouchFiles, isRoot } from "../../support/permissions.ts";

const ignore = !await canTouchFiles();
const hasBytesAsNames = Deno.build.os === "linux" && await canRun("sh");

async function scan(dir: string, options: Partial<ScanOptions> = {}) {
  const names: string[] = [];
  const leftOut: string[] = [];
  const found = scanFolder({
    clock: denoClock,
    disk: denoDisk,
    dir,
    hidden: false,
    isKnown: () => false,
    onLeftOut: (message) => leftOut.push(message),
    onHidden: () => {},
    signal: new AbortController().signal,
    ...options,
  });
  for await (const { name } of found) names.push(name);
  return { names, leftOut };
}

Deno.test(
  { name: "a scan finds files in every folder, in order, with what they look like", ignore },
  () =>
    withFolder(
      { "b.txt": "12345", "a/z.txt": "", "a/a.txt": "1", "c/d/e.txt": "" },
      async (dir) => {
        assertEquals(await scan(dir), {
          names: ["b.txt", "a/a.txt", "a/z.txt", "c/d/e.txt"],
          leftOut: [],
        });
        const info = await Deno.stat(join(dir, "b.txt"));
        const options: ScanOptions = {
          clock: denoClock,
          disk: denoDisk,
          dir,
          hidden: false,
          isKnown: () => false,
          onLeftOut: () => {},
          onHidden: () => {},
          signal: new AbortController().signal,
        };
        for await (const file of scanFolder(options)) {
          assertEquals(file.signature, {
            sizeBytes: 5,
            ...fileTimesAt(join(dir, "b.txt"), "refuse") ??
              { mtimeMs: info.mtime?.getTime() ?? NaN, ctimeMs: info.ctime?.getTime() ?? NaN },
            inode: info.ino ?? NaN,
          });
          break;
        }
      },
    ),
);

Deno.test(
  { name: "dot-names are left out silently, and temporaries of others are files", ignore },
  () =>
    withFolder({
      "kept": "",
      ".hidden": "",
      ".git/config": "",
      "b.tmp": "",
      "c.txt~": "",
      "d.part": "",
      "old~/e.crdownload": "",
      "x.0123abcd.part/f": "",
    }, async (dir) => {
      const names = ["b.tmp", "c.txt~", "d.part", "kept", "old~/e.crdownload", "x.0123abcd.part/f"];
      assertEquals(await scan(dir), { names, leftOut: [] });
    }),
);

Deno.test(
  {
    name: "an unfinished download is left out silently, and what only has such a name is named",
    ignore,
  },
  () =>
    withFolder(
      { "a.bin.89abcdef.part": "not ours", "b.bin.89abcdef.part.journal": "nor this" },
      async (dir) => {
        const root = hashHex("01234567".repeat(8));
        const content = { sizeBytes: 1, sha256: root, root };
        const state = { layer: new Uint8Array(32), written: new Bitmap(1) };
        const part = join(dir, "c.bin.01234567.part");
        await Deno.writeTextFile(part, "half");
        JournalFile.create(denoDisk, `${part}.journal`, content, state).close();
        for (const { name } of Deno.readDirSync(dir)) await Deno.utime(join(dir, name), 1e9, 1e9);
        await Deno.writeTextFile(join(dir, "just.0123abcd.part"), "begun");
        const why = "is skipped: it is named like an unfinished download; rename it to offer it";
        assertEquals(await scan(dir), {
          names: [],
          leftOut: [`a.bin.89abcdef.part ${why}`, `b.bin.89abcdef.part.journal ${why}`],
        });
      },
    ),
);

Deno.test(
  { name: "a folder whose name is not UTF-8 is named", ignore: ignore || !hasBytesAsNames },
  () =>
    withFolder({}, async (dir) => {
      const script =
        `cd "$1" && mkdir "$(printf 'sub\\377')" && echo x > "$(printf 'sub\\377/file')"`;
      const { success } = await new Deno.Command("sh", { args: ["-c", script, "sh", dir] })
        .output();
      assert(success);
      assertEquals(await scan(dir), {
        names: [],
        leftOut: ["the folder sub\ufffd/ is skipped: its name is not valid UTF-8"],
      });
    }),
);

Deno.test(
  {
    name: "names that cannot be offered are named, escaped, and left out",
    ignore: ignore || Deno.build.os === "windows",
  },
  () =>
    withFolder(
      { "good": "", "back\\slash": "", "new\nline": "", "CON.txt": "", "COM1/file": "" },
      async (dir) => {
        const { names, leftOut } = await scan(dir);
        assertEquals(names, ["good"]);
        assertEquals(leftOut, [
          "COM1 is skipped: its name cannot be offered (reserved device name)",
          "CON.txt is skipped: its name cannot be offered (reserved device name)",
          "back\\slash is skipped: its name cannot be offered (backslash)",
          "new\\u{a}line is skipped: its name cannot be offered (control character)",
        ]);
      },
    ),
);

Deno.test({
  name: "a name that is not valid UTF-8 is left out, a replacement character in a name is not",
  ignore: ignore || Deno.build.os !== "linux" || !await canRun("sh"),
}, () =>
  withFolder({ "real\ufffd.txt": "" }, async (dir) => {
    await new Deno.Command("sh", { args: ["-c", "touch \"$(printf 'bad\\377.txt')\""], cwd: dir })
      .output();
    const { names, leftOut } = await scan(dir);
    assertEquals(names, ["real\ufffd.txt"]);
    assertEquals(leftOut, ["bad\ufffd.txt is skipped: its name is not valid UTF-8"]);
  }));

Deno.test({
  name: "links to files inside count, links that leave and links to folders do not",
  ignore,
}, () =>
  withFolder({ "served/sub/file": "", "outside": "" }, async (root) => {
    const dir = join(root, "served");
    await Deno.symlink("sub/file", join(dir, "inner"));
    await Deno.symlink("../outside", join(dir, "outer"));
    await Deno.symlink("sub", join(dir, "folder"));
    await Deno.symlink("../sub", join(dir, "sub/circle"));
    await Deno.symlink("nowhere", join(dir, "dangling"));
    const { names, leftOut } = await scan(dir);
    assertEquals(names, ["inner", "sub/file"]);
    assertEquals(leftOut, [
      "folder is skipped: links to folders are not followed",
      "outer is skipped: it is a link that leaves the folder",
      "sub/circle is skipped: links to folders are not followed",
    ]);
  }));

Deno.test({
  name: "a FIFO is left out and named, without waiting for a writer",
  ignore: ignore || !await canRun("mkfifo"),
}, () =>
  withFolder({ "file": "" }, async (dir) => {
    await new Deno.Command("mkfifo", { args: [join(dir, "pipe")] }).output();
    assertEquals(await scan(dir), {
      names: ["file"],
      leftOut: ["pipe is skipped: it is not a regular file"],
    });
  }));

Deno.test({
  name: "what may not be read is named and left out (skipped for root, whom modes do not stop)",
  ignore: ignore || await isRoot(),
}, () =>
  withFolder({ "locked": "", "closed/file": "", "open": "" }, async (dir) => {
    await Deno.chmod(join(dir, "locked"), 0);
    await Deno.chmod(join(dir, "closed"), 0);
    const { names, leftOut } = await scan(dir);
    await Deno.chmod(join(dir, "closed"), 0o700);
    assertEquals(names, ["open"]);
    assertEquals(leftOut, [
      "locked is skipped: it cannot be read",
      "the folder closed/ cannot be read",
    ]);
  }));

Deno.test(
  { name: "a scan ends at its bounds, and says so", ignore },
  () =>
    withFolder({ "a": "", "b": "", "c": "" }, async (dir) => {
      assertEquals((await scan(dir, { entriesMax: 3 })).leftOut, []);
      assertEquals(await scan(dir, { entriesMax: 2 }), {
        names: ["a", "b"],
        leftOut: ["the folder has more than 2 entries: the rest is skipped"],
      });
      const deep = "d/".repeat(FOLDER_DEPTH_MAX);
      await writeFile(dir, `${deep}in`, "");
      await writeFile(dir, `${deep}d/out`, "");
      const { names, leftOut } = await scan(dir);
      assertEquals(names, ["a", "b", "c", `${deep}in`]);
      assertEquals(leftOut, [`${deep}d is skipped: too many folders deep`]);
    }),
);

Deno.test(
  { name: "an aborted scan ends", ignore },
  () =>
    withFolder({ "a": "", "b": "" }, async (dir) => {
      const abort = new AbortController();
      const seen: string[] = [];
      const options: ScanOptions = {
        clock: denoClock,
        disk: denoDisk,
        dir,
        hidden: false,
        isKnown: () => false,
        onLeftOut: () => {},
        onHidden: () => {},
        signal: abort.signal,
      };
      for await (const { name } of scanFolder(options)) {
        seen.push(name);
        abort.abort();
      }
      assert(seen.length === 1);
    }),
);

Deno.test(
  { name: "what waits for its name in a folder of staged files is not offered", ignore },
  () =>
    withFolder({
      ".staged.0123abcd.part/0": "x",
      ".staged.0123abcd.part/lock": "",
      "sub/.staged.0123abcd.part/1": "x",
      ".staged/2": "x",
      "a": "1",
    }, async (dir) => {
      const shapes: string[] = [];
      const onShape = ({ name }: { readonly name: string }): unknown => shapes.push(name);
      const found = await scan(dir, { hidden: true, onShape });
      assertEquals(found, { names: ["a", ".staged/2"], leftOut: [] });
      assertEquals(shapes.sort(), [".staged", "sub"]);
    }),
);
