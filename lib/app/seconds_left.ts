/** How long something takes, as events tell it: not at all where nobody can say, or where it is more than a day. */
import { SECONDS_LEFT_MAX } from "./limits.ts";

export function secondsLeftField(
  seconds: number | undefined,
): { readonly secondsLeft?: number } {
  return seconds === undefined || !(seconds <= SECONDS_LEFT_MAX) ? {} : { secondsLeft: seconds };
}
