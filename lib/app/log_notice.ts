/** What a session logs, as an event. */
import type { LogLevel } from "../protocol/session/dialogue.ts";
import type { NoticeEvent } from "./events.ts";

const LEVELS = { DEBUG: "verbose", INFO: "info", WARNING: "warning", ERROR: "warning" } as const;

export function logNotice(level: LogLevel, message: string): NoticeEvent {
  return { event: "notice", level: LEVELS[level], message };
}
