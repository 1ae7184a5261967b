/** Begins the checks of chunks that clients found bad, when each is due. */
import type { Clock, Wakeup } from "../../io/system/clock.ts";
import { type ChunkCheck, ChunkChecks } from "../../protocol/serve/chunk_checks.ts";

export class CheckSchedule {
  readonly #clock: Clock;
  readonly #check: (check: ChunkCheck) => Promise<void>;
  readonly #checks = new ChunkChecks();
  readonly #timer: Wakeup;
  #isClosed = false;

  /** @param check does one, and resolves when it is done */
  constructor(clock: Clock, check: (check: ChunkCheck) => Promise<void>) {
    this.#clock = clock;
    this.#check = check;
    this.#timer = clock.timer(() => this.#run());
  }

  /** See {@linkcode ChunkChecks.add}. */
  add(party: string, check: ChunkCheck): boolean {
    const isTaken = this.#checks.add(party, check);
    if (isTaken) this.#run();
    return isTaken;
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.clear();
  }

  async #run(): Promise<void> {
    if (this.#isClosed) return;
    const check = this.#checks.next(this.#clock.nowMs());
    if (check !== undefined) {
      await this.#check(check);
      if (this.#isClosed) return;
      this.#checks.done(this.#clock.nowMs());
    }
    this.#timer.set(this.#checks.nextWakeupMs());
  }
}
