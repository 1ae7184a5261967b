/** The endgame: nothing is free any more, so who has nothing to do helps with what will end last. */
import type { ActiveSource, LeasedChunk } from "./active_source.ts";

/** What `idle` should fetch as well: the lease that would end last, if it should end sooner that way. */
export function leaseToDouble(
  idle: ActiveSource,
  active: Iterable<ActiveSource>,
): LeasedChunk | undefined {
  if (idle.rateBytesPerS === 0) return undefined;
  let latest: LeasedChunk | undefined;
  let latestEndS = 0;
  for (const other of active) {
    if (other === idle) continue;
    let aheadBytes = 0;
    for (const lease of other.leased) {
      aheadBytes += lease.lengthBytes;
      const endS = other.secondsFor(aheadBytes);
      if (endS <= latestEndS || !mayDouble(lease, idle)) continue;
      latest = lease;
      latestEndS = endS;
    }
  }
  const isSooner = latest !== undefined && idle.secondsToFetch(latest.lengthBytes) < latestEndS;
  return isSooner ? latest : undefined;
}

function mayDouble({ transfer, chunk }: LeasedChunk, idle: ActiveSource): boolean {
  return transfer.isProvider(idle.id) && transfer.leases.freeCount === 0 &&
    transfer.leases.owners(chunk).length === 1 && transfer.mayFetch(chunk, idle.id);
}
