/** What a source has leased: in order for those who ask, by chunk for what comes unasked. */
import { assert, assertEquals } from "@std/assert";
import { type Bytes, hashHex, toHex, type TransferId, transferId } from "../../../lib/ids.ts";
import { FetchList } from "../../../lib/protocol/download/fetch_list.ts";
import type { ChunkBuffer } from "../../../lib/protocol/download/chunk_buffer.ts";
import { chunkHashesOf } from "../../../lib/protocol/download/fetch_list.ts";
import { chunkBytesFor } from "../../../lib/protocol/merkle/merkle.ts";
import { unitRootOfBytes } from "../../../lib/protocol/merkle/unit_root.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

const FILE = mixedFile(6 * chunkBytesFor(1) - 1_000);
const CHUNK_BYTES = chunkBytesFor(FILE.length);
const { root, layer } = hashed(FILE);
const CONTENT = { sizeBytes: FILE.length, sha256: hashHex("aa".repeat(32)), root };
const TRANSFER = transferId(1);

function leased(chunks: readonly number[], transfer: TransferId = TRANSFER): FetchList {
  const list = new FetchList();
  list.budgetBytes = 2 * CHUNK_BYTES;
  list.add({ transfer, content: CONTENT, chunks, hashes: chunkHashesOf(layer, chunks) });
  return list;
}

function fill(buffer: ChunkBuffer, file: Bytes = FILE): void {
  const copyTo = (target: Bytes, at: number, start: number, end: number): void =>
    target.set(file.subarray(start, end), at);
  buffer.add({ copyTo }, 0, buffer.lengthBytes);
}

Deno.test("what comes unasked is begun where it is leased, once, and proved like everything", () => {
  const list = leased([0, 2, 5]);
  assertEquals(list.begin(TRANSFER, 1), undefined, "not leased");
  assertEquals(list.begin(transferId(2), 2), undefined, "another transfer");
  const buffer = list.begin(TRANSFER, 5)!;
  assertEquals([buffer.chunk, buffer.lengthBytes], [5, CHUNK_BYTES - 1_000]);
  assert(list.begin(TRANSFER, 5) === buffer);
  fill(buffer);
  assertEquals(list.complete(buffer).bad.length, 0);
  assertEquals(list.begin(TRANSFER, 5), undefined, "it is over");
  assertEquals(list.leasedBytes, 2 * CHUNK_BYTES);
});

Deno.test("a wrong chunk is over for its source, until it is leased again", () => {
  const list = leased([2]);
  const buffer = list.begin(TRANSFER, 2)!;
  fill(buffer, new Uint8Array(FILE.length));
  assertEquals(list.complete(buffer).bad.length, 1);
  assertEquals(list.begin(TRANSFER, 2), undefined);
  list.add({
    transfer: TRANSFER,
    content: CONTENT,
    chunks: [2],
    hashes: chunkHashesOf(layer, [2]),
  });
  fill(list.begin(TRANSFER, 2)!);
});

Deno.test("without a buffer nothing is begun; what is abandoned makes room and stays leased", () => {
  const list = leased([0, 1, 2]);
  const [first, second] = [list.begin(TRANSFER, 0)!, list.begin(TRANSFER, 1)!];
  assertEquals(list.begin(TRANSFER, 2), undefined);
  list.abandon(first);
  assert(first.isDropped && !second.isDropped);
  assert(list.begin(TRANSFER, 2) !== undefined);
  assertEquals(list.begin(TRANSFER, 0), undefined, "now it is this one that finds no room");
  assertEquals(list.leasedBytes, 3 * CHUNK_BYTES);
  list.revoke(TRANSFER, [1]);
  const again = list.begin(TRANSFER, 0)!;
  assert(again !== first && again.gaps(0, CHUNK_BYTES) === CHUNK_BYTES, "from the beginning");
});

Deno.test("a lease that is there already is not there twice", () => {
  const list = leased([0, 1]);
  list.begin(TRANSFER, 0);
  const chunks = [0, 1, 2];
  list.add({ transfer: TRANSFER, content: CONTENT, chunks, hashes: chunkHashesOf(layer, chunks) });
  assertEquals(list.leasedBytes, 3 * CHUNK_BYTES);
  list.revoke(TRANSFER, [0, 1, 2, 3]);
  assertEquals(list.leasedBytes, 0);
  assertEquals(list.next(CHUNK_BYTES, 1_000), undefined);
});

