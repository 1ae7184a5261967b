/** What every disk must do: the platform's in a folder of its own, and the simulation's in memory. */
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path/join";
import { type ErrorCode, ShoalError } from "../../../lib/errors.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import type { Disk } from "../../../lib/io/files/disk.ts";
import { diskError } from "../../../lib/io/files/disk_error.ts";
import { openFileReader } from "../../../lib/io/files/file_reader.ts";
import { FileTarget } from "../../../lib/io/files/file_target.ts";
import { findPresent, removeLeftovers } from "../../../lib/io/files/present_file.ts";
import { makeFolders, type TargetNames, targetNames } from "../../../lib/io/files/target_names.ts";
import { hashHex, type SafeFileName, toHex } from "../../../lib/ids.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { MemoryDisk } from "../../sim/memory_disk.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const isRealIgnored = !await canTouchFiles();
const utf8 = new TextEncoder();

/** Runs `body` once on each kind of disk, in an empty folder. */
function onEveryDisk(what: string, body: (disk: Disk, dir: string) => void | Promise<void>): void {
  Deno.test({
    name: `${what} (platform)`,
    ignore: isRealIgnored,
    fn: () => withFolder({}, (dir) => body(denoDisk, dir)),
  });
  Deno.test(`${what} (memory)`, () => {
    const disk = memoryDisk({});
    disk.makeFolder("/dir");
    return body(disk, "/dir");
  });
}

function memoryDisk(spec: { readonly capacityBytes?: number; readonly failsAtWrite?: number }) {
  return new MemoryDisk({ writeMs: 0, ...spec }, { onWrite() {}, onNamed() {} });
}

function put(disk: Disk, path: string, text: string): void {
  const file = disk.create(path);
  assert(file !== undefined);
  file.writeAt(utf8.encode(text), 0);
  file.close();
}

function textAt(disk: Disk, path: string): string {
  return new TextDecoder().decode(disk.read(path));
}

function codeOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
}

onEveryDisk("a file is created whole, with its time, where its name is free", (disk, dir) => {
  const path = join(dir, "whole");
  assert(disk.createWhole(path, utf8.encode("all of it"), { mtimeMs: 1_234_567_890_123 }));
  assertEquals(textAt(disk, path), "all of it");
  const { signature } = disk.identityAt(path)!;
  assertEquals([signature.sizeBytes, signature.mtimeMs], [9, 1_234_567_890_123]);
  assertEquals(disk.createWhole(path, utf8.encode("another"), { mtimeMs: 0 }), false);
  assertEquals(textAt(disk, path), "all of it");
  const lost = join(dir, "nowhere", "x");
  assertEquals(codeOf(() => disk.createWhole(lost, utf8.encode("x"), { mtimeMs: 0 })), "ENOENT");
});

onEveryDisk("a file is created once, and has nothing in it", (disk, dir) => {
  const path = join(dir, "file");
  disk.create(path)?.close();
  assertEquals(disk.create(path), undefined);
  const look = disk.lookAt(path);
  assertEquals([look?.kind, look?.sizeBytes, look?.linkCount], ["file", 0, 1]);
});

onEveryDisk("bytes written at positions are read back, up to the end", (disk, dir) => {
  const file = disk.create(join(dir, "file"))!;
  file.writeAt(utf8.encode("world"), 6);
  file.writeAt(utf8.encode("hello "), 0);
  const buffer = new Uint8Array(20);
  assertEquals(file.readAt(buffer, 3), 8);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, 8)), "lo world");
  assertEquals(file.readAt(buffer, 99), 0);
  file.truncate(2);
  assertEquals(file.look().sizeBytes, 2);
  file.truncate(4);
  assertEquals(file.readAt(buffer, 0), 4);
  assertEquals(buffer.slice(0, 4), new Uint8Array([104, 101, 0, 0]));
  file.close();
});

