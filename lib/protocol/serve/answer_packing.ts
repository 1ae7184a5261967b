/** Several frames in as few datagrams as hold them; they are told apart by their lengths. */
import type { Bytes } from "../../ids.ts";
import { CONTROL_BYTES_MAX } from "../../wire/limits.ts";

/** Datagrams of at most {@linkcode CONTROL_BYTES_MAX} that hold `frames` in order. */
export function packFrames(frames: readonly Bytes[]): Bytes[] {
  const datagrams: Bytes[] = [];
  let first = 0;
  let bytes = 0;
  frames.forEach((frame, i) => {
    if (i > first && bytes + frame.length > CONTROL_BYTES_MAX) {
      datagrams.push(joined(frames.slice(first, i), bytes));
      first = i;
      bytes = 0;
    }
    bytes += frame.length;
  });
  if (bytes > 0) datagrams.push(joined(frames.slice(first), bytes));
  return datagrams;
}

function joined(frames: readonly Bytes[], totalBytes: number): Bytes {
  const [only] = frames;
  if (only !== undefined && frames.length === 1) return only;
  const datagram = new Uint8Array(totalBytes);
  let at = 0;
  for (const frame of frames) {
    datagram.set(frame, at);
    at += frame.length;
  }
  return datagram;
}
