/** A report for people of where the workers' time went. */
import { BUSY_SHARE, DISK_SHARE } from "./limits.ts";
import type { StageTimes } from "../messages/chunk_source.ts";

/** `receive 1.20 s, wait 0.31 s` */
export function timesText(times: StageTimes): string {
  const parts = Object.entries(times).map(([stage, ms]) =>
    `${stage.replace(/Ms$/, "")} ${(ms / 1000).toFixed(2)} s`
  );
  return parts.join(", ");
}

/** What set the pace of a client's downloads: the one thing that would have to be faster; `undefined` where nothing came. */
export function paceText(
  receivers: readonly StageTimes[],
  assembler: StageTimes,
): string | undefined {
  if (!receivers.some(({ receiveMs = 0 }) => receiveMs > 0)) return undefined;
  if (share(assembler, "writeMs") >= DISK_SHARE) return "the disk set the pace";
  const busiest = Math.max(...[assembler, ...receivers].map((each) => 1 - share(each, "waitMs")));
  if (busiest >= BUSY_SHARE) return "this machine's processor set the pace";
  return "the network or the servers set the pace";
}

/** The part of a worker's time that went into one stage. */
function share(times: StageTimes, stage: keyof StageTimes): number {
  const totalMs = Object.values(times).reduce((sum, ms) => sum + ms, 0);
  return totalMs === 0 ? 0 : (times[stage] ?? 0) / totalMs;
}
