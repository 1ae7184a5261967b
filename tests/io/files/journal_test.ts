import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { type Bytes, type Content, hashHex, toHex } from "../../../lib/ids.ts";
import { decodeJournal, encodeJournal, JournalFile } from "../../../lib/io/files/journal.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

const CHUNKS = 11;
const LAYER_AT = 116;
const BITMAP_AT = LAYER_AT + CHUNKS * 32;
const file = mixedFile(CHUNKS * 65_536 - 9);
const { root, layer } = hashed(file);
const content: Content = { sizeBytes: file.length, sha256: hashHex(toHex(sha256(file))), root };
const ignore = !await canTouchFiles();

function marks(...chunks: readonly number[]): Bitmap {
  const bitmap = new Bitmap(CHUNKS);
  for (const chunk of chunks) bitmap.set(chunk);
  return bitmap;
}

const journal = encodeJournal(content, { layer, written: marks(0, 3, 10) });

Deno.test("a journal's fields are where its table says", () => {
  const view = new DataView(journal.buffer);
  assertEquals(new TextDecoder().decode(journal.subarray(0, 4)), "SHLJ");
  assertEquals(view.getUint32(4), 1);
  assertEquals(view.getBigUint64(8), BigInt(file.length));
  assertEquals(view.getUint32(16), 65_536);
  assertEquals(toHex(journal.subarray(20, 52)), content.sha256);
  assertEquals(toHex(journal.subarray(52, 84)), root);
  assertEquals(journal.slice(LAYER_AT, BITMAP_AT), layer);
  assertEquals(journal.slice(BITMAP_AT), new Uint8Array([0b0000_1001, 0b100]));
});

Deno.test("a journal that is read back says what was written", () => {
  const state = decodeJournal(journal, content);
  assert(state !== undefined);
  assertEquals(state.layer, layer);
  assertEquals(state.written.bytes, marks(0, 3, 10).bytes);
});

Deno.test("one flipped bit before the bitmap makes a journal void, wherever it is", () => {
  for (let at = 0; at < BITMAP_AT; at++) {
    assertEquals(decodeJournal(damaged(journal, at), content), undefined, `byte ${at}`);
  }
});

Deno.test("one flipped bit in the bitmap is a claim like any other", () => {
  const state = decodeJournal(damaged(journal, BITMAP_AT), content);
  assertEquals(state?.written.bytes, marks(3, 10).bytes);
});

Deno.test("a journal that is cut short or too long is void", () => {
  for (const lengthBytes of [0, 3, LAYER_AT, BITMAP_AT, journal.length - 1]) {
    assertEquals(decodeJournal(journal.slice(0, lengthBytes), content), undefined);
  }
  const longer = new Uint8Array(journal.length + 1);
  longer.set(journal);
  assertEquals(decodeJournal(longer, content), undefined);
});

Deno.test("a journal of another content is void", () => {
  const other = "ab".repeat(32);
  for (
    const [what, changed] of [
      ["size", { ...content, sizeBytes: content.sizeBytes - 1 }],
      ["sha256", { ...content, sha256: hashHex(other) }],
      ["root", { ...content, root: hashHex(other) }],
    ] as const
  ) {
    assertEquals(decodeJournal(journal, changed), undefined, what);
  }
});

Deno.test("a layer that does not lead to the root is void, whatever its checksum says", () => {
  const wrong = damaged(layer, 40);
  const forged = encodeJournal(content, { layer: wrong, written: marks() });
  assertEquals(decodeJournal(forged, content), undefined);
});

Deno.test({
  name: "a journal file is resumed with the marks that were saved last",
  ignore,
  fn: () =>
    withFolder({}, (dir) => {
      const path = join(dir, "journal");
      const first = JournalFile.create(path, content, { layer, written: marks() });
      first.save(marks(9));
      first.save(marks(1, 9));
      first.close();
      const resumed = JournalFile.resume(path, content);
      assertEquals(resumed?.state.written.bytes, marks(1, 9).bytes);
      resumed?.journal.save(marks(1));
      resumed?.journal.close();
      const again = JournalFile.resume(path, content);
      assertEquals(again?.state.written.bytes, marks(1).bytes);
      again?.journal.remove();
      assertEquals([...Deno.readDirSync(dir)], []);
    }),
});

Deno.test({
  name: "what is no journal is not resumed: nothing, a folder, a link, other bytes",
  ignore,
  fn: () =>
    withFolder({ "journal": journal, "other": new Uint8Array(journal.length) }, (dir) => {
      Deno.mkdirSync(join(dir, "folder"));
      Deno.symlinkSync(join(dir, "journal"), join(dir, "link"));
      for (const name of ["missing", "folder", "link", "other"]) {
        assertEquals(JournalFile.resume(join(dir, name), content), undefined, name);
      }
    }),
});

Deno.test({
  name: "a new journal replaces a link in its place and leaves alone what it leads to",
  ignore,
  fn: () =>
    withFolder({ "precious": "precious" }, async (dir) => {
      Deno.symlinkSync(join(dir, "precious"), join(dir, "journal"));
      JournalFile.create(join(dir, "journal"), content, { layer, written: marks() }).close();
      assertEquals(await Deno.readTextFile(join(dir, "precious")), "precious");
      assert(Deno.lstatSync(join(dir, "journal")).isFile);
    }),
});

function damaged(bytes: Bytes, at: number): Bytes {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}
