import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path/join";
import { hashHex, type SafeFileName, toHex } from "../../../lib/ids.ts";
import { type ErrorCode, ShoalError } from "../../../lib/errors.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { FileTarget } from "../../../lib/io/files/file_target.ts";
import { findPresent, removeLeftovers } from "../../../lib/io/files/present_file.ts";
import {
  numberedNames,
  type TargetNames,
  targetNames,
} from "../../../lib/io/files/target_names.ts";
import { TargetFolders } from "../../../lib/io/files/target_folders.ts";
import { isPartName } from "../../../lib/names.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { withFolder } from "../../support/folder.ts";
import { canRun, canTouchFiles, isRoot } from "../../support/permissions.ts";

const TAG = "0123abcd";
const NEVER = new AbortController().signal;
const utf8 = new TextEncoder();
const ignore = !await canTouchFiles();
const hasMkfifo = await canRun("mkfifo");
const canAskSpace =
  (await Deno.permissions.query({ name: "sys", kind: "statfs" })).state === "granted";
const isBoundByModes = !await isRoot();

function inFolder(
  name: string,
  files: Readonly<Record<string, string>>,
  body: (dir: string) => void | Promise<void>,
  options: { readonly ignore?: boolean } = {},
): void {
  Deno.test({
    name,
    ignore: ignore || (options.ignore ?? false),
    fn: () => withFolder(files, body),
  });
}

function names(dir: string, name = "film.bin"): TargetNames {
  const place = new TargetFolders(denoDisk).open(dir, name as SafeFileName, TAG);
  place.close();
  return place.names;
}

function namesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map((entry) => entry.name).sort();
}

function assertFails(code: ErrorCode, message: string, act: () => unknown): void {
  const error = assertThrows(act, ShoalError, message);
  assert(error instanceof ShoalError);
  assertEquals(error.code, code);
}

async function published(target: FileTarget, text: string, force = false): Promise<string> {
  target.write(utf8.encode(text), 0);
  await target.seal({ mtimeMs: 1_600_000_000_000 });
  return target.publish(force ? "replace" : "number");
}

function findText(dir: string, text: string, force = false): Promise<string | undefined> {
  const bytes = utf8.encode(text);
  const digest = hashHex(toHex(sha256(bytes)));
  return findPresent(
    denoClock,
    denoDisk,
    names(dir),
    { sha256: digest, sizeBytes: bytes.length, force },
    NEVER,
  );
}

// — Names —————————————————————————————————————————————————————————————————————————————————————————

Deno.test("numbers go before the extension, and a dot-file has none", () => {
  const second = (base: string): string | undefined => [...numberedNames(base)][1];
  assertEquals(second("a.txt"), "a (2).txt");
  assertEquals(second("a.tar.gz"), "a.tar (2).gz");
  assertEquals(second("plain"), "plain (2)");
  assertEquals(second(".profile"), ".profile (2)");
});

Deno.test("a numbered name is cut between characters to fit a folder", () => {
  const base = "é".repeat(125) + ".text";
  for (const name of numberedNames(base)) {
    assert(utf8.encode(name).length <= 255, name);
    assert(!name.includes("\ufffd") && name.isWellFormed() && name.endsWith(".text"), name);
  }
});

Deno.test("a long name with its last dot near the start has numbered names that fit, too", () => {
  const base = "a." + "b".repeat(253);
  const names = [...numberedNames(base)];
  assertEquals(names[1], "a." + "b".repeat(249) + " (2)");
  assert(names.every((name) => utf8.encode(name).length <= 255));
  assertEquals(new Set(names).size, names.length);
});

inFolder(
  "names that are equal as far as a part file can carry them have two part files",
  {},
  (dir) => {
    const [one, two] = ["1", "2"].map((end) => names(dir, "x".repeat(254) + end));
    assert(one!.partPath !== two!.partPath);
    assertEquals(names(dir, "x".repeat(254) + "1").partPath, one!.partPath);
  },
);

inFolder("part and journal of a name of 255 bytes fit their folder", {}, (dir) => {
  for (const base of ["é".repeat(125) + ".text", "x".repeat(255), "🐟".repeat(63) + "abc"]) {
    const target = FileTarget.open(denoDisk, names(dir, base));
    const journal = target.names.journalPath.slice(dir.length + 1);
    assert(utf8.encode(journal).length <= 255);
    assert(journal.isWellFormed() && isPartName(journal) && isPartName(journal.slice(0, -8)));
    target.discard();
  }
});

inFolder("folders are made as the name needs them", {}, (dir) => {
  const { folder, base, partPath } = names(join(dir, "new/out"), "a/b/c.txt");
  assertEquals([folder, base], [join(dir, "new/out/a/b"), "c.txt"]);
  assertEquals(partPath, join(folder, `c.txt.${TAG}.part`));
  assert(Deno.statSync(folder).isDirectory);
});

