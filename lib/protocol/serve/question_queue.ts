/**
 * Questions that wait for a server's main thread: parties with a good token take turns, each counted by its
 * work, and those without one have one turn between them, which goes to any of them at random. A flood of
 * these displaces one another.
 */
import { type Endpoint, endpointKey, partyOf } from "../../address.ts";
import type { Random } from "../base/random.ts";
import { FairQueue } from "./fair_queue.ts";
import {
  PARTIES_MAX,
  PARTY_FLOWS_REMEMBERED_MAX,
  QUESTIONS_PER_PARTY_MAX,
  QUESTIONS_UNVALIDATED_MAX,
  QUESTIONS_WAITING_MAX,
} from "./limits.ts";
import type { QuestionFrame } from "./questions.ts";

export interface WaitingQuestion {
  readonly from: Endpoint;
  readonly frame: QuestionFrame;
  readonly frameBytes: number;
  /** What it costs, see {@linkcode workOf}. */
  readonly work: number;
}

/** Stands for one of those without a token, whichever it will be. */
const ANY_CLAIM = "claim";
/** No address. */
const CLAIMANTS = "";

export class QuestionQueue {
  readonly #random: Random;
  readonly #queue = new FairQueue<WaitingQuestion | typeof ANY_CLAIM>({
    itemsMax: QUESTIONS_WAITING_MAX,
    partyItemsMax: QUESTIONS_PER_PARTY_MAX,
    flowItemsMax: QUESTIONS_PER_PARTY_MAX,
    flowStartCost: 0,
    partiesMax: PARTIES_MAX,
    partyFlowsMax: PARTY_FLOWS_REMEMBERED_MAX,
  });
  readonly #claims: WaitingQuestion[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** Says `false` when a question was dropped, be it this one. */
  add(question: WaitingQuestion, isProved: boolean): boolean {
    const { from, work } = question;
    if (isProved) {
      return this.#queue.add(partyOf(from.address), endpointKey(from), question, work);
    }
    if (this.#claims.length >= QUESTIONS_UNVALIDATED_MAX) {
      this.#claims[this.#random.below(this.#claims.length)] = question;
      return false;
    }
    if (!this.#queue.add(CLAIMANTS, CLAIMANTS, ANY_CLAIM, work)) return false;
    this.#claims.push(question);
    return true;
  }

  take(): WaitingQuestion | undefined {
    const turn = this.#queue.take();
    if (turn !== ANY_CLAIM) return turn;
    const at = this.#random.below(this.#claims.length);
    const last = this.#claims.pop();
    if (at === this.#claims.length) return last;
    const question = this.#claims[at];
    this.#claims[at] = last!;
    return question;
  }
}
