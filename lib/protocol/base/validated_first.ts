/**
 * What becomes of a table of peers that is full: those who proved nothing make room, one of them at
 * random, before anybody who proved that datagrams reach it (RFC 9000 calls that address validation).
 * A flood of invented peers then only displaces invented peers, and an honest peer among them
 * that is pushed out is met again with its next datagram.
 */
import type { Random } from "./random.ts";

/** One of `entries` that is not validated, at random; `undefined` where all are. */
export function chooseUnvalidated<T>(
  entries: Iterable<T>,
  isValidated: (entry: T) => boolean,
  random: Random,
): T | undefined {
  const candidates = [...entries].filter((entry) => !isValidated(entry));
  return candidates[random.below(candidates.length)];
}
