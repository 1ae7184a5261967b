/** What is left out of an index: a line for the user each, once, unless there have been too many. */
import { displayName } from "../../names.ts";
import { LEFT_OUT_NOTICES_MAX } from "./limits.ts";

export class LeftOut {
  readonly #noted = new Set<string>();
  readonly #onNotice: (message: string) => void;

  constructor(onNotice: (message: string) => void) {
    this.#onNotice = onNotice;
  }

  noteFile(name: string, why: string): void {
    this.note(`${displayName(name)} is skipped: ${why}`);
  }

  note(message: string): void {
    if (this.#noted.size > LEFT_OUT_NOTICES_MAX || this.#noted.has(message)) return;
    this.#noted.add(message);
    const isLast = this.#noted.size > LEFT_OUT_NOTICES_MAX;
    this.#onNotice(isLast ? "…and more skipped" : message);
  }
}
