/**
 * The lines about files that failed. What many have in common is said once, and counted: a server that is gone is one
 * finding, not one for each of its files.
 */
import type { FailedEvent } from "../app/events.ts";
import { displayName } from "../names.ts";
import { errorLines } from "./event_lines.ts";
import { FAILURE_REASONS_MAX, FAILURES_ALIKE_SHOWN_MAX } from "./limits.ts";
import { countText } from "./units.ts";

interface Failures {
  readonly reason: string;
  shown: number;
  hidden: number;
}

export class FailureLines {
  /** By what happened and what to do, whichever file it is about. */
  readonly #alike = new Map<string, Failures>();
  #otherCount = 0;

  /** What was interrupted is reported once, for the whole command. */
  of(event: FailedEvent): readonly string[] {
    const { name, code, message, hint } = event;
    if (code === "interrupted") return [];
    const isNamed = message.includes(name);
    const reason = isNamed && name !== "" ? withoutName(message, name) : message;
    const key = JSON.stringify([code, reason, hint]);
    const failures = this.#alike.get(key) ?? { reason, shown: 0, hidden: 0 };
    if (failures.shown === 0 && this.#alike.size >= FAILURE_REASONS_MAX) {
      this.#otherCount += 1;
      return [];
    }
    this.#alike.set(key, failures);
    // What does not name the file is about something that it has in common with others.
    if (failures.shown >= (isNamed ? FAILURES_ALIKE_SHOWN_MAX : 1)) {
      failures.hidden += 1;
      return [];
    }
    failures.shown += 1;
    // The message alone may not say which file it is.
    return errorLines({ ...event, message: isNamed ? message : `${name}: ${message}` });
  }

  /** Those that were not told one by one. */
  rest(): readonly string[] {
    const hidden = [...this.#alike.values()].filter(({ hidden }) => hidden > 0);
    const lines = hidden.map(({ reason, hidden }) =>
      `error: the same for ${countText(hidden, "more file")}: ${displayName(reason)}`
    );
    if (this.#otherCount === 0) return lines;
    return [...lines, `error: ${countText(this.#otherCount, "more file")} failed in other ways`];
  }
}

/** A short name may be part of any word. */
function withoutName(message: string, name: string): string {
  const quoted = message.replaceAll(`'${name}'`, "'…'");
  return quoted === message ? message.replaceAll(name, "…") : quoted;
}
