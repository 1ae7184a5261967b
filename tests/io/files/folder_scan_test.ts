import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { changeTimeAt } from "../../../lib/io/files/change_time.ts";
import { scanFolder, type ScanOptions } from "../../../lib/io/files/folder_scan.ts";
import { FOLDER_DEPTH_MAX } from "../../../lib/io/files/limits.ts";
import { withFolder, writeFile } from "../../support/folder.ts";
import { canRun, canTouchFiles, isRoot } from "../../support/permissions.ts";

const ignore = !await canTouchFiles();

async function scan(dir: string, options: Partial<ScanOptions> = {}) {
  const names: string[] = [];
  const leftOut: string[] = [];
  const found = scanFolder({
    disk: denoDisk,
    dir,
    hidden: false,
    isKnown: () => false,
    onLeftOut: (message) => leftOut.push(message),
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
          disk: denoDisk,
          dir,
          hidden: false,
          isKnown: () => false,
          onLeftOut: () => {},
          signal: new AbortController().signal,
        };
        for await (const file of scanFolder(options)) {
          assertEquals(file.signature, {
            sizeBytes: 5,
            mtimeMs: info.mtime?.getTime() ?? NaN,
            ctimeMs: changeTimeAt(join(dir, "b.txt"), "refuse") ??
              info.ctime?.getTime() ?? NaN,
            inode: info.ino ?? NaN,
          });
          break;
        }
      },
    ),
);

Deno.test(
  { name: "dot-names, unfinished downloads and temporaries are left out silently", ignore },
  () =>
    withFolder({
      "kept": "",
      ".hidden": "",
      ".git/config": "",
      "a.txt.0123abcd.part": "",
      "a.txt.0123abcd.part.journal": "",
      "b.tmp": "",
      "c.txt~": "",
      "~$d.doc": "",
      "e.crdownload": "",
    }, async (dir) => {
      assertEquals(await scan(dir), { names: ["kept"], leftOut: [] });
      assertEquals(await scan(dir, { hidden: true }), {
        names: [".hidden", "kept", ".git/config"],
        leftOut: [],
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
  name: "a FIFO is passed by without waiting for a writer",
  ignore: ignore || !await canRun("mkfifo"),
}, () =>
  withFolder({ "file": "" }, async (dir) => {
    await new Deno.Command("mkfifo", { args: [join(dir, "pipe")] }).output();
    assertEquals(await scan(dir), { names: ["file"], leftOut: [] });
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
        disk: denoDisk,
        dir,
        hidden: false,
        isKnown: () => false,
        onLeftOut: () => {},
        signal: abort.signal,
      };
      for await (const { name } of scanFolder(options)) {
        seen.push(name);
        abort.abort();
      }
      assert(seen.length === 1);
    }),
);
