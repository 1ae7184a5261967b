import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import type { Bytes, FileSignature } from "../../../lib/ids.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import type { OpenedContent } from "../../../lib/io/files/content_reader.ts";
import { openFileReader } from "../../../lib/io/files/file_reader.ts";
import {
  identityAt,
  millisecondsOf,
  signatureAt as seenAt,
} from "../../../lib/io/files/regular_file.ts";
import { withFolder } from "../../support/folder.ts";
import { canRun, canTouchFiles, isRoot } from "../../support/permissions.ts";

const ignore = !await canTouchFiles();

function signatureAt(dir: string, name: string): FileSignature {
  const identity = identityAt(join(dir, name));
  assert(identity !== undefined, `${name} should exist`);
  return identity.signature;
}

function reasonOf(opened: OpenedContent): string {
  if (opened.ok) opened.reader.close();
  return opened.ok ? "opened" : opened.reason;
}

Deno.test("a time that no Date holds is told as 1970, and one before that as it is", () => {
  assertEquals([new Date(NaN), null].map(millisecondsOf), [0, 0]);
  assertEquals([new Date(-1), new Date(1.5)].map(millisecondsOf), [-1, 1]);
});

Deno.test(
  { name: "a file from before 1970 looks the same whoever looks", ignore },
  () =>
    withFolder({ "a.txt": "old" }, (dir) => {
      const path = join(dir, "a.txt");
      for (const seconds of [-446_751_899.75, -0.001, -1]) {
        Deno.utimeSync(path, seconds, seconds);
        const { mtimeMs } = seenAt(path, Deno.lstatSync(path));
        assertEquals([mtimeMs, identityAt(path)?.signature.mtimeMs], [
          seconds * 1000,
          seconds * 1000,
        ]);
      }
    }),
);

Deno.test(
  { name: "an indexed file is read at any position, and no further than its end", ignore },
  () =>
    withFolder({ "a.txt": "hello shoal" }, (dir) => {
      const opened = openFileReader(denoDisk, dir, "a.txt", signatureAt(dir, "a.txt"));
      assert(opened.ok);
      const target: Bytes = new Uint8Array(16);
      assertEquals(opened.reader.readAt(target, 2, 5, 6), 5);
      assertEquals(new TextDecoder().decode(target.subarray(2, 7)), "shoal");
      assertEquals(target[7], 0);
      assertEquals(opened.reader.readAt(target, 0, 16, 9), 2);
      assertEquals(opened.reader.readAt(target, 0, 16, 11), 0);
      assert(opened.reader.isUnchanged());
      opened.reader.close();
    }),
);

Deno.test(
  {
    name:
      "a file that grew, was touched, replaced, written in place or deleted is not what was indexed",
    ignore,
  },
  () =>
    withFolder(
      { grown: "1", touched: "2", replaced: "3", rewritten: "6", deleted: "4", swapped: "5" },
      async (dir) => {
        const signatures = Object.fromEntries(
          ["grown", "touched", "replaced", "rewritten", "deleted", "swapped"].map((
            name,
          ) => [name, signatureAt(dir, name)]),
        );
        const readers = Object.entries(signatures).map(([name, signature]) => {
          const opened = openFileReader(denoDisk, dir, name, signature);
          assert(opened.ok);
          return opened.reader;
        });
        await Deno.writeTextFile(join(dir, "grown"), "more", { append: true });
        await Deno.utime(join(dir, "touched"), 1, 1);
        await replaceKeepingTime(dir, "replaced", signatures["replaced"]!);
        await rewriteKeepingTime(dir, "rewritten", signatures["rewritten"]!);
        await Deno.remove(join(dir, "deleted"));
        await Deno.remove(join(dir, "swapped"));
        await Deno.mkdir(join(dir, "swapped"));
        for (const reader of readers) {
          assert(!reader.isUnchanged());
          reader.close();
        }
        const reopened = Object.entries(signatures).map(([name, signature]) =>
          reasonOf(openFileReader(denoDisk, dir, name, signature))
        );
        assertEquals(reopened, ["changed", "changed", "changed", "changed", "missing", "changed"]);
      },
    ),
);

