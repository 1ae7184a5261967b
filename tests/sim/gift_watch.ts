/**
 * Sees every datagram that leaves a host, and holds whoever gives bytes of a file to two things: they are the file's, so
 * nobody passes on what it has not proved, and their receiver has asked for them, there and in a request of that number.
 */
import { Buffer } from "node:buffer";
import { type Endpoint, endpointText } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import { DATA_HEADER_BYTES, DataReader, isData } from "../../lib/wire/data_frame.ts";
import type { FrameOf } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";
import { Violation } from "./verdict.ts";

const TWO_32 = 0x1_0000_0000n;

type Ranges = FrameOf<"want">["ranges"];

export class GiftWatch {
  readonly #file: Bytes;
  /** By who asked whom and by what, as answers name it. */
  readonly #asked = new Map<string, Ranges>();
  /** Payload bytes by the address that has sent them. */
  readonly #givenBytes = new Map<string, number>();

  constructor(file: Bytes) {
    this.#file = file;
  }

  givenBytes(address: string): number {
    return this.#givenBytes.get(address) ?? 0;
  }

  /** @param isHonest whether what it gives must be right; that it was asked for counts for liars as well */
  onSent(from: Endpoint, to: Endpoint, datagram: Bytes, isHonest: boolean): void {
    if (isData(datagram, 0)) return this.#onData(from, to, datagram, isHonest);
    for (const frame of framesIn(datagram)) {
      if (frame.kind !== "want") continue;
      const { nonce, number, ranges } = frame;
      this.#asked.set(keyOf(from, to, nonce / TWO_32, nonce % TWO_32, number), ranges);
    }
  }

  #onData(from: Endpoint, to: Endpoint, datagram: Bytes, isHonest: boolean): void {
    const reader = new DataReader(datagram);
    reader.slotBytes = datagram.length;
    const { nonceHigh, nonceLow, number, offset } = reader;
    const payload = datagram.subarray(DATA_HEADER_BYTES);
    const end = offset + payload.length;
    const ranges = this.#asked.get(keyOf(to, from, nonceHigh, nonceLow, number));
    const isAsked = ranges?.some((range) =>
      range.offset <= offset && end <= range.offset + range.lengthBytes
    );
    const what = `${endpointText(from)} sends ${endpointText(to)} bytes ${offset}-${end}`;
    if (isAsked !== true) throw new Violation(`${what}, which it has not asked for`);
    if (isHonest && Buffer.compare(payload, this.#file.subarray(offset, end)) !== 0) {
      throw new Violation(`${what}, and they are not the file's`);
    }
    this.#givenBytes.set(from.address, this.givenBytes(from.address) + payload.length);
  }
}

function keyOf(
  asker: Endpoint,
  asked: Endpoint,
  nonceHigh: number | bigint,
  nonceLow: number | bigint,
  number: number,
): string {
  return `${endpointText(asker)} ${endpointText(asked)} ${nonceHigh}.${nonceLow}.${number}`;
}
