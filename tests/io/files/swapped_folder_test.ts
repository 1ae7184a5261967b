/** Somebody on the same machine puts a link in the place of a folder while files are written into it. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path/join";
import { ShoalError } from "../../../lib/errors.ts";
import type { SafeFileName } from "../../../lib/ids.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { FileTarget } from "../../../lib/io/files/file_target.ts";
import { inspectFile, scanFolder } from "../../../lib/io/files/folder_scan.ts";
import { JournalFile } from "../../../lib/io/files/journal_file.ts";
import { TargetFolders } from "../../../lib/io/files/target_folders.ts";
import { TransferFiles } from "../../../lib/io/files/transfer_files.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { encodeJournal } from "../../../lib/protocol/download/journal.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";
import { namesBelow, swapping } from "../../support/folder_swap.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

const ignore = !await canTouchFiles() || Deno.build.os !== "linux";
const canRace = !ignore &&
  (await Deno.permissions.query({ name: "run", command: "sh" })).state === "granted";
const RACE_MS = 3_000;
const ROOT_HEX = "0".repeat(64);

/** Stores a file as an upload is stored: from a part elsewhere in the folder. */
function store(dir: string, name: string, beforePublishing = () => {}): void {
  const folders = new TargetFolders(denoDisk);
  const from = folders.open(dir, `${name.replaceAll("/", "-")}` as SafeFileName, "00000000");
  try {
    const target = FileTarget.open(from.disk, from.names);
    try {
      target.write(new Uint8Array(10), 0);
      const to = folders.open(dir, name as SafeFileName, "00000000");
      try {
        beforePublishing();
        const { base } = to.names;
        to.disk.change((folder) => target.publish("number", { folder, base }));
      } finally {
        to.close();
      }
    } finally {
      target.discard();
    }
  } finally {
    from.close();
  }
}

/** Puts a link to `outside` in the place of `sub`, which is called `moved` from then on. */
function swap(root: string): void {
  Deno.renameSync(join(root, "served/sub"), join(root, "served/moved"));
  Deno.symlinkSync(join(root, "outside"), join(root, "served/sub"));
}

Deno.test(
  { name: "a folder that is swapped for a link before the file has its name", ignore },
  () =>
    withFolder({ "served/sub/a": "a", "outside/b": "b" }, (root) => {
      const served = join(root, "served");
      store(served, "sub/new", () => swap(root));
      assertEquals(namesBelow(join(root, "outside")), ["b"]);
      // It is in the folder that was meant, whatever that is called now.
      assertEquals(namesBelow(join(served, "moved")).sort(), ["a", "new"]);
      assertThrows(() => store(served, "sub/later"), ShoalError, "leads out");
      assertThrows(() => store(served, "sub/deeper/later"), ShoalError, "leads out");
      assertEquals(namesBelow(join(root, "outside")), ["b"]);
    }),
);

const file = mixedFile(300_000);
const { root: contentRoot, layer } = hashed(file);
const CONTENT = { sizeBytes: file.length, sha256: ROOT_HEX, root: contentRoot } as Parameters<
  TransferFiles["open"]
>[0];

/** The steps of a download, and what is in the folder after each. */
const STEPS: readonly (readonly [string, (files: TransferFiles) => unknown, readonly string[]])[] =
  [
    ["part", (files) => files.open(CONTENT), ["part"]],
    ["journal", (files) => {
      files.begin(false, 1);
      files.createJournal(CONTENT, { layer, written: new Bitmap(5) });
    }, ["journal", "part"]],
    ["data", (files) => files.write(file, 0), ["journal", "part"]],
    ["name", (files) => files.publish("number"), ["journal", "new"]],
    ["journal's removal", (files) => files.removeJournal(), ["new"]],
  ];

for (const [swappedBefore] of [...STEPS, ["end"] as const]) {
  Deno.test({
    name: `a download's folder that is swapped for a link before its ${swappedBefore}`,
    ignore,
  }, () =>
    withFolder({ "served/sub/a": "a", "outside/b": "b" }, (root) => {
      const place = new TargetFolders(denoDisk)
        .open(join(root, "served"), "sub/new" as SafeFileName, "00000000");
      const files = new TransferFiles(place, { sparse: false });
      let folder = "served/sub";
      for (const [step, perform, left] of STEPS) {
        if (step === swappedBefore) {
          swap(root);
          folder = "served/moved";
        }
        perform(files);
        const kinds = namesBelow(join(root, folder)).map((name) => name.split(".").pop()!);
        assertEquals(kinds.sort(), ["a", ...left], step);
      }
      files.release();
      assertEquals(namesBelow(join(root, "outside")), ["b"]);
    }));
}

