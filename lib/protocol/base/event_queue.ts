/**
 * Handles one event at a time. Performing a machine's actions may cause further events;
 * these wait, in order, until all actions of the first are done.
 */
export class EventQueue<Event> {
  readonly #handle: (event: Event) => void;
  readonly #waiting: Event[] = [];
  #isBusy = false;

  constructor(handle: (event: Event) => void) {
    this.#handle = handle;
  }

  /** Deals with `event`, and with all that it brings about, unless that is being done already. */
  push(event: Event): void {
    this.#waiting.push(event);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
        this.#handle(next);
      }
    } finally {
      this.#isBusy = false;
    }
  }
}
