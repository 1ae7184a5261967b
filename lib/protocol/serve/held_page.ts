/** What one HAVE tells of the chunks that somebody has: from where it was asked, without the zeros behind the last of them. */
import type { FrameOf } from "../../wire/frames.ts";
import { HELD_BYTES_MAX } from "../../wire/limits.ts";

type HeldPage = Pick<FrameOf<"have">, "hasAll" | "firstChunk" | "held">;

/** @param held one bit a chunk; `undefined` for all of them */
export function heldPage(held: Uint8Array | undefined, firstChunk: number): HeldPage {
  if (held === undefined) return { hasAll: 1, firstChunk: 0, held: new Uint8Array(0) };
  const from = Math.min(Math.floor(firstChunk / 8), held.length);
  // Other threads write to it.
  const page = held.slice(from, from + HELD_BYTES_MAX);
  let length = page.length;
  while (length > 0 && page[length - 1] === 0) length -= 1;
  return { hasAll: 0, firstChunk: from * 8, held: new Uint8Array(page.subarray(0, length)) };
}