onEveryDisk("a gap before what is written is zeros", (disk, dir) => {
  const path = join(dir, "file");
  const file = disk.create(path)!;
  file.writeAt(new Uint8Array([7]), 3);
  file.close();
  assertEquals(disk.read(path), new Uint8Array([0, 0, 0, 7]));
});

onEveryDisk("a lock keeps other handles out until it is closed", (disk, dir) => {
  const path = join(dir, "file");
  const first = disk.create(path)!;
  const second = disk.open(path);
  assert(first.tryLock());
  assert(!second.tryLock());
  first.close();
  assert(second.tryLock());
  second.close();
});

onEveryDisk("a file with two names is one file, and each name goes by itself", (disk, dir) => {
  const [one, two] = [join(dir, "one"), join(dir, "two")];
  put(disk, one, "text");
  assert(disk.link(one, two));
  assertEquals(disk.lookAt(one)?.inode, disk.lookAt(two)?.inode);
  assertEquals(disk.lookAt(two)?.linkCount, 2);
  assert(!disk.link(one, two), "a name that is taken");
  disk.remove(one);
  assertEquals(disk.lookAt(one), undefined);
  assertEquals([textAt(disk, two), disk.lookAt(two)?.linkCount], ["text", 1]);
});

onEveryDisk("a free name is taken in one step, and a taken one never", (disk, dir) => {
  const [one, two, three] = [join(dir, "one"), join(dir, "two"), join(dir, "three")];
  put(disk, one, "text");
  const isRenamed = disk.renameIfFree(one, two);
  assertEquals(isRenamed, Deno.build.os === "linux" && Deno.env.get("SHOAL_TUNE") !== "off");
  if (!isRenamed) return;
  assertEquals([disk.lookAt(one), textAt(disk, two)], [undefined, "text"]);
  put(disk, three, "other");
  assert(!disk.renameIfFree(three, two), "a name that is taken");
  assertEquals([textAt(disk, three), textAt(disk, two)], ["other", "text"]);
  assert(!disk.renameIfFree(one, join(dir, "four")), "nothing to be renamed");
});

onEveryDisk("renaming replaces what has the name", (disk, dir) => {
  const [from, to] = [join(dir, "from"), join(dir, "to")];
  put(disk, from, "new");
  put(disk, to, "old");
  disk.rename(from, to);
  assertEquals([disk.lookAt(from), textAt(disk, to)], [undefined, "new"]);
});

onEveryDisk(
  "folders are made with those above them, and one that is there is fine",
  (disk, dir) => {
    const folder = join(dir, "a/b/c");
    disk.makeFolder(folder);
    disk.makeFolder(folder);
    assertEquals(disk.lookAt(join(dir, "a/b"))?.kind, "folder");
    assert(disk.isFolder(folder));
    put(disk, join(dir, "file"), "");
    assert(!disk.isFolder(join(dir, "file")));
    assertEquals(codeOf(() => disk.makeFolder(join(dir, "file"))), "EEXIST");
  },
);

onEveryDisk(
  "what is not there is ENOENT, or undefined where that is an answer",
  async (disk, dir) => {
    const missing = join(dir, "missing");
    const below = join(dir, "no/folder/file");
    assertEquals(disk.lookAt(missing), undefined);
    assertEquals(disk.identityAt(missing), undefined);
    for (
      const act of [
        () => disk.open(missing),
        () => disk.read(missing),
        () => disk.remove(missing),
        () => disk.rename(missing, join(dir, "other")),
        () => disk.link(missing, join(dir, "other")),
        () => disk.create(below),
        () => disk.realPath(missing),
        () => disk.isFolder(missing),
      ]
    ) {
      assertEquals(codeOf(act), "ENOENT", `${act}`);
    }
    const opened = disk.openRegular(missing, "refuse");
    assertEquals(opened.ok ? undefined : opened.problem, "missing");
    assertEquals(await disk.syncFolder(missing), undefined);
  },
);

