/** One connection's turn to be answered at length. */
import { partyOf } from "../../address.ts";
import type { Answered, AnswerTurns } from "../../protocol/session/answer_turns.ts";
import type { SessionConnection } from "../net/session_connection.ts";
import type { Clock } from "../system/clock.ts";
import { ANSWER_WAIT_LOOK_MS } from "./limits.ts";

export class AnswerTurn implements Answered {
  readonly #turns: AnswerTurns;
  readonly #connection: SessionConnection;
  readonly #clock: Clock;
  readonly #party: string;
  #isHeld = false;
  #sendingSinceMs: number | undefined;

  constructor(turns: AnswerTurns, connection: SessionConnection, clock: Clock) {
    this.#turns = turns;
    this.#connection = connection;
    this.#clock = clock;
    this.#party = partyOf(connection.peerAddress);
  }

  get untakenSinceMs(): number | undefined {
    const since = this.#sendingSinceMs;
    return since === undefined ? undefined : Math.max(since, this.#connection.activeMs);
  }

  close(): void {
    this.#connection.close();
  }

  /** Resolves when it has its turn; at once if it has it already. */
  async take(): Promise<void> {
    if (this.#isHeld) return;
    const turn = Promise.withResolvers<true>();
    this.#turns.enter(this.#party, this, () => turn.resolve(true));
    while (!await this.#clock.within(turn.promise, ANSWER_WAIT_LOOK_MS)) {
      this.#turns.hurry(this.#clock.nowMs(), this.#party);
    }
    this.#isHeld = true;
  }

  /** While `send` is under way, the peer has something to take. */
  async during<T>(send: () => Promise<T>): Promise<T> {
    this.#sendingSinceMs = this.#clock.nowMs();
    try {
      return await send();
    } finally {
      this.#sendingSinceMs = undefined;
    }
  }

  leave(): void {
    if (this.#isHeld) this.#turns.leave(this.#party, this);
    this.#isHeld = false;
  }
}
