import { assert, assertEquals } from "@std/assert";
import { type Bytes, type Content, hashHex, toHex } from "../../../lib/ids.ts";
import { decodeJournal, encodeJournal } from "../../../lib/protocol/download/journal.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

const CHUNKS = 11;
const LAYER_AT = 116;
const BITMAP_AT = LAYER_AT + CHUNKS * 32;
const file = mixedFile(CHUNKS * 65_536 - 9);
const { root, layer } = hashed(file);
const content: Content = { sizeBytes: file.length, sha256: hashHex(toHex(sha256(file))), root };

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

function damaged(bytes: Bytes, at: number): Bytes {
  const copy = bytes.slice();
  copy[at]! ^= 1;
  return copy;
}