Deno.test({
  name: "a part and a journal that are given up leave what lies where a link leads",
  ignore,
}, () =>
  withFolder({ "served/sub/a": "a", "outside/b": "b" }, (root) => {
    const place = new TargetFolders(denoDisk)
      .open(join(root, "served"), "sub/new" as SafeFileName, "00000000");
    const files = new TransferFiles(place, { sparse: false });
    files.open(CONTENT);
    files.createJournal(CONTENT, { layer, written: new Bitmap(5) });
    swap(root);
    const { partPath, journalPath } = place.names;
    Deno.writeTextFileSync(partPath, "precious");
    Deno.writeTextFileSync(journalPath, "precious");
    files.close(false, undefined);
    files.release();
    assertEquals(namesBelow(join(root, "served/moved")), ["a"]);
    for (const path of [partPath, journalPath]) {
      assertEquals(Deno.readTextFileSync(path), "precious");
    }
  }));

Deno.test({
  name: "files that are written at once share their folder, and one made anew in its place is used",
  ignore,
}, () =>
  withFolder({ "out/sub/a": "a" }, (root) => {
    const folders = new TargetFolders(denoDisk);
    const open = (name: string) => folders.open(join(root, "out"), name as SafeFileName, "0");
    const [one, two] = [open("sub/one"), open("sub/two")];
    assert(one.disk === two.disk);
    one.close();
    one.close();
    FileTarget.open(two.disk, two.names).close();
    Deno.removeSync(join(root, "out/sub"), { recursive: true });
    const three = open("sub/three");
    assert(three.disk !== two.disk);
    FileTarget.open(three.disk, three.names).close();
    two.close();
    assertEquals(namesBelow(join(root, "out/sub")), ["three.0.part"]);
    three.close();
    assertThrows(() => three.disk.lookAt(three.names.partPath), Error, "not open");
  }));

Deno.test({
  name: "an error tells of the path that the user knows",
  ignore,
}, () =>
  withFolder({ "out/sub/film.0.part/x": "" }, (root) => {
    const place = new TargetFolders(denoDisk)
      .open(join(root, "out"), "sub/film" as SafeFileName, "0");
    const { partPath } = place.names;
    assertThrows(() => FileTarget.open(place.disk, place.names), ShoalError, partPath);
    const error = assertThrows(() => place.disk.remove(partPath), Error, partPath);
    assert(!String(error).includes("/proc/"), String(error));
    place.close();
  }));

Deno.test({
  name: "a journal that has become a link, or has another name, is left alone",
  ignore,
}, () =>
  withFolder({}, (root) => {
    const bytes = encodeJournal(CONTENT, { layer, written: new Bitmap(5) });
    Deno.writeFileSync(join(root, "precious"), bytes);
    Deno.symlinkSync(join(root, "precious"), join(root, "link"));
    assertThrows(() => denoDisk.open(join(root, "link")), Error, "is a link");
    Deno.linkSync(join(root, "precious"), join(root, "second"));
    assertEquals(JournalFile.resume(denoDisk, join(root, "second"), CONTENT), undefined);
  }));

Deno.test({
  name: "a scan looks at what is in the folder that it has entered, whatever is put in its place",
  ignore,
}, () =>
  withFolder({
    "served/sub/a": "inside",
    "served/sub/b": "inside",
    "served/tub/c": "inside",
    "outside/b": "outside, and longer",
    "outside/c": "outside, and longer",
  }, async (root) => {
    const served = join(root, "served");
    const scan = scanFolder({
      ...{
        clock: denoClock,
        disk: denoDisk,
        dir: served,
        hidden: false,
        signal: new AbortController().signal,
      },
      isKnown: () => false,
      onLeftOut: () => {},
      onHidden: () => {},
    });
    const found: string[] = [];
    for await (const { name, signature } of scan) {
      found.push(`${name} ${signature.sizeBytes}`);
      if (name !== "sub/a") continue;
      swap(root);
      Deno.removeSync(join(served, "tub"), { recursive: true });
      Deno.symlinkSync(join(root, "outside"), join(served, "tub"));
    }
    assertEquals(found, ["sub/a 6", "sub/b 6"]);
    const { kind } = inspectFile(denoDisk, served, "sub/b" as SafeFileName);
    assertEquals(kind, "nothing");
  }));

Deno.test(
  { name: "a link that stays inside is a folder like others", ignore },
  () =>
    withFolder({ "served/real/a": "a" }, (root) => {
      const served = join(root, "served");
      Deno.symlinkSync("real", join(served, "alias"));
      store(served, "alias/x/new");
      assertEquals(namesBelow(join(served, "real")).sort(), ["a", "new", "x"]);
    }),
);

Deno.test({
  name: "a folder that is swapped for a link and back as fast as can be",
  ignore: !canRace,
}, () =>
  withFolder({ "served/sub/a": "a", "outside/b": "b" }, async (root) => {
    const served = join(root, "served");
    let [stored, refused] = [0, 0];
    await swapping(served, "sub", "../outside", () => {
      const endMs = performance.now() + RACE_MS;
      for (let i = 0; performance.now() < endMs; i++) {
        try {
          store(served, i % 2 === 0 ? `sub/${i}` : `sub/deep-${i}/x`);
          stored += 1;
        } catch (error) {
          if (!(error instanceof ShoalError)) throw error;
          refused += 1;
        }
      }
      return Promise.resolve();
    });
    assertEquals(namesBelow(join(root, "outside")), ["b"]);
    assert(stored > 0 && refused > 0, `${stored} stored, ${refused} refused: they never met`);
  }));
