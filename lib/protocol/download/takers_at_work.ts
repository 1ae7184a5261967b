/** Takers beside servers: how many are put to work, whose places they may have, and what they leave to servers. */
import type { ActiveSource } from "./active_source.ts";
import type { KnownSource } from "./known_source.ts";
import { RECEIVERS_MAX, TAKERS_AT_WORK_MAX } from "./limits.ts";

/** Whether `source` can be put to work only in the place of another one. */
export function isFullFor(source: KnownSource, active: readonly ActiveSource[]): boolean {
  return active.length >= RECEIVERS_MAX ||
    (source.isTaker && takersOf(active).length >= TAKERS_AT_WORK_MAX);
}

/** Servers have all: a taker has nobody's place but another one's, and makes room for a server first. */
export function whoMayLeaveFor(
  source: KnownSource,
  active: readonly ActiveSource[],
): readonly ActiveSource[] {
  const takers = takersOf(active);
  return source.isTaker || takers.length > 0 ? takers : active;
}

/** Whether takers bring so little that a server does better to give what they have; true of a taker. */
export function doTakersBringLess(
  nowMs: number,
  { source, rateBytesPerS }: ActiveSource,
  active: Iterable<ActiveSource>,
): boolean {
  if (source.isTaker) return true;
  let takersRate = 0;
  for (const taker of takersOf([...active])) {
    if (taker.isBringing(nowMs)) takersRate += taker.rateBytesPerS;
  }
  return rateBytesPerS >= takersRate;
}

function takersOf(active: readonly ActiveSource[]): readonly ActiveSource[] {
  return active.filter(({ source }) => source.isTaker);
}
