/**
 * Holds whoever gives bytes of a file to what docs/PROTOCOL.md promises, by every datagram that leaves a host: the bytes are the
 * file's, so nobody passes on what it has not proved; and their receiver has asked for them, there, in a request of that
 * number, with a token that it had been given at its address.
 */
import { Buffer } from "node:buffer";
import { type Endpoint, endpointText } from "../../lib/address.ts";
import { type Bytes, toHex } from "../../lib/ids.ts";
import { DATA_HEADER_BYTES, DataReader, isData } from "../../lib/wire/data_frame.ts";
import type { Frame, FrameOf } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";

const TWO_32 = 0x1_0000_0000n;

type Ranges = FrameOf<"want">["ranges"];

export class GiftWatch {
  readonly #file: Bytes;
  /** By who told whom: tokens. */
  readonly #told = new Map<string, Set<string>>();
  /** By who asked whom and by what, as answers name it. */
  readonly #asked = new Map<string, Ranges>();
  /** Payload bytes by the address that has sent them. */
  readonly #givenBytes = new Map<string, number>();

  constructor(file: Bytes) {
    this.#file = file;
  }

  /** Of the file, by this address. */
  givenBytes(address: string): number {
    return this.#givenBytes.get(address) ?? 0;
  }

  /**
   * A datagram leaves a host. Returns what is wrong with it, if anything is.
   *
   * @param isHonest whether what it gives must be right; that it was asked for counts for liars as well
   */
  onSent(from: Endpoint, to: Endpoint, datagram: Bytes, isHonest = true): string | undefined {
    if (isData(datagram, 0)) return this.#onData(from, to, datagram, isHonest);
    for (const frame of framesIn(datagram)) this.#onFrame(from, to, frame);
    return undefined;
  }

  #onFrame(from: Endpoint, to: Endpoint, frame: Frame): void {
    // Answers say whose token it is.
    if ("token" in frame && "server" in frame) {
      const key = `${from.address} ${to.address}`;
      this.#told.set(key, (this.#told.get(key) ?? new Set()).add(toHex(frame.token)));
    }
    if (frame.kind !== "want") return;
    const { nonce, number, ranges, token } = frame;
    const hasToken = this.#told.get(`${to.address} ${from.address}`)?.has(toHex(token)) ?? false;
    if (!hasToken) return;
    this.#asked.set(keyOf(from, to, nonce / TWO_32, nonce % TWO_32, number), ranges);
  }

  #onData(
    from: Endpoint,
    to: Endpoint,
    datagram: Bytes,
    isHonest: boolean,
  ): string | undefined {
    const reader = new DataReader(datagram);
    reader.slotBytes = datagram.length;
    const { nonceHigh, nonceLow, number, offset } = reader;
    const payload = datagram.subarray(DATA_HEADER_BYTES);
    const end = offset + payload.length;
    this.#givenBytes.set(from.address, this.givenBytes(from.address) + payload.length);
    const ranges = this.#asked.get(keyOf(to, from, nonceHigh, nonceLow, number));
    const isAsked = ranges?.some((range) =>
      range.offset <= offset && end <= range.offset + range.lengthBytes
    );
    const what = `${endpointText(from)} sends ${endpointText(to)} bytes ${offset}-${end}`;
    if (isAsked !== true) return `${what}, which it has not asked for`;
    if (isHonest && Buffer.compare(payload, this.#file.subarray(offset, end)) !== 0) {
      return `${what}, and they are not the file's`;
    }
    return undefined;
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