inFolder("a file where a folder is needed is named", { "out": "", "b/sub": "" }, (dir) => {
  assertFails("not_writable", "out is not a folder", () => names(join(dir, "out")));
  assertFails("not_writable", "sub is not a folder", () => names(join(dir, "b"), "sub/x"));
});

inFolder("a link may lead around inside the folder, not out of it", { "other/x": "" }, (dir) => {
  const out = join(dir, "out");
  Deno.mkdirSync(join(out, "real"), { recursive: true });
  Deno.symlinkSync(join(out, "real"), join(out, "inside"));
  Deno.symlinkSync(join(dir, "other"), join(out, "outside"));
  Deno.symlinkSync(join(dir, "nowhere"), join(out, "dangling"));
  assertEquals(names(out, "inside/a").folder, join(out, "inside"));
  assertFails("not_writable", "leads out of", () => names(out, "outside/a"));
  assertFails("not_writable", "leads out of", () => names(out, "outside/deeper/a"));
  assertFails("not_writable", "is not a folder", () => names(out, "dangling/a"));
  assertEquals(namesIn(join(dir, "other")), ["x"]);
});

// — The part file —————————————————————————————————————————————————————————————————————————————————

inFolder("what is written at positions is read back, up to the end", {}, (dir) => {
  const target = FileTarget.open(denoDisk, names(dir));
  target.write(utf8.encode("world"), 6);
  target.write(utf8.encode("hello "), 0);
  const buffer = new Uint8Array(20);
  assertEquals(target.read(buffer, 3), 8);
  assertEquals(new TextDecoder().decode(buffer.subarray(0, 8)), "lo world");
  target.clear();
  assertEquals(target.read(buffer, 0), 0);
  target.discard();
  assertEquals(namesIn(dir), []);
});

inFolder("one writer at a time, and the next as soon as the first is gone", {}, (dir) => {
  const first = FileTarget.open(denoDisk, names(dir));
  assert(first.isFresh);
  assertFails("busy_target", "film.bin", () => FileTarget.open(denoDisk, names(dir)));
  first.write(utf8.encode("kept"), 0);
  first.close();
  const second = FileTarget.open(denoDisk, names(dir));
  assertEquals(second.isFresh, false);
  assertEquals(second.read(new Uint8Array(9), 0), 4);
  second.discard();
});

inFolder("another content of the same name has a part of its own", {}, (dir) => {
  const one = FileTarget.open(denoDisk, names(dir));
  const other = FileTarget.open(
    denoDisk,
    targetNames(denoDisk, dir, "film.bin", "ffffffff"),
  );
  one.discard();
  other.discard();
});

inFolder("a link in place of the part is refused, what it leads to untouched", {
  "precious": "precious",
}, (dir) => {
  const { partPath } = names(dir);
  Deno.symlinkSync(join(dir, "precious"), partPath);
  assertFails("not_writable", "not a file", () => FileTarget.open(denoDisk, names(dir)));
  assertEquals(Deno.readTextFileSync(join(dir, "precious")), "precious");
});

inFolder("a part that was published already is never written through", {}, async (dir) => {
  const { partPath } = names(dir);
  const path = await published(FileTarget.open(denoDisk, names(dir)), "the file");
  Deno.linkSync(path, partPath);
  const target = FileTarget.open(denoDisk, names(dir));
  assert(target.isFresh);
  target.write(utf8.encode("XXX"), 0);
  target.discard();
  assertEquals(Deno.readTextFileSync(path), "the file");
});

inFolder("a folder that may not be written to is not writable", {}, (dir) => {
  Deno.chmodSync(dir, 0o555);
  try {
    assertFails("not_writable", "cannot write", () => FileTarget.open(denoDisk, names(dir)));
  } finally {
    Deno.chmodSync(dir, 0o755);
  }
}, { ignore: !isBoundByModes });

inFolder("more than the disk has room for is refused with both sizes", {}, (dir) => {
  const target = FileTarget.open(denoDisk, names(dir));
  target.requireSpace(1);
  assertFails("disk_full", "B free and the file needs", () => target.requireSpace(2 ** 60));
  target.discard();
}, { ignore: !canAskSpace });

// — Publishing ————————————————————————————————————————————————————————————————————————————————————

inFolder("a published file has its name and its time, and its part is gone", {}, async (dir) => {
  const path = await published(FileTarget.open(denoDisk, names(dir)), "text");
  assertEquals(path, join(dir, "film.bin"));
  assertEquals(Deno.readTextFileSync(path), "text");
  assertEquals(Deno.statSync(path).mtime?.getTime(), 1_600_000_000_000);
  assertEquals(namesIn(dir), ["film.bin"]);
});

