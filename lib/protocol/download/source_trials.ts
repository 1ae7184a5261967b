/**
 * Sources that have yet to show that they bring anything (docs/PROTOCOL.md, "Leases"): whoever says that he has a
 * content may bring nothing of it, under any number of names. They are tried a few at a time, and take nothing from
 * those who bring chunks.
 */
import type { SourceId } from "../../ids.ts";
import type { ActiveSource } from "./active_source.ts";
import type { CoordinatorAction } from "./coordinator_messages.ts";
import type { KnownServer } from "./known_server.ts";
import type { KnownSource } from "./known_source.ts";
import {
  CHUNK_BUFFER_BYTES_MAX,
  CLIENT_WINDOW_BYTES_MAX,
  RECEIVER_BUFFER_BYTES_MAX,
  RECEIVERS_MAX,
  SERVER_SILENT_MS,
  TRIAL_SLOWNESS_MAX,
  TRIALS_MAX,
} from "./limits.ts";

type Allotment = Extract<CoordinatorAction, { kind: "allot" }>;

/** What sources can do for what is missing. */
interface TrialRules {
  /** Whether a chunk is left that the one in question could be asked for. */
  hasWork(): boolean;
  /** Whether a source could be asked for anything that is missing. */
  isOfUse(source: SourceId): boolean;
}

/**
 * Whether a source of `server` may be put to work beside those that are asked for chunks: one server of a party is
 * tried at a time, and few of all once somebody brings chunks. A trial keeps others of its party waiting for
 * `SERVER_SILENT_MS` at most, and not where nothing can come of it: it may be the same server, under another id.
 */
export function mayTry(
  nowMs: number,
  server: KnownServer,
  pulling: readonly ActiveSource[],
  { hasWork, isOfUse }: TrialRules,
): boolean {
  const tried = pulling.filter((active) =>
    active.isOnTrial && !active.isSuspect && !active.isStalled(nowMs)
  );
  const isCrowded = tried.some((active) =>
    active.server !== server && active.server.party === server.party &&
    nowMs - active.sinceMs < SERVER_SILENT_MS && isOfUse(active.id)
  );
  if (isCrowded || !isBringing(nowMs, pulling)) return !isCrowded;
  return tried.length < TRIALS_MAX && hasWork();
}

/**
 * The order in which those who stand by get their turn: a party that has waited longest comes first, and of its sources
 * the one that has. Neither ids nor answers to questions, which cost nothing, bring anybody forward.
 */
export function byTurn(a: KnownSource, b: KnownSource): number {
  const parties = a.server.party.triedMs - b.server.party.triedMs;
  return parties !== 0 ? parties : a.triedMs - b.triedMs;
}

/** Whether a source that has never brought anything has had its time, while others bring chunks. */
export function hasFailedTrial(
  nowMs: number,
  active: ActiveSource,
  pulling: readonly ActiveSource[],
): boolean {
  if (active.isPushing || active.source.hasBrought || !isBringing(nowMs, pulling)) return false;
  if (active.isStalled(nowMs)) return true;
  const rates = pulling.map(({ rateBytesPerS }) => rateBytesPerS);
  const [lease] = active.leased;
  const chunkMs = (lease?.lengthBytes ?? 0) / Math.max(1, ...rates) * 1_000;
  return nowMs - active.sinceMs > Math.max(SERVER_SILENT_MS, TRIAL_SLOWNESS_MAX * chunkMs);
}

/** Whether those on trial have a small part of the window and the rate: not while the others have nothing to fetch. */
export function isDivided(all: readonly ActiveSource[]): boolean {
  return all.some(({ isOnTrial }) => isOnTrial) &&
    all.some(({ isPushing, isOnTrial, isIdle }) => !isPushing && !isOnTrial && !isIdle);
}

/**
 * One window, one set of buffers and one rate for the whole client; who pushes needs no window. Where some bring
 * chunks, those on trial take one share together, as if there were `RECEIVERS_MAX`.
 */
export function allotments(
  all: readonly ActiveSource[],
  totalRateBytesPerS: number,
): readonly Allotment[] {
  const pulling = all.filter(({ isPushing }) => !isPushing);
  const trials = pulling.filter(({ isOnTrial }) => isOnTrial).length;
  const hasTwoParts = isDivided(all);
  const trialShare = hasTwoParts ? 1 / RECEIVERS_MAX / trials : 1 / Math.max(1, pulling.length);
  const share = hasTwoParts
    ? (1 - 1 / RECEIVERS_MAX) / (pulling.length - trials)
    : 1 / Math.max(1, pulling.length);
  return all.map(({ id: source, isPushing, isOnTrial }) => {
    const own = isOnTrial ? trialShare : share;
    const ofRate = isPushing ? 1 / all.length : own * pulling.length / all.length;
    return {
      kind: "allot",
      source,
      windowBytesMax: isPushing ? 0 : CLIENT_WINDOW_BYTES_MAX * own,
      bufferBytesMax: Math.min(CHUNK_BUFFER_BYTES_MAX / all.length, RECEIVER_BUFFER_BYTES_MAX),
      rateBytesPerS: totalRateBytesPerS * ofRate,
    };
  });
}

function isBringing(nowMs: number, pulling: readonly ActiveSource[]): boolean {
  return pulling.some((active) => active.isBringing(nowMs));
}