onEveryDisk("a regular file is opened for reading, a folder is not", (disk, dir) => {
  put(disk, join(dir, "file"), "some text");
  const opened = disk.openRegular(join(dir, "file"), "refuse");
  assert(opened.ok);
  const target = new Uint8Array(8);
  assertEquals(opened.file.readAt(target, 2, 4, 5), 4);
  assertEquals(new TextDecoder().decode(target.subarray(2, 6)), "text");
  assertEquals(opened.file.readAt(target, 0, 8, 7), 2);
  assertEquals(opened.file.identity(), disk.identityAt(join(dir, "file")));
  opened.file.close();
  const folder = disk.openRegular(dir, "refuse");
  assertEquals(folder.ok ? undefined : folder.problem, "folder");
});

onEveryDisk("a file's identity tells its size and the time that was set", async (disk, dir) => {
  const path = join(dir, "file");
  const file = disk.create(path)!;
  file.writeAt(utf8.encode("12345"), 0);
  file.setModified({ mtimeMs: 1_600_000_000_000 });
  await file.sync();
  file.close();
  const { sizeBytes, mtimeMs } = disk.identityAt(path)!.signature;
  assertEquals([sizeBytes, mtimeMs], [5, 1_600_000_000_000]);
});

// — What is built on it ———————————————————————————————————————————————————————————————————————————

const NAME = "sub/film.bin" as SafeFileName;

function namesIn(disk: Disk, dir: string): TargetNames {
  const folder = makeFolders(disk, dir, NAME);
  return targetNames(disk, folder, "film.bin", "0123abcd");
}

onEveryDisk(
  "a part file is locked, written, published under a free name, and found",
  async (disk, dir) => {
    const names = namesIn(disk, dir);
    put(disk, join(dir, "sub/film.bin"), "mine");
    const target = FileTarget.open(disk, names);
    const busy = assertThrows(() => FileTarget.open(disk, names), ShoalError);
    assertEquals((busy as ShoalError).code, "busy_target");
    target.write(utf8.encode("theirs"), 0);
    await target.seal({ mtimeMs: 1_600_000_000_000 });
    assertEquals(target.publish("number"), join(dir, "sub/film (2).bin"));
    assertEquals(textAt(disk, join(dir, "sub/film.bin")), "mine");
    assertEquals(disk.lookAt(names.partPath), undefined);
    const wanted = { sha256: hashHex(toHex(sha256(utf8.encode("theirs")))), force: false };
    const path = await findPresent(denoClock, disk, names, wanted, new AbortController().signal);
    assertEquals(path, join(dir, "sub/film (2).bin"));
  },
);

onEveryDisk(
  "a part that has a second name is not written through, and leftovers go",
  (disk, dir) => {
    const names = namesIn(disk, dir);
    const target = join(dir, "sub/film.bin");
    put(disk, target, "published");
    disk.link(target, names.partPath);
    put(disk, names.journalPath, "journal");
    const part = FileTarget.open(disk, names);
    assert(part.isFresh);
    part.write(utf8.encode("XXX"), 0);
    part.close();
    assertEquals(textAt(disk, target), "published");
    removeLeftovers(disk, names);
    assertEquals([disk.lookAt(names.partPath), disk.lookAt(names.journalPath)], [
      undefined,
      undefined,
    ]);
  },
);

onEveryDisk("a served file is read while it is what was indexed, and no longer", (disk, dir) => {
  const home = disk.realPath(dir);
  put(disk, join(home, "file"), "content");
  const { signature } = disk.identityAt(join(home, "file"))!;
  const opened = openFileReader(disk, home, "file", signature);
  assert(opened.ok && opened.reader.isUnchanged());
  disk.remove(join(home, "file"));
  put(disk, join(home, "file"), "another");
  assert(!opened.reader.isUnchanged());
  opened.reader.close();
  const other = openFileReader(disk, home, "file", { ...signature, sizeBytes: 99 });
  assertEquals(other.ok ? undefined : other.reason, "changed");
});

// — Failures ——————————————————————————————————————————————————————————————————————————————————————

