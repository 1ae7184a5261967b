/** What a look at the machine and its network has shown. */
import type { FindingEvent } from "../events.ts";

/** A finding before it is told. */
export type Finding = Omit<FindingEvent, "event">;
type Check = FindingEvent["check"];

export function ok(check: Check, message: string): Finding {
  return { check, severity: "ok", message };
}

/** Worth knowing; nothing is wrong. */
export function note(check: Check, message: string, advice?: string): Finding {
  return { check, severity: "note", message, ...(advice !== undefined && { advice }) };
}

/** It will be in somebody's way, perhaps not in this user's. */
export function warning(check: Check, message: string, advice: string): Finding {
  return { check, severity: "warning", message, advice };
}

/** Nothing works, or not what was asked about. */
export function problem(check: Check, message: string, advice: string): Finding {
  return { check, severity: "problem", message, advice };
}
