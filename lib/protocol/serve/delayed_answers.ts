/**
 * Answers that wait for their time. Only who has proved nothing waits, and there is room for so many: then one
 * of those that wait makes room, at random, so that a flood displaces mostly its own.
 */
import type { Random } from "../base/random.ts";
import { DELAYED_ANSWERS_MAX } from "./limits.ts";

export class DelayedAnswers<Answer> {
  readonly #random: Random;
  #waiting: { readonly dueMs: number; readonly answer: Answer }[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  add(dueMs: number, answer: Answer): void {
    const entry = { dueMs, answer };
    if (this.#waiting.length < DELAYED_ANSWERS_MAX) this.#waiting.push(entry);
    else this.#waiting[this.#random.below(this.#waiting.length)] = entry;
  }

  /** Those whose time has come, which wait no more, in the order of their times. */
  take(nowMs: number): Answer[] {
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs);
    if (due.length > 0) this.#waiting = this.#waiting.filter(({ dueMs }) => dueMs > nowMs);
    return due.sort((a, b) => a.dueMs - b.dueMs).map(({ answer }) => answer);
  }

  /** When the next one is due; Infinity for never. */
  nextWakeupMs(): number {
    return this.#waiting.reduce((nextMs, { dueMs }) => Math.min(nextMs, dueMs), Infinity);
  }
}
