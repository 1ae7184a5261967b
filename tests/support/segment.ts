/** DATA frames one at a time, as no program of ours makes them. */
import { declaredLength, HEADER_BYTES, startsFrame } from "../../lib/wire/frames.ts";
import type { Bytes } from "../../lib/ids.ts";
import { DATA_HEADER_BYTES, type DataHeader, DataWriter } from "../../lib/wire/data_frame.ts";

/** The segment that carries `payload` from `offset` of a file. */
export function segment(payload: Uint8Array, offset: number, header: DataHeader): Bytes {
  const bytes = new Uint8Array(DATA_HEADER_BYTES + payload.length);
  bytes.set(payload, DATA_HEADER_BYTES);
  const writer = new DataWriter(bytes);
  writer.header = header;
  writer.write(0, payload.length, offset);
  return bytes;
}

/** A size of segments to read hostile bytes by: what their first frame claims to be long, if it can be. */
export function claimedSegmentBytes(bytes: Uint8Array): number {
  const claimed = bytes.length >= HEADER_BYTES && startsFrame(bytes) ? declaredLength(bytes) : 0;
  return claimed > 0 && claimed < bytes.length ? claimed : bytes.length;
}
