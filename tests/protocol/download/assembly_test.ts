import { assert, assertEquals } from "@std/assert";
import { type Bytes, toHex } from "../../../lib/ids.ts";
import { Assembly } from "../../../lib/protocol/download/assembly.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { chunkLength } from "../../../lib/protocol/merkle/merkle.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

const CHUNK = 65_536;

/** An assembly with a disk in memory. */
class Desk {
  readonly assembly: Assembly;
  readonly disk: Bytes;
  readonly unproved: number[] = [];
  /** Chunks that the pass had to read from disk. */
  readBack = 0;
  readonly #file: Bytes;

  constructor(file: Bytes, claimed: readonly number[] = []) {
    const marks = new Bitmap(Math.ceil(file.length / CHUNK));
    for (const chunk of claimed) marks.set(chunk);
    this.#file = file;
    this.assembly = new Assembly(file.length, marks);
    this.disk = new Uint8Array(file.length);
    for (const chunk of claimed) this.disk.set(this.#part(chunk), chunk * CHUNK);
  }

  arrive(chunk: number): void {
    if (!this.assembly.isWanted(chunk)) return;
    const bytes = this.#part(chunk);
    this.disk.set(bytes, chunk * CHUNK);
    this.assembly.onWritten(chunk, bytes);
  }

  /** Reads back whatever the pass asks for. */
  pass(): void {
    for (;;) {
      const chunk = this.assembly.chunkToRead;
      if (chunk === undefined) return;
      this.readBack += 1;
      const length = chunkLength(this.#file.length, chunk);
      const bytes = this.disk.slice(chunk * CHUNK, chunk * CHUNK + length);
      if (!this.assembly.onRead(bytes)) this.unproved.push(chunk);
    }
  }

  #part(chunk: number): Bytes {
    return this.#file.slice(chunk * CHUNK, (chunk + 1) * CHUNK);
  }
}

Deno.test("chunks that arrive in order are hashed from memory alone", () => {
  const file = mixedFile(5 * CHUNK + 1);
  const desk = new Desk(file);
  for (let chunk = 0; chunk < 6; chunk++) desk.arrive(chunk);
  assert(desk.assembly.isPassed);
  assertEquals(desk.readBack, 0);
  assertEquals(desk.assembly.digestHex(), toHex(sha256(file)));
});

Deno.test("whatever the order, each chunk is hashed once and the whole is right", () => {
  const file = mixedFile(12 * CHUNK - 7);
  const digest = toHex(sha256(file));
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const desk = new Desk(file);
    const missing = Array.from({ length: 12 }, (_, i) => i);
    while (missing.length > 0) {
      const [chunk] = missing.splice(random.below(missing.length), 1);
      desk.arrive(chunk!);
      desk.arrive(chunk!);
      if (random.below(2) === 0) desk.pass();
    }
    desk.pass();
    assert(desk.assembly.isPassed, `seed ${seed}`);
    assertEquals(desk.assembly.digestHex(), digest, `seed ${seed}`);
  }
});

Deno.test("a chunk that is on disk, or that the file does not have, is not wanted", () => {
  const assembly = new Assembly(2 * CHUNK);
  assertEquals([-1, 0, 1, 2].map((chunk) => assembly.isWanted(chunk)), [false, true, true, false]);
  assembly.onWritten(1, new Uint8Array(CHUNK));
  assertEquals(assembly.isWanted(1), false);
  assertEquals(assembly.writtenBytes, CHUNK);
});

Deno.test("an empty file is whole from the beginning", () => {
  const assembly = new Assembly(0);
  assert(assembly.isPassed);
  assertEquals(assembly.digestHex(), toHex(sha256(new Uint8Array(0))));
});

Deno.test("claims of an earlier run wait for the layer, then count where they are proved", () => {
  const file = mixedFile(6 * CHUNK);
  const desk = new Desk(file, [0, 1, 3]);
  desk.arrive(2);
  desk.pass();
  assertEquals(desk.readBack, 0);
  assertEquals(desk.assembly.isWanted(3), false);
  desk.assembly.layer = hashed(file).layer;
  desk.pass();
  assertEquals(desk.readBack, 4);
  assertEquals(desk.unproved, []);
  desk.arrive(4);
  desk.arrive(5);
  assertEquals(desk.assembly.digestHex(), toHex(sha256(file)));
});

Deno.test("a damaged chunk of an earlier run is wanted again and then hashed", () => {
  const file = mixedFile(6 * CHUNK);
  const desk = new Desk(file, [0, 1, 2, 3, 4, 5]);
  desk.disk[3 * CHUNK + 100]! ^= 0x10;
  desk.assembly.layer = hashed(file).layer;
  desk.pass();
  assertEquals(desk.unproved, [3]);
  assertEquals(desk.assembly.isPassed, false);
  assertEquals(desk.assembly.written.has(3), false);
  assert(desk.assembly.isWanted(3));
  desk.arrive(3);
  desk.pass();
  assertEquals(desk.unproved, [3]);
  assertEquals(desk.assembly.digestHex(), toHex(sha256(file)));
});

Deno.test("a claimed chunk that the disk holds only in part is not proved", () => {
  const file = mixedFile(2 * CHUNK);
  for (const lengthBytes of [0, 1, 16_384, CHUNK - 1]) {
    const { assembly, disk } = new Desk(file, [0, 1]);
    assembly.layer = hashed(file).layer;
    assertEquals(assembly.onRead(disk.slice(0, lengthBytes)), false, `${lengthBytes} bytes`);
    assert(assembly.isWanted(0));
  }
});

Deno.test("a bitmap counts from the least significant bit and ignores what lies past its end", () => {
  const bitmap = new Bitmap(10, new Uint8Array([0b1000_0001, 0xff, 0xff]));
  assertEquals([...Array(12).keys()].filter((i) => bitmap.has(i)), [0, 7, 8, 9]);
  assertEquals(bitmap.bytes, new Uint8Array([0b1000_0001, 0b11]));
  bitmap.clear(7);
  bitmap.set(1);
  assertEquals(bitmap.bytes[0], 0b11);
});

Deno.test("what is written and proved is marked for others, what an earlier run claims once it is proved", () => {
  const file = mixedFile(5 * CHUNK);
  const desk = new Desk(file, [0, 1, 3]);
  desk.disk[CHUNK] = ~desk.disk[CHUNK]!;
  desk.arrive(2);
  const held = new Uint8Array(1);
  desk.assembly.shared = held;
  assertEquals(held[0], 0b00100, "claims are not proved");
  desk.assembly.layer = hashed(file).layer;
  desk.pass();
  assertEquals([held[0], desk.unproved], [0b00101, [1]]);
  desk.arrive(4);
  assertEquals(held[0], 0b10101);
  desk.arrive(1);
  desk.pass();
  assertEquals(held[0], 0b11111);
});
