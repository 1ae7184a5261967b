/**
 * Deals with one event at a time. Performing what a machine wants may bring about further events while
 * it is being done; they wait until all that follows from the first is done, in the order in which they came.
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
