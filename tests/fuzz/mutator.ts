/**
 * Spoils bytes in the ways that have broken decoders: flipped bits, cut and stretched, two spliced,
 * length fields edited. Of what looks like a frame half of the checksums are repaired, since all else ends
 * there. Decided by a seed.
 */
import type { Bytes } from "../../lib/ids.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { frameCrc, HEADER, HEADER_BYTES, startsFrame } from "../../lib/wire/frames.ts";

const LENGTH_MAX = 4_096;
/** So many are left as they are: behind the first doors there are others. */
const UNSPOILT = 0.2;
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x20, 0x2e, 0x2f, 0x5c, 0x0a];

type Mutation = (random: Random, bytes: Bytes, other: Bytes) => Bytes;

const MUTATIONS: readonly Mutation[] = [
  (_, bytes) => bytes,
  (random, bytes) => {
    for (let flips = 1 + random.below(8); flips > 0 && bytes.length > 0; flips--) {
      bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
    }
    return bytes;
  },
  (random, bytes) => {
    if (bytes.length > 0) bytes[random.below(bytes.length)] = pick(random, INTERESTING);
    return bytes;
  },
  (random, bytes) => bytes.slice(0, random.below(bytes.length + 1)),
  (random, bytes) => joined(bytes, random.bytes(1 + random.below(64))),
  (_, bytes) => joined(bytes, bytes),
  (random, bytes, other) =>
    joined(
      bytes.subarray(0, random.below(bytes.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ),
  // A whole one behind another, as kernels and servers join them.
  (_, bytes, other) => joined(bytes, other),
  (random, bytes) => {
    if (bytes.length < 2) return bytes;
    const at = random.below(bytes.length - 1);
    new DataView(bytes.buffer).setUint16(at, pick(random, [0, 1, 0x7fff, 0xffff, bytes.length]));
    return bytes;
  },
  (random, bytes) => {
    if (bytes.length >= HEADER_BYTES) {
      new DataView(bytes.buffer).setUint16(HEADER.length, random.below(0x1_0000));
    }
    return bytes;
  },
  (random, bytes) => {
    const from = random.below(bytes.length + 1);
    const count = random.below(bytes.length + 1 - from);
    return joined(bytes.subarray(0, from), bytes.subarray(from + count));
  },
];

export function pick<Item>(random: Random, items: readonly Item[]): Item {
  return items[random.below(items.length)]!;
}

/** A copy of `bytes` that is spoilt up to three times over. */
export function mutated(random: Random, bytes: Bytes, other: Bytes): Bytes {
  let result: Bytes = bytes.slice();
  if (random.chance(UNSPOILT)) return result;
  for (let rounds = 1 + random.below(3); rounds > 0; rounds--) {
    result = pick(random, MUTATIONS)(random, result, other).slice(0, LENGTH_MAX);
  }
  if (random.chance(0.5)) repair(random, result);
  return result;
}

/** Makes header and checksum true again, so that the fields behind them are looked at. */
function repair(random: Random, bytes: Bytes): void {
  if (!startsFrame(bytes)) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (random.chance(0.9)) view.setUint16(HEADER.length, bytes.length);
  view.setUint32(HEADER.crc, frameCrc(bytes));
}

function joined(first: Uint8Array, second: Uint8Array): Bytes {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
