import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ShoalError } from "../../../lib/errors.ts";
import type { SafeFileName } from "../../../lib/ids.ts";
import { FileTarget } from "../../../lib/io/files/file_target.ts";
import { portableComponent } from "../../../lib/io/files/portable_names.ts";
import { TargetFolders } from "../../../lib/io/files/target_folders.ts";
import type { TargetNames } from "../../../lib/io/files/target_names.ts";
import type { Disk } from "../../../lib/io/files/disk.ts";
import { foldingDisk } from "../../support/folding_disk.ts";

const TAG = "01234567";

function names(disk: Disk, name: string, portableNames = false): TargetNames {
  return new TargetFolders(disk, { portableNames }).open("/out", name as SafeFileName, TAG).names;
}

const utf8 = new TextEncoder();
const PICKY = { refuses: [[/[<>:"|?*]/, "ENOENT"]] } as const;

/** As docs/PROTOCOL.md says that it is read. */
function originalOf(portable: string): string {
  return portable.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

Deno.test("a portable name has nothing that a file system refuses, and other names stay as they are", () => {
  const names = [
    ["a:b?.txt", "a%3Ab%3F.txt"],
    ['<"|*>', "%3C%22%7C%2A%3E"],
    ["ends. ", "ends.%20"],
    ["ends.", "ends%2E"],
    ["100%", "100%"],
    ["50%25", "50%2525"],
    ["%%3A", "%%253A"],
    ["plain (2).tar.gz", "plain (2).tar.gz"],
    ["caf\u00e9", "caf\u00e9"],
  ] as const;
  for (const [name, portable] of names) {
    assertEquals(portableComponent(name), portable);
    assertEquals(originalOf(portable), name);
  }
});

Deno.test("the name can be read from a portable one that was not cut", () => {
  const part = fc.string({
    unit: fc.constantFrom(..."%:?<3A25afé. ") as fc.Arbitrary<string>,
    minLength: 1,
    maxLength: 40,
  });
  fc.assert(fc.property(part, (name) => {
    const portable = portableComponent(name);
    assert(!/[<>:"|?*\\]|[. ]$/.test(portable), portable);
    assertEquals(originalOf(portable), name);
  }));
});

Deno.test("names that get too long are cut, keep their extension, and are told apart", () => {
  const names = [1, 2].map((end) => `${":".repeat(200)}${end}.txt`);
  const portable = names.map((name) => portableComponent(name));
  assert(portable.every((name) => utf8.encode(name).length <= 255 && name.endsWith(".txt")));
  assert(portable[0] !== portable[1]);
});

Deno.test("a name that the disk refuses is said to be that, and what to do", () => {
  const disk = foldingDisk(PICKY);
  for (const name of ["a:b", "sub?/file", "sub/file*"]) {
    const error = assertThrows(
      () => FileTarget.open(disk, names(disk, name)),
      ShoalError,
      "cannot hold the name",
    ) as ShoalError;
    assertEquals([error.code, error.exitCode], ["unnameable", 5]);
    assert(error.hint.includes("--portable-names"), error.hint);
  }
});

Deno.test("with portable names it is written, folders included", async () => {
  const disk = foldingDisk(PICKY);
  const target = FileTarget.open(disk, names(disk, "sub?/a:b", true));
  await target.seal({ mtimeMs: 0 });
  assertEquals(target.publish("number"), "/out/sub%3F/a%3Ab");
});

Deno.test("where names may be less long than here, a part file's is cut, and so are portable ones", async () => {
  const disk = foldingDisk({ refuses: [[/^.{144,}$/, "ENAMETOOLONG"]] });
  const fits = "f".repeat(143) as SafeFileName;
  const target = FileTarget.open(disk, names(disk, fits));
  await target.seal({ mtimeMs: 0 });
  assertEquals(target.publish("number"), `/out/${fits}`);

  const long = `${"l".repeat(196)}.txt` as SafeFileName;
  const error = assertThrows(
    () => names(disk, long),
    ShoalError,
    "too long",
  ) as ShoalError;
  assertEquals(error.code, "unnameable");
  const cut = names(disk, long, true);
  assert(cut.base.endsWith(".txt") && cut.base.length <= 128, cut.base);
  FileTarget.open(disk, cut).close();
});
