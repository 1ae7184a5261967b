/** How much of a run's time nothing could be fetched: before anybody offered anything, and while nothing came. Pure. */
import type { GetEvent } from "../app/events.ts";
import { PAUSE_MS_MIN } from "./limits.ts";

export class WaitedTime {
  #beforeMs = 0;
  #pausedMs = 0;
  /** When something last came; the beginning, before anything was offered. */
  #movedMs: number;
  #hasBegun = false;
  /** Bytes of each name, as they were told last. */
  readonly #bytes = new Map<string, number>();

  constructor(startMs: number) {
    this.#movedMs = startMs;
  }

  /** All of it. */
  get ms(): number {
    return this.#beforeMs + this.#pausedMs;
  }

  /** Without what passed before anybody offered anything. */
  get pausedMs(): number {
    return this.#pausedMs;
  }

  note(nowMs: number, event: GetEvent): void {
    switch (event.event) {
      case "offer":
        return this.#hasBegun ? undefined : this.#moved(nowMs);
      case "progress": {
        const before = this.#bytes.get(event.name);
        this.#bytes.set(event.name, event.bytes);
        return before === event.bytes ? undefined : this.#moved(nowMs);
      }
      case "folder":
      case "done":
      case "failed":
        this.#bytes.delete(event.name);
        return event.event === "failed" ? undefined : this.#moved(nowMs);
      default:
        return;
    }
  }

  /** A short pause is part of fetching; all of the time before the beginning is none. */
  #moved(nowMs: number): void {
    const pauseMs = nowMs - this.#movedMs;
    if (!this.#hasBegun) this.#beforeMs = pauseMs;
    else if (pauseMs >= PAUSE_MS_MIN) this.#pausedMs += pauseMs;
    this.#hasBegun = true;
    this.#movedMs = nowMs;
  }
}