Deno.test("what the operating system says becomes what a user is told", () => {
  const codes: readonly (readonly [string, ErrorCode])[] = [
    ["ENOSPC", "disk_full"],
    ["EDQUOT", "disk_full"],
    ["EFBIG", "disk_full"],
    ["EACCES", "not_writable"],
    ["EROFS", "not_writable"],
    ["ENOTDIR", "not_writable"],
    ["EEXIST", "not_writable"],
    ["EIO", "disk"],
    ["ENOENT", "disk"],
  ];
  for (const [code, expected] of codes) {
    const error = diskError("cannot write x", Object.assign(new Error("no"), { code }));
    assertEquals([error.code, error.message.startsWith("cannot write x: ")], [expected, true]);
  }
});

Deno.test("a disk in memory that is full keeps what fitted, and one that fails says EIO", () => {
  for (
    const [spec, code, kept] of [
      [{ capacityBytes: 3 }, "disk_full", 3],
      [{ failsAtWrite: 1 }, "disk", 0],
    ] as const
  ) {
    const disk = memoryDisk(spec);
    const names = namesIn(disk, "/dir");
    const target = FileTarget.open(disk, names);
    const error = assertThrows(() => target.write(utf8.encode("12345"), 0), ShoalError);
    assertEquals([(error as ShoalError).code, target.lengthBytes], [code, kept]);
    target.discard();
    assertEquals(disk.paths, []);
  }
});

onEveryDisk(
  "what is examined has a signature if it is a file, which changes with the file",
  (disk, dir) => {
    const path = join(dir, "a.txt");
    assertEquals(disk.examine(path), undefined);
    assertEquals(disk.examine(dir)?.kind, "folder");
    assertEquals(disk.examine(dir)?.signature, undefined);
    put(disk, path, "one");
    const before = disk.examine(path);
    assertEquals([before?.kind, before?.signature?.sizeBytes], ["file", 3]);
    assertEquals(before?.signature, disk.identityAt(path)?.signature);
    disk.remove(path);
    put(disk, path, "longer");
    assertEquals(disk.examine(path)?.signature?.sizeBytes, 6);
  },
);

onEveryDisk("a private folder is made once, and not above others that are missing", (disk, dir) => {
  const path = join(dir, "mine");
  disk.makePrivateFolder(path);
  disk.makePrivateFolder(path);
  assertEquals(disk.examine(path)?.kind, "folder");
  assertEquals(codeOf(() => disk.makePrivateFolder(join(dir, "no", "such"))), "ENOENT");
});

onEveryDisk(
  "the entries of a folder come one by one, and those of none not at all",
  async (disk, dir) => {
    disk.makeFolder(join(dir, "sub"));
    put(disk, join(dir, "a"), "");
    put(disk, join(dir, "sub", "b"), "");
    const entries = await Array.fromAsync(disk.entriesIn(dir));
    entries.sort((a, b) => a.name < b.name ? -1 : 1);
    assertEquals(entries, [
      { name: "a", isFolder: false, isLink: false },
      { name: "sub", isFolder: true, isLink: false },
    ]);
    for (const [path, code] of [["gone", "ENOENT"], ["a", "ENOTDIR"]] as const) {
      const failed = await Array.fromAsync(disk.entriesIn(join(dir, path))).catch((error) => error);
      assertEquals(failed.code, code);
    }
  },
);

onEveryDisk(
  "whoever watches a folder is hinted at what comes into it, until he does not",
  async (disk, dir) => {
    disk.makeFolder(join(dir, "sub"));
    const hinted = Promise.withResolvers<void>();
    let hints = 0;
    const stop = disk.watch(dir, () => {
      hints += 1;
      hinted.resolve();
    });
    put(disk, join(dir, "sub", "a"), "");
    await hinted.promise;
    stop();
    const before = hints;
    put(disk, join(dir, "sub", "b"), "");
    assertEquals(hints, before);
  },
);
