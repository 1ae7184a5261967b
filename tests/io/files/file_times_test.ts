/** Times of files to the nanosecond, where the platform lets us: what is set is what is there. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import type { ModificationTime } from "../../../lib/ids.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { fileTimesAt, setModifiedAt } from "../../../lib/io/files/libc_files.ts";
import { canTouchFiles } from "../../support/permissions.ts";
import { withFolder } from "../../support/folder.ts";

const isExact = Deno.build.os === "linux" && await canTouchFiles() &&
  fileTimesAt(".", "follow") !== undefined;

const TIMES: readonly ModificationTime[] = [
  { mtimeMs: 1_700_000_000_123, mtimeRestNs: 456_789 },
  { mtimeMs: 1_700_000_000_999, mtimeRestNs: 999_999 },
  { mtimeMs: 1_700_000_000_123 },
  { mtimeMs: 0, mtimeRestNs: 1 },
  // Nanoseconds count forward: this is one and a bit before 1970.
  { mtimeMs: -1, mtimeRestNs: 999_999 },
  { mtimeMs: -446_751_899_877, mtimeRestNs: 123_456 },
  { mtimeMs: -1_000 },
];

Deno.test(
  { name: "a file's and a folder's time is kept to the nanosecond", ignore: !isExact },
  () =>
    withFolder({ "a.txt": "a" }, async (dir) => {
      const path = join(dir, "a.txt");
      await Deno.mkdir(join(dir, "sub"));
      for (const time of TIMES) {
        const file = denoDisk.open(path);
        file.setModified(time);
        file.close();
        denoDisk.setFolderModified(join(dir, "sub"), time);
        const { mtimeMs, mtimeRestNs } = denoDisk.identityAt(path)!.signature;
        const found = { mtimeMs, ...(mtimeRestNs !== undefined && { mtimeRestNs }) };
        assertEquals(found, time);
        const { signature, ...look } = denoDisk.examine(join(dir, "sub"))!;
        assertEquals(signature, undefined);
        assertEquals([look.mtimeMs, look.mtimeRestNs], [time.mtimeMs, time.mtimeRestNs]);
        assertEquals(denoDisk.examine(path)?.mtimeRestNs, time.mtimeRestNs);
      }
    }),
);

Deno.test(
  { name: "what the file system says is what others see", ignore: !isExact },
  () =>
    withFolder({ "a.txt": "a" }, async (dir) => {
      const path = join(dir, "a.txt");
      const file = denoDisk.open(path);
      file.setModified({ mtimeMs: 1_700_000_000_123, mtimeRestNs: 456_789 });
      file.close();
      const { stdout } = await new Deno.Command("stat", { args: ["-c", "%.Y", path] }).output();
      assertEquals(new TextDecoder().decode(stdout).trim(), "1700000000.123456789");
    }),
);

Deno.test(
  { name: "a time is given to nothing that has taken the name meanwhile", ignore: !isExact },
  () =>
    withFolder({ "a.txt": "a", "b.txt": "b" }, async (dir) => {
      const [a, b] = [join(dir, "a.txt"), join(dir, "b.txt")];
      const time = { mtimeMs: 1_600_000_000_000, mtimeRestNs: 5 };
      const before = fileTimesAt(b, "refuse");
      const file = denoDisk.open(a);
      await Deno.rename(a, join(dir, "c.txt"));
      await Deno.symlink(b, a);
      assertEquals(setModifiedAt(a, "refuse", file.look().inode, time), false);
      file.setModified(time);
      await Deno.remove(a);
      await Deno.link(b, a);
      assertEquals(setModifiedAt(a, "refuse", file.look().inode, time), false);
      file.setModified(time);
      file.close();
      // The name of the open file is not known any more, so that milliseconds have to do.
      assertEquals(fileTimesAt(join(dir, "c.txt"), "refuse")?.mtimeMs, time.mtimeMs);
      const { mtimeMs, mtimeRestNs } = fileTimesAt(b, "refuse")!;
      assertEquals([mtimeMs, mtimeRestNs], [before?.mtimeMs, before?.mtimeRestNs]);
      assert(!setModifiedAt(join(dir, "nothing"), "refuse", 1, time));
    }),
);
