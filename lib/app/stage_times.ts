/** Where a worker's time went, for people. */
import type { StageTimes } from "../messages/receiver.ts";

/** `receive 1.20 s, wait 0.31 s` */
export function timesText(times: StageTimes): string {
  const parts = Object.entries(times).map(([stage, ms]) =>
    `${stage.replace(/Ms$/, "")} ${(ms / 1000).toFixed(2)} s`
  );
  return parts.join(", ");
}