Deno.test("those who ask are given what was leased first, whatever was revoked and begun meanwhile", () => {
  const list = leased([0, 1, 2, 3]);
  list.revoke(TRANSFER, [1]);
  list.begin(TRANSFER, 0)!.askedBytes = CHUNK_BYTES;
  const plan = list.next(CHUNK_BYTES, 1_024)!;
  assertEquals(plan.ranges.map(({ chunk, start }) => [chunk.chunk, start]), [[2, 0]]);
  list.drop(transferId(9));
  assertEquals(list.leasedBytes, 3 * CHUNK_BYTES);
  list.drop(TRANSFER);
  assertEquals([list.leasedBytes, list.isAllBegun], [0, true]);
});

/** Units of a folder: a bundle of three files, and a file that is longer than a chunk. */
const PARTS = [[10_000, 20_000, 5], [3 * CHUNK_BYTES]];
const UNITS = PARTS.map((parts) => {
  const bytes = mixedFile(parts.reduce((sum, part) => sum + part, 0));
  const root = unitRootOfBytes(bytes, parts);
  return {
    bytes,
    hash: root,
    unit: { root: hashHex(toHex(root)), sizeBytes: bytes.length, parts },
  };
});

function leasedUnits(): FetchList {
  const list = new FetchList();
  list.budgetBytes = 8 * 1024 * 1024;
  const hashes = new Uint8Array(UNITS.flatMap(({ hash }) => [...hash]));
  const units = UNITS.map(({ unit }) => unit);
  list.add({ transfer: TRANSFER, content: CONTENT, chunks: [7, 9], hashes, units });
  return list;
}

Deno.test("units of a folder are asked for one by one, by what they are, from their beginning", () => {
  const list = leasedUnits();
  assertEquals(list.leasedBytes, UNITS[0]!.bytes.length + UNITS[1]!.bytes.length);
  const first = list.next(1 << 20, 1_000)!;
  assertEquals(first.content.root, UNITS[0]!.unit.root);
  assertEquals(first.content.sizeBytes, 30_005);
  assertEquals(first.ranges.map(({ start, end }) => [start, end]), [[0, 30_005]]);
  const second = list.next(1 << 20, 1_000)!;
  assertEquals(second.content.root, UNITS[1]!.unit.root);
  assertEquals(second.ranges.map(({ chunk, end }) => [chunk.offset, end]), [[0, 3 * CHUNK_BYTES]]);
  list.queueLost(first);
  list.queueLost(second);
  const repeated = list.next(1 << 20, 1_000)!;
  assertEquals(repeated.content.root, UNITS[0]!.unit.root, "one request names one content");
  assertEquals(list.next(1 << 20, 1_000)!.content.root, UNITS[1]!.unit.root);
});

Deno.test("a unit is proved by the files in it, in whatever order its bytes come", () => {
  for (const [i, chunk] of [7, 9].entries()) {
    const { bytes } = UNITS[i]!;
    const copyTo = (target: Bytes, at: number, start: number, end: number): void =>
      target.set(bytes.subarray(start, end), at);
    const list = leasedUnits();
    const buffer = list.begin(TRANSFER, chunk)!;
    const half = Math.floor(bytes.length / 2);
    buffer.add({ copyTo }, half, bytes.length);
    assert(!buffer.isComplete);
    buffer.add({ copyTo }, 0, half + 10);
    assert(buffer.isComplete);
    assertEquals(list.complete(buffer).bad.length, 0);
    const wrong = leasedUnits().begin(TRANSFER, chunk)!;
    fill(wrong, new Uint8Array(bytes.length));
    const other = leasedUnits();
    const bad = other.begin(TRANSFER, chunk)!;
    fill(bad, bytes.map((byte, at) => at === bytes.length - 1 ? byte ^ 1 : byte));
    assertEquals(other.complete(bad).bad.length, 1);
  }
});
