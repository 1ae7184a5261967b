/** Takers beside servers: how many are put to work, whose places they may have, and what they leave to servers. */
import type { ActiveSource } from "./active_source.ts";
import { type Leaving, type RoomRules, whoLeaves } from "./crowding.ts";
import type { KnownSource } from "./known_source.ts";
import { RECEIVERS_MAX, SERVER_SILENT_MS, TAKERS_AT_WORK_MAX } from "./limits.ts";

/** Whether `source` can be put to work only in the place of another one. */
export function isFullFor(source: KnownSource, active: readonly ActiveSource[]): boolean {
  return active.length >= RECEIVERS_MAX ||
    (source.isTaker && takersOf(active).length >= TAKERS_AT_WORK_MAX);
}

/**
 * Who leaves so that `source` can work, if anybody does. Servers have all: a taker has nobody's place but another one's, and the
 * slowest makes room for a server at once.
 */
export function whoMakesRoom(
  nowMs: number,
  source: KnownSource,
  active: readonly ActiveSource[],
  rules: RoomRules,
): Leaving | undefined {
  const takers = takersOf(active);
  if (source.isTaker) return whoLeaves(nowMs, source, takers, rules);
  const [first, ...others] = takers;
  if (first === undefined) return whoLeaves(nowMs, source, active, rules);
  const slowest = others.reduce((a, b) => b.rateBytesPerS < a.rateBytesPerS ? b : a, first);
  return { active: slowest, why: "spare" };
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

/**
 * Whether one whose lease has stalled is set aside. A taker may have left, which it tells those alone who ask in time: what it
 * holds back costs one lease.
 */
export function hasFallenSilent(nowMs: number, active: ActiveSource): boolean {
  return active.source.isTaker || active.silentMs(nowMs) >= SERVER_SILENT_MS;
}

/** Whether one that is silent is put to rest: the only server never is, whatever takers there are, and a taker always. */
export function mayRest(active: ActiveSource, pulling: readonly ActiveSource[]): boolean {
  return active.source.isTaker ||
    pulling.some((other) => other !== active && !other.source.isTaker);
}

function takersOf(active: readonly ActiveSource[]): readonly ActiveSource[] {
  return active.filter(({ source }) => source.isTaker);
}
