/**
 * Server-sent events for whoever looks on: the whole at first, then what has changed, at most {@linkcode LIVE_UPDATE_MS} apart. Who takes them slower
 * than they come misses some, and is told the whole again. Nothing is done while nobody looks on.
 */
import type { Offering } from "../app/offering.ts";
import type { Bytes } from "../ids.ts";
import type { Clock, Wakeup } from "../io/system/clock.ts";
import {
  LIVE_KEEPALIVE_MS,
  LIVE_UPDATE_MS,
  LIVE_VIEWERS_MAX,
  LIVE_VIEWERS_PER_ADDRESS_MAX,
} from "./limits.ts";
import { LiveState, type OfferingNow } from "./live_state.ts";
import { HttpProblem } from "./responses.ts";

const utf8 = new TextEncoder();
const KEEPALIVE = utf8.encode(": \n\n");

export class EventStreams {
  readonly #offering: Offering;
  readonly #clock: Clock;
  readonly #state = new LiveState();
  readonly #viewers = new Set<Viewer>();
  readonly #timer: Wakeup;
  readonly #unwatch: () => void;
  #toldMs = -Infinity;
  #aliveMs = 0;

  constructor(offering: Offering, clock: Clock) {
    this.#offering = offering;
    this.#clock = clock;
    this.#timer = clock.timer(() => this.#tick());
    this.#unwatch = offering.watch((event) => {
      if (this.#state.onEvent(clock.nowMs(), event)) this.#wakeSoon();
    });
  }

  /**
   * Events for one more viewer, until it is cancelled. Throws {@linkcode HttpProblem} where there are too many.
   *
   * @param party equal for one address
   */
  open(party: string): ReadableStream<Bytes> {
    const own = [...this.#viewers].filter((each) => each.party === party);
    const isCrowded = own.length >= LIVE_VIEWERS_PER_ADDRESS_MAX ||
      this.#viewers.size >= LIVE_VIEWERS_MAX;
    if (isCrowded) {
      throw new HttpProblem(503, "too many look on: try again", [["retry-after", "30"]]);
    }
    const viewer = new Viewer(party, {
      whole: () => this.#whole(),
      onEnd: () => {
        this.#viewers.delete(viewer);
        if (this.#viewers.size === 0) this.#timer.set(Infinity);
      },
    });
    this.#viewers.add(viewer);
    this.#tickAt(this.#clock.nowMs() + LIVE_UPDATE_MS);
    return viewer.stream;
  }

  /** Ends all of them. */
  close(): void {
    this.#unwatch();
    this.#timer.clear();
    for (const viewer of [...this.#viewers]) viewer.end();
  }

  #wakeSoon(): void {
    if (this.#viewers.size === 0) return;
    this.#tickAt(Math.max(this.#clock.nowMs(), this.#toldMs + LIVE_UPDATE_MS));
  }

  #tickAt(atMs: number): void {
    this.#timer.set(atMs);
  }

  #tick(): void {
    if (this.#viewers.size === 0) return;
    const now = this.#clock.nowMs();
    const update = this.#state.update(now, this.#now());
    if (update !== undefined) {
      this.#toldMs = now;
      const bytes = eventBytes("update", update);
      for (const viewer of this.#viewers) viewer.tell(bytes);
    }
    if (now - this.#aliveMs >= LIVE_KEEPALIVE_MS) {
      this.#aliveMs = now;
      for (const viewer of this.#viewers) viewer.tell(KEEPALIVE);
    }
    // What is offered tells nobody that it has changed: it is looked at.
    this.#tickAt(now + LIVE_UPDATE_MS);
  }

  #whole(): Bytes {
    return eventBytes("state", this.#state.whole(this.#clock.nowMs(), this.#now()));
  }

  #now(): OfferingNow {
    return { revision: this.#offering.revision, files: this.#offering.fileCount() };
  }
}

interface ViewerOptions {
  readonly whole: () => Bytes;
  readonly onEnd: () => void;
}

class Viewer {
  readonly stream: ReadableStream<Bytes>;
  readonly #options: ViewerOptions;
  #controller: ReadableStreamDefaultController<Bytes> | undefined;
  /** Whether it has missed something, or was told nothing yet. */
  #isBehind = true;
  #isOver = false;

  constructor(readonly party: string, options: ViewerOptions) {
    this.#options = options;
    this.stream = new ReadableStream({
      start: (controller) => void (this.#controller = controller),
      pull: (controller) => {
        if (!this.#isBehind) return;
        this.#isBehind = false;
        controller.enqueue(options.whole());
      },
      cancel: () => this.#over(),
    });
  }

  tell(bytes: Bytes): void {
    if (this.#isBehind) return;
    // What it was told before has not been taken yet.
    if ((this.#controller?.desiredSize ?? 0) <= 0) this.#isBehind = true;
    else this.#controller?.enqueue(bytes);
  }

  end(): void {
    if (this.#isOver) return;
    this.#controller?.close();
    this.#over();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onEnd();
  }
}

function eventBytes(event: string, data: object): Bytes {
  return utf8.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
