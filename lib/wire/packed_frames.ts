/**
 * Control frames that share a buffer: several in one datagram, or several datagrams that the kernel
 * joined. Each is as long as it says if its checksum agrees; behind one that is damaged the next
 * good one is looked for, so that the damage costs one frame.
 */
import { CONTROL_BYTES_MAX, DAMAGED_FRAMES_MAX } from "./limits.ts";
import {
  declaredLength,
  decodeFrame,
  type Frame,
  HEADER_BYTES,
  MAGIC,
  startsFrame,
} from "./frames.ts";

/** A frame, and the bytes that it came in. */
interface PackedFrame {
  readonly frame: Frame;
  /** A view of the buffer. */
  readonly bytes: Uint8Array;
}

/** Every good control frame in `bytes`, in order. Never throws. */
export function* framesIn(bytes: Uint8Array): Generator<Frame> {
  for (const { frame } of packedFramesIn(bytes)) yield frame;
}

/** The same, each with its bytes. */
export function* packedFramesIn(bytes: Uint8Array): Generator<PackedFrame> {
  let damaged = 0;
  for (let at = 0; bytes.length - at >= HEADER_BYTES && damaged < DAMAGED_FRAMES_MAX;) {
    if (!startsFrame(bytes, at)) {
      at = nextStart(bytes, at + 1);
      continue;
    }
    const frame = frameAt(bytes, at);
    if (frame === undefined) {
      damaged += 1;
      at += 1;
    } else {
      const end = at + declaredLength(bytes, at);
      yield { frame, bytes: bytes.subarray(at, end) };
      at = end;
    }
  }
}

/** Where the next frame could start: a buffer full of noise is passed over quickly. */
function nextStart(bytes: Uint8Array, from: number): number {
  const at = bytes.indexOf(MAGIC >> 8, from);
  return at === -1 ? bytes.length : at;
}

function frameAt(bytes: Uint8Array, at: number): Frame | undefined {
  const length = declaredLength(bytes, at);
  if (length > CONTROL_BYTES_MAX) return undefined;
  const frame = decodeFrame(bytes.subarray(at, at + length));
  return frame.kind === "malformed" ? undefined : frame;
}