/** Other bytes of the same length, and the time put back: only the change time tells. */
async function rewriteKeepingTime(dir: string, name: string, signature: FileSignature) {
  const path = join(dir, name);
  do {
    // The file system's clock has ticks, of milliseconds; where only whole seconds are told, of those.
    await new Promise((resolve) => setTimeout(resolve, 10));
    await Deno.writeTextFile(path, "x".repeat(signature.sizeBytes), { create: false });
    const file = denoDisk.open(path);
    file.setModified(signature);
    file.close();
  } while (signatureAt(dir, name).ctimeMs === signature.ctimeMs);
  assertEquals({ ...signatureAt(dir, name), ctimeMs: 0 }, { ...signature, ctimeMs: 0 });
}

/** Another file of the same size and time takes the name: the inode tells, too. */
async function replaceKeepingTime(dir: string, name: string, signature: FileSignature) {
  const other = join(dir, `${name}.new`);
  await Deno.writeTextFile(other, "x".repeat(signature.sizeBytes));
  await Deno.utime(other, signature.mtimeMs / 1000, signature.mtimeMs / 1000);
  await Deno.rename(other, join(dir, name));
}

Deno.test(
  { name: "links are followed inside the folder and nowhere else", ignore },
  () =>
    withFolder({ "served/file": "inside", "secret": "outside" }, async (root) => {
      const dir = join(root, "served");
      await Deno.symlink("file", join(dir, "inner"));
      await Deno.symlink("../secret", join(dir, "outer"));
      await Deno.symlink("..", join(dir, "up"));
      await Deno.symlink("nowhere", join(dir, "dangling"));
      assertEquals(
        reasonOf(openFileReader(denoDisk, dir, "inner", signatureAt(dir, "file"))),
        "opened",
      );
      const secret = signatureAt(root, "secret");
      assertEquals(reasonOf(openFileReader(denoDisk, dir, "outer", secret)), "changed");
      assertEquals(reasonOf(openFileReader(denoDisk, dir, "up/secret", secret)), "changed");
      assertEquals(reasonOf(openFileReader(denoDisk, dir, "dangling", secret)), "missing");
    }),
);

Deno.test(
  { name: "a file whose folder was swapped for a link to elsewhere is not opened", ignore },
  () =>
    withFolder({ "served/sub/file": "inside", "elsewhere/file": "secret" }, async (root) => {
      const dir = join(root, "served");
      const opened = openFileReader(denoDisk, dir, "sub/file", signatureAt(dir, "sub/file"));
      assert(opened.ok);
      await Deno.rename(join(dir, "sub"), join(root, "moved"));
      await Deno.symlink(join(root, "elsewhere"), join(dir, "sub"));
      assert(!opened.reader.isUnchanged());
      opened.reader.close();
      const signature = signatureAt(root, "elsewhere/file");
      assertEquals(reasonOf(openFileReader(denoDisk, dir, "sub/file", signature)), "changed");
    }),
);

Deno.test({
  name: "a FIFO that took the name of a file is refused at once",
  ignore: ignore || !await canRun("mkfifo"),
}, () =>
  withFolder({ pipe: "was a file" }, async (dir) => {
    const signature = signatureAt(dir, "pipe");
    await Deno.remove(join(dir, "pipe"));
    await new Deno.Command("mkfifo", { args: [join(dir, "pipe")] }).output();
    assertEquals(reasonOf(openFileReader(denoDisk, dir, "pipe", signature)), "changed");
  }));

Deno.test({
  name: "a file that may not be read is unreadable (skipped for root, whom modes do not stop)",
  ignore: ignore || await isRoot(),
}, () =>
  withFolder({ locked: "x" }, async (dir) => {
    const signature = signatureAt(dir, "locked");
    await Deno.chmod(join(dir, "locked"), 0);
    assertEquals(reasonOf(openFileReader(denoDisk, dir, "locked", signature)), "unreadable");
  }));
