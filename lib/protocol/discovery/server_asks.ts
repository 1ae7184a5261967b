/**
 * The unicast FINDs to one server, once it has answered: each query until it is
 * answered, a few FINDs at a time, repeated when they are lost.
 */
import {
  ASK_GRACE_MS,
  ASK_MISSES_BRIEF,
  ASK_TIMEOUT_MS,
  ASK_TRIES_MAX,
  ASKS_PER_SERVER_MAX,
  PENDING_POLL_MS,
} from "./limits.ts";

interface Ask {
  readonly unanswered: Set<number>;
  readonly isBrief: boolean;
  readonly sentMs: number;
  readonly deadlineMs: number;
}

export class ServerAsks {
  readonly #queryCount: number;
  /** Until when its answers to a broadcast may still be coming in; Infinity once that is over. */
  #graceEndMs: number;
  /** Queries before this one have been looked at. */
  #next = 0;
  /** Queries to be asked again. */
  readonly #again = new Set<number>();
  /** When to look again at what the server is hashing. */
  readonly #polls = new Map<number, number>();
  #inFlight: Ask[] = [];
  /** How often in a row FINDs brought nothing. */
  #misses = 0;
  /** How often in a row FINDs did not bring all answers: those that are longer may vanish, and others come. */
  #lacking = 0;
  /** Whether what was answered in full after several of them was brief. */
  #wasBrief = false;

  constructor(nowMs: number, queryCount: number) {
    this.#graceEndMs = nowMs + ASK_GRACE_MS;
    this.#queryCount = queryCount;
  }

  /** Those that were sent after `sinceMs`; all by default. */
  inFlight(sinceMs = -Infinity): number {
    return this.#inFlight.filter(({ sentMs }) => sentMs > sinceMs).length;
  }

  get hasGivenUp(): boolean {
    return this.#misses >= ASK_TRIES_MAX;
  }

  /** Which of its FINDs is tried next, for choosing another path after a miss. */
  get misses(): number {
    return this.#misses;
  }

  /** Whether the next FIND is brief: what brought no answer may have been too long for the path, or its answer. */
  get isBrief(): boolean {
    return this.#wasBrief !== (this.#lacking >= ASK_MISSES_BRIEF);
  }

  /** The queries to be asked next; `asked` takes those that a FIND had room for. */
  *due(isWanted: (queryIndex: number) => boolean): Generator<number> {
    if (this.#graceEndMs < Infinity || this.#inFlight.length >= ASKS_PER_SERVER_MAX) return;
    for (const queryIndex of this.#again) {
      if (isWanted(queryIndex)) yield queryIndex;
      else this.#again.delete(queryIndex);
    }
    while (this.#next < this.#queryCount && !isWanted(this.#next)) this.#next += 1;
    for (let at = this.#next; at < this.#queryCount; at++) {
      if (isWanted(at) && !this.#isOnItsWay(at)) yield at;
    }
  }

  asked(nowMs: number, queryIndexes: readonly number[]): void {
    const deadlineMs = nowMs + ASK_TIMEOUT_MS * 2 ** this.#misses;
    const { isBrief } = this;
    const unanswered = new Set(queryIndexes);
    this.#inFlight.push({ unanswered, isBrief, sentMs: nowMs, deadlineMs });
    for (const queryIndex of queryIndexes) {
      if (!this.#again.delete(queryIndex)) this.#next = Math.max(this.#next, queryIndex + 1);
    }
  }

  answered(queryIndex: number): void {
    this.#misses = 0;
    this.#again.delete(queryIndex);
    this.#polls.delete(queryIndex);
    for (const { unanswered, isBrief } of this.#inFlight) {
      if (!unanswered.delete(queryIndex) || unanswered.size > 0) continue;
      if (this.#lacking >= ASK_MISSES_BRIEF) this.#wasBrief = isBrief;
      this.#lacking = 0;
    }
    this.#inFlight = this.#inFlight.filter((ask) => ask.unanswered.size > 0);
  }

  /** The answer will come later: ask for it then. */
  pending(nowMs: number, queryIndex: number): void {
    this.answered(queryIndex);
    this.#polls.set(queryIndex, nowMs + PENDING_POLL_MS);
  }

  /** What is in flight was refused, and is asked again with a new token. */
  refused(): void {
    this.#graceEndMs = Infinity;
    this.#lose(this.#inFlight);
  }

  /** Gives up on what was lost; the queries are due again. */
  wake(nowMs: number): void {
    if (nowMs >= this.#graceEndMs) this.#graceEndMs = Infinity;
    const late = this.#inFlight.filter((ask) => ask.deadlineMs <= nowMs);
    if (late.length > 0) this.#lacking += 1;
    this.#lose(late);
    for (const [queryIndex, atMs] of this.#polls) {
      if (atMs > nowMs) continue;
      this.#polls.delete(queryIndex);
      this.#again.add(queryIndex);
    }
  }

  nextWakeupMs(): number {
    let nextMs = this.#graceEndMs;
    for (const ask of this.#inFlight) nextMs = Math.min(nextMs, ask.deadlineMs);
    for (const atMs of this.#polls.values()) nextMs = Math.min(nextMs, atMs);
    return nextMs;
  }

  #isOnItsWay(queryIndex: number): boolean {
    return this.#again.has(queryIndex) || this.#polls.has(queryIndex) ||
      this.#inFlight.some((ask) => ask.unanswered.has(queryIndex));
  }

  /** FINDs that are lost together are one miss. */
  #lose(lost: readonly Ask[]): void {
    if (lost.length === 0) return;
    this.#misses += 1;
    for (const ask of lost) for (const queryIndex of ask.unanswered) this.#again.add(queryIndex);
    this.#inFlight = this.#inFlight.filter((ask) => !lost.includes(ask));
  }
}
