/**
 * Where the FINDs of a search go that nobody was proved to be at, and how long they are (docs/PROTOCOL.md, "When a
 * client asks"). On a thin uplink a search must not take the room of what it has found.
 */
import type { Endpoint } from "../../address.ts";
import { GUESSED_ROUNDS } from "./limits.ts";

/** What a search knows of who has answered. */
interface Heard {
  /** Whether anything is looked for of which it is not known where to take it from. */
  readonly isSeeking: boolean;
  isHeardAt(address: string): boolean;
  isProvedAt(endpoint: Endpoint): boolean;
}

export interface FindTargets {
  /** Broadcast addresses, and hosts at the port where a server is to be expected. */
  readonly likely: readonly Endpoint[];
  /** Ports of hosts where there may be another one. */
  readonly possible: readonly Endpoint[];
}

type FindForm = "full" | "brief";

/**
 * The first FIND is padded, so that an answer follows at once, and so are those that ask for it from the other port.
 * The second is brief as well, for paths that carry no more, before anything else is tried; then every other one is,
 * and all are where somebody has answered, or where it is known already where to take everything from: whoever joins
 * then takes a round trip more, and the transfer has the uplink.
 */
export function formsFor(
  round: number,
  isHeard: boolean,
  isSeeking: boolean,
): readonly FindForm[] {
  if (isHeard || (!isSeeking && round > 1)) return ["brief"];
  if (round === 1) return ["full", "brief"];
  return round === 0 || round % 2 === 1 ? ["full"] : ["brief"];
}

/** Endpoints to be sent the FIND of this round, and in which form. */
export function* findTargets(
  round: number,
  { likely, possible }: FindTargets,
  heard: Heard,
): Generator<{ readonly to: Endpoint; readonly form: FindForm }> {
  for (const to of likely) {
    for (const form of formsFor(round, heard.isHeardAt(to.address), heard.isSeeking)) {
      yield { to, form };
    }
  }
  for (const to of possible) {
    // Where another server of a host is started later, the shared port leads to it.
    const isOpen = round < GUESSED_ROUNDS || !heard.isHeardAt(to.address);
    if (isOpen || heard.isProvedAt(to)) yield { to, form: "brief" };
  }
}