inFolder("what has the name stays, and the first free number is taken", {
  "film.bin": "mine",
  "film (2).bin": "mine too",
}, async (dir) => {
  const path = await published(FileTarget.open(denoDisk, names(dir)), "theirs");
  assertEquals(path, join(dir, "film (3).bin"));
  assertEquals(Deno.readTextFileSync(join(dir, "film.bin")), "mine");
  assertEquals(Deno.readTextFileSync(join(dir, "film (2).bin")), "mine too");
});

inFolder("with force the file of that name is replaced", { "film.bin": "old" }, async (dir) => {
  const path = await published(FileTarget.open(denoDisk, names(dir)), "new", true);
  assertEquals(path, join(dir, "film.bin"));
  assertEquals(Deno.readTextFileSync(path), "new");
  assertEquals(namesIn(dir), ["film.bin"]);
});

inFolder("with force a link is replaced and what it leads to stays", {
  "precious": "precious",
}, async (dir) => {
  Deno.symlinkSync(join(dir, "precious"), join(dir, "film.bin"));
  await published(FileTarget.open(denoDisk, names(dir)), "new", true);
  assert(Deno.lstatSync(join(dir, "film.bin")).isFile);
  assertEquals(Deno.readTextFileSync(join(dir, "precious")), "precious");
});

inFolder("a time that no disk can hold does not cost the file", {}, async (dir) => {
  for (const mtimeMs of [2 ** 63, -1, NaN]) {
    const target = FileTarget.open(denoDisk, names(dir));
    await target.seal({ mtimeMs });
    target.publish("replace");
    assertEquals(namesIn(dir), ["film.bin"]);
  }
});

inFolder("a time before 1970 is kept", {}, async (dir) => {
  const target = FileTarget.open(denoDisk, names(dir));
  await target.seal({ mtimeMs: -631_152_000_877 });
  target.publish("number");
  assertEquals(Deno.statSync(join(dir, "film.bin")).mtime?.getTime(), -631_152_000_877);
});

// — What is there already ——————————————————————————————————————————————————————————————————————————

inFolder("an identical file is found under its name or a numbered one", {
  "film.bin": "other",
  "film (2).bin": "equal",
}, async (dir) => {
  assertEquals(await findText(dir, "other"), join(dir, "film.bin"));
  assertEquals(await findText(dir, "equal"), join(dir, "film (2).bin"));
  assertEquals(await findText(dir, "fresh"), undefined);
  assertEquals(await findText(dir, "longer than those"), undefined);
});

inFolder("with force only the name itself counts", {
  "film.bin": "other",
  "film (2).bin": "equal",
}, async (dir) => {
  assertEquals(await findText(dir, "equal", true), undefined);
  assertEquals(await findText(dir, "other", true), join(dir, "film.bin"));
});

inFolder("where the size is not known every file of the name is compared", {
  "film.bin": "equal",
}, async (dir) => {
  const wanted = { sha256: hashHex(toHex(sha256(utf8.encode("equal")))), force: false };
  assertEquals(
    await findPresent(denoClock, denoDisk, names(dir), wanted, NEVER),
    join(dir, "film.bin"),
  );
});

inFolder("a link to an identical file is not the file", { "elsewhere": "equal" }, async (dir) => {
  Deno.symlinkSync(join(dir, "elsewhere"), join(dir, "film.bin"));
  assertEquals(await findText(dir, "equal"), undefined);
});

inFolder("a folder that has the name is an error", {}, async (dir) => {
  Deno.mkdirSync(join(dir, "film.bin"));
  const error = await findText(dir, "x").catch((thrown: unknown) => thrown);
  assert(error instanceof ShoalError && error.code === "not_writable");
  assertEquals(error.message, `${join(dir, "film.bin")} is a folder`);
});

inFolder("a FIFO that has the name is an error and not waited for", {}, async (dir) => {
  await new Deno.Command("mkfifo", { args: [join(dir, "film.bin")] }).output();
  const error = await findText(dir, "x", true).catch((thrown: unknown) => thrown);
  assert(error instanceof ShoalError && error.code === "not_writable");
}, { ignore: !hasMkfifo });

inFolder(
  "looking ends when nobody wants to know any more",
  { "film.bin": "equal" },
  async (dir) => {
    const wanted = { sha256: hashHex(toHex(sha256(utf8.encode("equal")))), force: false };
    assertEquals(
      await findPresent(denoClock, denoDisk, names(dir), wanted, AbortSignal.abort()),
      undefined,
    );
  },
);

inFolder("what an earlier run left of a present file goes, unless somebody writes it", {
  "film.bin": "whole",
}, (dir) => {
  const { partPath, journalPath } = names(dir);
  const writer = FileTarget.open(denoDisk, names(dir));
  Deno.writeTextFileSync(journalPath, "journal");
  removeLeftovers(denoDisk, names(dir));
  assertEquals(namesIn(dir).length, 3);
  writer.close();
  assert(Deno.lstatSync(partPath).isFile);
  removeLeftovers(denoDisk, names(dir));
  assertEquals(namesIn(dir), ["film.bin"]);
});
