/** What the C library says of files is what Deno says. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import * as libc from "../../../lib/io/files/libc_files.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const isIgnored = !await canTouchFiles() || libc.statusAt(".", "follow") === undefined;

function libcTest(name: string, body: (dir: string) => void): void {
  Deno.test({ name, ignore: isIgnored, fn: () => withFolder({}, (dir) => body(dir)) });
}

function create(path: string, text: string, mtimeMs: number): void {
  const descriptor = libc.createToWrite(path, 0o640)!;
  const bytes = new TextEncoder().encode(text);
  assertEquals(libc.writeAt(descriptor, bytes, 0), bytes.length);
  assert(libc.setModified(descriptor, { mtimeMs }));
  libc.close(descriptor);
}

libcTest("a file looks the same to both, whatever its time", (dir) => {
  for (const mtimeMs of [0, 1, 999, 1_700_000_000_999, -1, -1_500, -86_400_000]) {
    const path = join(dir, `at ${mtimeMs}`);
    create(path, "abc", mtimeMs);
    const [status, info] = [libc.statusAt(path, "refuse")!, Deno.lstatSync(path)];
    const { mode, sizeBytes, device, inode, linkCount } = status;
    assertEquals(
      [mode, sizeBytes, device, inode, linkCount, status.mtimeMs],
      [info.mode, info.size, info.dev, info.ino, info.nlink, info.mtime?.getTime()],
    );
    assertEquals(Math.floor(status.ctimeMs / 1_000) * 1_000, info.ctime?.getTime());
    assertEquals(status.mtimeMs, mtimeMs);
  }
});

libcTest("links are followed or told apart", (dir) => {
  const [path, link] = [join(dir, "file"), join(dir, "link")];
  create(path, "abc", 0);
  Deno.symlinkSync("file", link);
  assertEquals(libc.statusAt(link, "follow"), libc.statusAt(path, "follow"));
  assertEquals(libc.statusAt(link, "refuse")?.inode, Deno.lstatSync(link).ino);
  assertEquals(libc.openToRead(link, "refuse"), undefined);
});

libcTest("a part of a file is read, and what is there no more is not", (dir) => {
  const path = join(dir, "file");
  create(path, "0123456789", 0);
  const descriptor = libc.openToRead(path, "refuse")!;
  const target = new Uint8Array(4);
  assertEquals([libc.readAt(descriptor, target, 8), [...target.subarray(0, 2)]], [2, [56, 57]]);
  assertEquals(libc.readAt(descriptor, target, 10), 0);
  libc.close(descriptor);
});

libcTest("no path stands for another one that is cut off", (dir) => {
  create(join(dir, "file"), "abc", 0);
  assertEquals(libc.statusAt(`${join(dir, "file")}\0.txt`, "refuse"), undefined);
  assertEquals(libc.statusAt(join(dir, "x".repeat(5_000)), "refuse"), undefined);
  assertEquals(libc.createToWrite(join(dir, "file"), 0o600), undefined);
});
