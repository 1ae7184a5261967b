/**
 * What is left out of an index: a line for the user for each of a few things, and a count of what is left out for the
 * same reason. Scans see the same again and again: it is told once. What is hidden is counted alone.
 */
import { displayName } from "../../names.ts";
import { LEFT_OUT_ALIKE_MAX, LEFT_OUT_NOTICES_MAX } from "./limits.ts";

/** Ends the name of what is left out, and begins the reason. */
const SKIPPED = " is skipped: ";

export class LeftOut {
  readonly #noted = new Set<string>();
  /** By reason, how many were told one by one. */
  readonly #told = new Map<string, number>();
  /** By reason, how many were seen in the scan under way, and how many the last line about them counted. */
  #seen = new Map<string, number>();
  readonly #summed = new Map<string, number>();
  readonly #onNotice: (message: string) => void;
  #hiddenSeen = 0;
  #hiddenCount = 0;

  constructor(onNotice: (message: string) => void) {
    this.#onNotice = onNotice;
  }

  /** Hidden files and folders, as of the last scan. */
  get hiddenCount(): number {
    return this.#hiddenCount;
  }

  noteFile(name: string, why: string): void {
    this.note(`${displayName(name)}${SKIPPED}${why}`);
  }

  /** @param message one line, of which the reason is the end */
  readonly note = (message: string): void => {
    const at = message.lastIndexOf(SKIPPED);
    const reason = at === -1 ? message : message.slice(at + SKIPPED.length);
    this.#seen.set(reason, (this.#seen.get(reason) ?? 0) + 1);
    if (this.#noted.size >= LEFT_OUT_NOTICES_MAX || this.#noted.has(message)) return;
    const told = this.#told.get(reason) ?? 0;
    if (told >= LEFT_OUT_ALIKE_MAX) return;
    this.#told.set(reason, told + 1);
    this.#noted.add(message);
    this.#onNotice(message);
  };

  /** What is told in a scan, from its beginning. */
  beginScan() {
    this.#seen = new Map();
    this.#hiddenSeen = 0;
    return { onLeftOut: this.note, onHidden: (): void => void this.#hiddenSeen++ };
  }

  /** Counts what was not told one by one, unless a scan before has told nearly as much. */
  endScan(): void {
    this.#hiddenCount = this.#hiddenSeen;
    for (const [reason, seen] of this.#seen) {
      const rest = seen - (this.#told.get(reason) ?? 0);
      if (rest <= 2 * (this.#summed.get(reason) ?? 0)) continue;
      if (this.#summed.size >= LEFT_OUT_NOTICES_MAX) return;
      this.#summed.set(reason, rest);
      this.#onNotice(`…and ${rest} more skipped: ${reason}`);
    }
  }
}
