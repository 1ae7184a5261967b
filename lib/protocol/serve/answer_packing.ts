/** Packs frames into as few datagrams as possible; their lengths tell them apart. */
import type { Bytes } from "../../ids.ts";

/** Datagrams of at most `bytesMax` that hold `frames`, none of which is longer, in order. */
export function packFrames(frames: readonly Bytes[], bytesMax: number): Bytes[] {
  const datagrams: Bytes[] = [];
  let first = 0;
  let bytes = 0;
  frames.forEach((frame, i) => {
    if (i > first && bytes + frame.length > bytesMax) {
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
