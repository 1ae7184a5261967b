import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import type { DiskFile } from "../../../lib/io/files/disk.ts";
import { FileTarget } from "../../../lib/io/files/file_target.ts";
import { HOLE_BLOCK_BYTES } from "../../../lib/io/files/limits.ts";
import { writeSparse } from "../../../lib/io/files/sparse_write.ts";
import { targetNames } from "../../../lib/io/files/target_names.ts";
import { KIB, MIB } from "../../../lib/limits.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !await canTouchFiles();

/** A file in memory that knows which of its bytes were ever written. */
class WatchedFile implements DiskFile {
  bytes: Uint8Array<ArrayBuffer>;
  writtenBytes = 0;

  constructor(before: Uint8Array) {
    this.bytes = Uint8Array.from(before);
  }

  look() {
    return {
      kind: "file",
      sizeBytes: this.bytes.length,
      device: 1,
      inode: 1,
      linkCount: 1,
    } as const;
  }

  writeAt(bytes: Uint8Array, position: number): void {
    if (position + bytes.length > this.bytes.length) this.truncate(position + bytes.length);
    this.bytes.set(bytes, position);
    this.writtenBytes += bytes.length;
  }

  readAt(target: Uint8Array, position: number): number {
    const bytes = this.bytes.subarray(position, position + target.length);
    target.set(bytes);
    return bytes.length;
  }

  truncate(lengthBytes: number): void {
    const bytes = new Uint8Array(lengthBytes);
    bytes.set(this.bytes.subarray(0, lengthBytes));
    this.bytes = bytes;
  }

  tryLock = (): boolean => true;
  setModified(): void {}
  sync = (): Promise<void> => Promise.resolve();
  close(): void {}
}

/** Stretches of zeros and of other bytes, whose ends are blocks' or are not. */
function patches(random: Random, lengthBytes: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(lengthBytes);
  for (let at = 0; at < lengthBytes;) {
    const unit = random.below(2) === 0 ? HOLE_BLOCK_BYTES : 1;
    const end = Math.min(lengthBytes, at + unit * (1 + random.below(8)));
    if (random.below(2) === 0) bytes.fill(1 + random.below(255), at, end);
    at = end;
  }
  return bytes;
}

Deno.test("with holes or without, what is read back is what was written, whatever was there", () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new Random(seed);
    const before = patches(random, random.below(64 * KIB));
    const bytes = patches(random, random.below(64 * KIB)).subarray(random.below(3));
    const position = random.below(2) * HOLE_BLOCK_BYTES * random.below(4) + random.below(2) * 512;
    const [sparse, plain] = [new WatchedFile(before), new WatchedFile(before)];
    writeSparse(sparse, bytes, position);
    plain.writeAt(bytes, position);
    assertEquals(sparse.bytes, plain.bytes, `seed ${seed}`);
  }
});

Deno.test("blocks of zeros are not written where nothing was before", () => {
  const bytes = new Uint8Array(MIB);
  bytes.fill(7, 512 * KIB, 512 * KIB + HOLE_BLOCK_BYTES);
  const file = new WatchedFile(new Uint8Array(0));
  writeSparse(file, bytes, 3 * MIB);
  assertEquals([file.bytes.length, file.writtenBytes], [4 * MIB, HOLE_BLOCK_BYTES]);
});

Deno.test("zeros replace what an earlier run has left", () => {
  const file = new WatchedFile(new Uint8Array(3 * HOLE_BLOCK_BYTES).fill(9));
  writeSparse(file, new Uint8Array(2 * HOLE_BLOCK_BYTES), 0);
  assert(file.bytes.subarray(0, 2 * HOLE_BLOCK_BYTES).every((byte) => byte === 0));
  assertEquals(file.bytes[2 * HOLE_BLOCK_BYTES], 9);
});

for (const sparse of [true, false]) {
  const what = sparse ? "takes no more of the disk than its data" : "is written whole if asked for";
  Deno.test({
    name: `a sparse file ${what}`,
    ignore: ignore || Deno.build.os === "windows",
    fn: () =>
      withFolder({}, async (dir) => {
        const names = targetNames(denoDisk, dir, "disk.img", "01234567");
        const target = FileTarget.open(denoDisk, names, { sparse });
        const chunk = new Uint8Array(MIB);
        for (let at = 0; at < 16; at++) {
          chunk.fill(at === 5 ? 1 : 0);
          target.write(chunk, at * MIB);
        }
        await target.seal({ mtimeMs: 1_600_000_000_000 });
        target.publish("number");
        const { size, blocks } = Deno.statSync(join(dir, "disk.img"));
        assertEquals(size, 16 * MIB);
        const diskBytes = (blocks ?? 0) * 512;
        if (sparse) assert(diskBytes < 2 * MIB, `${diskBytes} bytes`);
        else assert(diskBytes >= 16 * MIB, `${diskBytes} bytes`);
      }),
  });
}
