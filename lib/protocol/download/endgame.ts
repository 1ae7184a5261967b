/** The endgame: nothing is free any more, so who has nothing to do helps with what will end last. */
import type { ActiveSource, LeasedChunk } from "./active_source.ts";
import { TAKERS_LAST_MS } from "./limits.ts";

/** What `idle` should fetch as well: the lease that would end last, if it should end sooner that way. */
export function leaseToDouble(
  nowMs: number,
  idle: ActiveSource,
  active: readonly ActiveSource[],
): LeasedChunk | undefined {
  if (idle.rateBytesPerS === 0) return leaseToTry(nowMs, idle, active);
  let latest: LeasedChunk | undefined;
  let latestEndS = 0;
  for (const other of active) {
    if (other === idle) continue;
    let aheadBytes = 0;
    for (const lease of other.leased) {
      aheadBytes += lease.lengthBytes;
      const endS = other.secondsFor(aheadBytes);
      if (endS <= latestEndS || !mayDouble(nowMs, lease, idle, active)) continue;
      latest = lease;
      latestEndS = endS;
    }
  }
  const isSooner = latest !== undefined && idle.secondsToFetch(latest.lengthBytes) < latestEndS;
  return isSooner ? latest : undefined;
}

/** When one that is idle may be asked for what another on trial was asked for; Infinity if that is not ahead. */
export function nextHelpMs(nowMs: number, active: Iterable<ActiveSource>): number {
  let nextMs = Infinity;
  for (const each of active) {
    for (const lease of each.isOnTrial ? each.leased : []) {
      const helpMs = each.helpMs(lease);
      if (helpMs > nowMs) nextMs = Math.min(nextMs, helpMs);
    }
  }
  return nextMs;
}

/**
 * What one of unknown rate should fetch as well: what only those on trial were asked for, and seem not to bring. Were it to
 * wait until that is taken from them, a file of one chunk would wait for each of them in turn.
 */
function leaseToTry(
  nowMs: number,
  idle: ActiveSource,
  active: readonly ActiveSource[],
): LeasedChunk | undefined {
  if (idle.isSuspect) return undefined;
  for (const other of active) {
    for (const lease of other.leased) {
      if (mayHave(lease, idle) && isInDoubt(nowMs, lease, active)) return lease;
    }
  }
  return undefined;
}

function mayDouble(
  nowMs: number,
  lease: LeasedChunk,
  idle: ActiveSource,
  active: readonly ActiveSource[],
): boolean {
  const { transfer: { leases }, chunk } = lease;
  return mayHave(lease, idle) && !isLeftToTakers(nowMs, lease, idle) &&
    (leases.owners(chunk).length === 1 || isInDoubt(nowMs, lease, active));
}

function mayHave({ transfer, chunk }: LeasedChunk, idle: ActiveSource): boolean {
  return transfer.isProvider(idle.id) && transfer.leases.freeCount === 0 &&
    !transfer.leases.owners(chunk).includes(idle.id) && transfer.mayFetch(chunk, idle.id);
}

/** Servers are asked twice, for what many fetch, only where it takes long: all would ask for the last chunks at once. */
function isLeftToTakers(
  nowMs: number,
  { transfer, sinceMs }: LeasedChunk,
  idle: ActiveSource,
): boolean {
  return transfer.isShared && !idle.source.isTaker && nowMs - sinceMs < TAKERS_LAST_MS;
}

/** Whether everybody who was asked for this is on trial, and seems not to bring it. */
function isInDoubt(
  nowMs: number,
  { transfer, chunk }: LeasedChunk,
  active: readonly ActiveSource[],
): boolean {
  return transfer.leases.owners(chunk).every((owner) => {
    const other = active.find(({ id }) => id === owner);
    const own = other?.leaseOf(transfer.id, chunk);
    return other !== undefined && own !== undefined && nowMs >= other.helpMs(own);
  });
}
