/**
 * What happens when a table of peers is full: unvalidated peers are evicted, one of them at
 * random, before any peer that has shown that datagrams reach it (address validation, RFC 9000).
 * A flood of invented peers then only displaces invented peers, and an honest peer among them
 * that is evicted returns with its next datagram.
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
