/**
 * Joined datagrams. With receive offload the kernel hands over many datagrams of one flow as one
 * buffer: slots of equal size, the last possibly shorter; it does not say how long a slot is. A frame
 * carries its length, but that may be corrupt, so no slot is trusted to say where the next one starts.
 */
import { declaredLength, HEADER_BYTES, startsFrame } from "./frames.ts";

/**
 * Size of the slots in `bytes`, which a socket handed over. `expectedBytes` is the segment size that
 * was asked for (0 if nothing was). A buffer of one datagram is one slot.
 */
export function slotBytesOf(bytes: Uint8Array, expectedBytes: number): number {
  const first = startsFrame(bytes) ? declaredLength(bytes) : 0;
  if (first === bytes.length) return first;
  if (isSlot(bytes, first)) return first;
  if (isSlot(bytes, expectedBytes)) return expectedBytes;
  return bytes.length;
}

/** Whether a second frame starts where a first slot of this size would end. */
function isSlot(bytes: Uint8Array, slotBytes: number): boolean {
  return slotBytes >= HEADER_BYTES && slotBytes < bytes.length && startsFrame(bytes, slotBytes);
}
