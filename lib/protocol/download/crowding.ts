/** Which source makes room for another one, when as many are at work as may be. */
import type { ActiveSource } from "./active_source.ts";
import type { KnownParty, KnownServer } from "./known_server.ts";
import type { KnownSource } from "./known_source.ts";
import { SWAP_INTERVAL_MS } from "./limits.ts";

export interface Leaving {
  readonly active: ActiveSource;
  /** "idle": it has nothing to give now. "spare": its server is reached by another path. */
  readonly why: "idle" | "silent" | "spare" | "crowded" | "swapped";
}

export interface RoomRules {
  /** Whether it is time again for the slowest one to stand by. */
  readonly maySwap: boolean;
  /** Whether anything that is missing can come of it. */
  isOfUse(source: KnownSource): boolean;
}

/**
 * Whoever has nothing to give, or has never brought anything and is silent, or is a second path to its server, or one of a
 * crowd, or every so often the slowest one. One that pushes may be slow and yet be what brings most, so it
 * makes room only where there are no others, and takes nobody's place.
 */
export function whoLeaves(
  nowMs: number,
  { mode, server }: KnownSource,
  all: readonly ActiveSource[],
  { maySwap, isOfUse }: RoomRules,
): Leaving | undefined {
  const leaving = (active: ActiveSource | undefined, why: Leaving["why"]): Leaving | undefined =>
    active && { active, why };
  const idle = leaving(all.find(({ source }) => !isOfUse(source)), "idle");
  if (idle !== undefined || mode === "push") return idle;
  const pulling = all.filter(({ isPushing }) => !isPushing);
  const silent = pulling.find((each) =>
    !each.source.hasBrought && (each.isSuspect || each.isStalled(nowMs))
  );
  return leaving(silent, "silent") ?? leaving(secondPath(pulling), "spare") ??
    leaving(crowdedBeside(server.party, pulling), "crowded") ??
    (maySwap
      ? leaving(slowestAtWork(nowMs, pulling.length > 0 ? pulling : all), "swapped")
      : undefined);
}

/** A path to a server to which another one is at work, too. */
function secondPath(pulling: readonly ActiveSource[]): ActiveSource | undefined {
  return pulling.find((active) =>
    pulling.some((other) => other !== active && other.source.whole === active.source.whole)
  );
}

/** The slowest source of a party that has two servers more at work than `party`: ids are free, addresses are not. */
function crowdedBeside(
  party: KnownParty,
  pulling: readonly ActiveSource[],
): ActiveSource | undefined {
  const atWork = new Map<KnownParty, Set<KnownServer>>();
  for (const { server } of pulling) {
    atWork.set(server.party, (atWork.get(server.party) ?? new Set()).add(server));
  }
  const most = (atWork.get(party)?.size ?? 0) + 1;
  return slowest(pulling.filter(({ server }) => atWork.get(server.party)!.size > most));
}

/** Of those that have had their turn. */
function slowestAtWork(nowMs: number, sources: readonly ActiveSource[]): ActiveSource | undefined {
  return slowest(sources.filter(({ sinceMs }) => nowMs - sinceMs >= SWAP_INTERVAL_MS));
}

function slowest([first, ...others]: readonly ActiveSource[]): ActiveSource | undefined {
  if (first === undefined) return undefined;
  return others.reduce((a, b) => b.rateBytesPerS < a.rateBytesPerS ? b : a, first);
}
