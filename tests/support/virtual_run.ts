/** A machine on a virtual clock: events at times, and everything that it did about them. */

interface VirtualMachine<Event, Action> {
  handle(nowMs: number, event: Event): readonly Action[];
  nextWakeupMs(): number;
}

export interface Done<Action> {
  readonly atMs: number;
  readonly action: Action;
}

export class VirtualRun<Event, Action> {
  nowMs = 0;
  readonly done: Done<Action>[] = [];
  readonly #machine: VirtualMachine<Event, Action>;
  readonly #wakeup: Event;
  readonly #react: (action: Action, nowMs: number) => void;
  #coming: { readonly atMs: number; readonly event: Event }[] = [];

  /** @param react what the world does about an action, mostly by calling {@linkcode at} */
  constructor(
    machine: VirtualMachine<Event, Action>,
    wakeup: Event,
    react: (action: Action, nowMs: number) => void = () => {},
  ) {
    this.#machine = machine;
    this.#wakeup = wakeup;
    this.#react = react;
  }

  at(atMs: number, event: Event): void {
    this.#coming.push({ atMs, event });
  }

  /** Lets time pass up to `endMs`, event by event. */
  runUntil(endMs: number): void {
    for (let turns = 0;; turns++) {
      if (turns > 1_000_000) throw new Error("the machine does not come to rest");
      this.#coming.sort((a, b) => a.atMs - b.atMs);
      const eventMs = this.#coming[0]?.atMs ?? Infinity;
      const wakeupMs = this.#machine.nextWakeupMs();
      const nextMs = Math.max(this.nowMs, Math.min(eventMs, wakeupMs));
      if (nextMs > endMs) break;
      this.nowMs = nextMs;
      this.#step(eventMs <= wakeupMs ? this.#coming.shift()!.event : this.#wakeup);
    }
    this.nowMs = endMs;
  }

  /** What it did of a kind, with its times. */
  of<Kind extends Action extends { kind: infer K } ? K : never>(
    kind: Kind,
  ): Done<Extract<Action, { kind: Kind }>>[] {
    return this.done.filter(({ action }) => (action as { kind: unknown }).kind === kind) as Done<
      Extract<Action, { kind: Kind }>
    >[];
  }

  #step(event: Event): void {
    for (const action of this.#machine.handle(this.nowMs, event)) {
      this.done.push({ atMs: this.nowMs, action });
      this.#react(action, this.nowMs);
    }
  }
}
