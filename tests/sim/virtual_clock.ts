/**
 * The one clock of a simulated world: an agenda with the time on it. Whoever waits for it goes on before
 * anything else happens, so that the same world always runs the same way.
 */
import { setImmediate } from "node:timers/promises";
import { Agenda } from "./agenda.ts";

/** Events at one and the same moment after which a world is said to run in circles. */
const EVENTS_PER_MOMENT_MAX = 20_000;

/** Has a process do its work: now, later if it is stalled, or never if it is no more. */
export type Gate = (work: () => void) => void;

export class VirtualClock {
  nowMs = 0;
  readonly #agenda = new Agenda();
  #eventsNow = 0;
  /** Whether somebody whose wait is over has not gone on yet. */
  #isOwed = false;
  /** The most that was ever still to happen. */
  comingMax = 0;
  eventCount = 0;

  at(atMs: number, run: () => void): void {
    this.#agenda.add(Math.max(this.nowMs, atMs), run);
    if (this.#agenda.size > this.comingMax) this.comingMax = this.#agenda.size;
  }

  after(ms: number, run: () => void): void {
    this.at(this.nowMs + ms, run);
  }

  /** Resolves after so long, when the gate says so. */
  elapsed(ms: number, gate: Gate): Promise<void> {
    return new Promise((resolve) =>
      this.after(ms, () =>
        gate(() => {
          this.settle();
          resolve();
        }))
    );
  }

  /** What is awaited now goes on before the next event. */
  settle(): void {
    this.#isOwed = true;
  }

  /** Lets things happen until `isOver`, or nothing is left to happen before `untilMs`. */
  async run(untilMs: number, isOver: () => boolean): Promise<void> {
    while (!isOver() && this.#agenda.nextMs <= untilMs) {
      this.#step();
      if (!this.#isOwed) continue;
      this.#isOwed = false;
      await setImmediate();
    }
  }

  #step(): void {
    const next = this.#agenda.take()!;
    this.#eventsNow = next.atMs > this.nowMs ? 0 : this.#eventsNow + 1;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    this.eventCount += 1;
    if (this.#eventsNow > EVENTS_PER_MOMENT_MAX) {
      throw new Error("time stands still: things happen without end");
    }
    next.run();
  }
}

/** One wake-up that is moved about, most often to later. */
export class Alarm {
  readonly #clock: VirtualClock;
  readonly #wake: () => void;
  #wantedMs = Infinity;
  #armedMs = Infinity;

  constructor(clock: VirtualClock, wake: () => void) {
    this.#clock = clock;
    this.#wake = wake;
  }

  /** Wakes at `atMs` (Infinity: never) instead of whenever was set before. */
  set(atMs: number): void {
    this.#wantedMs = atMs;
    if (atMs >= this.#armedMs || atMs === Infinity) return;
    this.#arm(atMs);
  }

  #arm(atMs: number): void {
    this.#armedMs = atMs;
    this.#clock.at(atMs, () => {
      // Set for earlier meanwhile: this one is of no use any more.
      if (this.#armedMs !== atMs) return;
      this.#armedMs = Infinity;
      if (this.#wantedMs === Infinity) return;
      if (this.#wantedMs > this.#clock.nowMs) return this.#arm(this.#wantedMs);
      this.#wantedMs = Infinity;
      this.#wake();
    });
  }
}

/** Messages from one thread to another: they take a while, and never overtake each other. */
export class Channel {
  readonly #clock: VirtualClock;
  readonly #hopMs: () => number;
  #lastMs = 0;
  /** Messages on their way. */
  pending = 0;

  /** @param readyMs when the other side has started; messages wait for that */
  constructor(clock: VirtualClock, hopMs: () => number, readyMs = 0) {
    this.#clock = clock;
    this.#hopMs = hopMs;
    this.#lastMs = readyMs;
  }

  /** @param heldMs how long it takes until it leaves */
  post(deliver: () => void, heldMs = 0): void {
    this.#lastMs = Math.max(this.#lastMs, this.#clock.nowMs + heldMs + this.#hopMs());
    this.pending += 1;
    this.#clock.at(this.#lastMs, () => {
      this.pending -= 1;
      deliver();
    });
  }
}
