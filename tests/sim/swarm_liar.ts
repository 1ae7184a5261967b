/** Takers that mean harm: they are those that ship, and something rewrites what leaves them. */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import { DATA_HEADER_BYTES, DataReader, DataWriter, isData } from "../../lib/wire/data_frame.ts";
import { encodeFrame, type Frame } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";
import { TAKERS_NAMED_MAX } from "../../lib/wire/limits.ts";

/**
 * `rot`: a byte of all that it gives is another one. `silent`: it says that it has what it has, and gives nothing of it.
 * `all`: it says from the beginning that it has all of it, and says nothing where it is asked for what it lacks. `names`:
 * it says that takers are where none are.
 */
export type Lie = "rot" | "silent" | "all" | "names";

/** Where there is nobody who fetches: victims, whom nobody is to ask for long. */
export const VICTIM_NETWORK = "10.0.99.";
const PORT = 10_526;

/** What leaves instead. */
export function lied(lie: Lie, datagram: Bytes): Bytes | undefined {
  if (isData(datagram, 0)) {
    if (lie === "silent") return undefined;
    return lie === "rot" ? rotten(datagram) : datagram;
  }
  if (lie === "rot" || lie === "silent") return datagram;
  const frames = [...framesIn(datagram)];
  const isTouched = frames.some(({ kind }) => kind === "have" || kind === "gone");
  if (!isTouched) return datagram;
  const told = frames.flatMap((frame) => lie === "all" ? boasting(frame) : naming(frame));
  return joined(told.map((frame) => encodeFrame(frame)));
}

function rotten(datagram: Bytes): Bytes {
  const bytes = datagram.slice();
  const reader = new DataReader(bytes);
  const { nonceHigh, nonceLow, number, hasCrc: withCrc, offset } = reader;
  bytes[DATA_HEADER_BYTES]! ^= 1;
  const writer = new DataWriter(bytes);
  const nonce = (BigInt(nonceHigh) << 32n) | BigInt(nonceLow);
  writer.header = { nonce, number, withCrc };
  writer.write(0, bytes.length - DATA_HEADER_BYTES, offset);
  return bytes;
}

function boasting(frame: Frame): Frame[] {
  if (frame.kind === "gone") return [];
  if (frame.kind !== "have") return [frame];
  return [{ ...frame, hasAll: 1, firstChunk: 0, held: new Uint8Array(0) }];
}

function naming(frame: Frame): Frame[] {
  if (frame.kind !== "have") return [frame];
  // Other ones each time.
  const first = frame.number * TAKERS_NAMED_MAX;
  const takers = Array.from({ length: TAKERS_NAMED_MAX }, (_, i): Endpoint => ({
    address: `${VICTIM_NETWORK}${1 + (first + i) % 250}`,
    port: PORT,
  }));
  return [{ ...frame, takers }];
}

function joined(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
