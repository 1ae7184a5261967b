/**
 * Joined datagrams. With receive offload the kernel hands over many datagrams of one flow as one
 * buffer: slots of equal size, the last possibly shorter; it does not say how long a slot is. A frame
 * carries its length, but that may be corrupt, so no slot is trusted to say where the next one starts.
 */
import { declaredLength, HEADER_BYTES, startsFrame } from "./frames.ts";

/**
 * Size of the slots in `bytes`, which a socket handed over. `expectedBytes` is the segment size that
 * was asked for (0 if nothing was). A buffer of one datagram is one slot.
 *
 * The length that the first frame declares and the expected one are both only claims. The one at
 * whose multiples more frames start is believed, the smaller one if both do as well (at multiples of
 * a multiple frames start too), so that one corrupt field, wherever it is, costs only its own slot.
 */
export function slotBytesOf(bytes: Uint8Array, expectedBytes: number): number {
  const declaredBytes = startsFrame(bytes) ? declaredLength(bytes) : 0;
  if (declaredBytes === bytes.length) return declaredBytes;
  const forDeclared = frameShare(bytes, declaredBytes);
  const forExpected = frameShare(bytes, expectedBytes);
  if (forDeclared > 0 && forDeclared === forExpected) return Math.min(declaredBytes, expectedBytes);
  if (forDeclared > forExpected) return declaredBytes;
  if (forExpected > 0) return expectedBytes;
  // Two slots, and the second one's first bytes are corrupt: the claims have to agree.
  const isCut = declaredBytes === expectedBytes && expectedBytes < bytes.length;
  return isCut && expectedBytes > 0 ? expectedBytes : bytes.length;
}

/** Of the places where slots after the first would start, the part at which a frame does. */
function frameShare(bytes: Uint8Array, slotBytes: number): number {
  if (slotBytes < HEADER_BYTES || slotBytes >= bytes.length) return 0;
  let places = 0;
  let frames = 0;
  for (let at = slotBytes; at < bytes.length; at += slotBytes) {
    places += 1;
    if (startsFrame(bytes, at)) frames += 1;
  }
  return frames / places;
}
