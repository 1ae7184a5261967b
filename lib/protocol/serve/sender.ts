/**
 * Scheduling: the requests that wait at a server, whose bytes are divided by proved address first, then by
 * flow (docs/PROTOCOL.md, "Fair shares"). The server keeps nothing else of a transfer: what was asked is
 * answered and forgotten, but for the numbers of the latest requests.
 */
import { type Endpoint, endpointKey, partyOf } from "../../address.ts";
import { MTU_BYTES_MAX, MTU_BYTES_MIN, REQUEST_BYTES_MAX } from "../../wire/limits.ts";
import {
  FLOW_START_BYTES,
  PARTIES_MAX,
  PARTY_FLOWS_REMEMBERED_MAX,
  SEND_BURST_MS,
  WANTS_ANSWERED_MAX,
  WANTS_MAX,
  WANTS_PER_FLOW_MAX,
  WANTS_PER_PARTY_MAX,
} from "./limits.ts";
import type { FrameOf } from "../../wire/frames.ts";
import { RateLimit } from "../base/rate_limit.ts";
import { FairQueue } from "./fair_queue.ts";

export type WantFrame = FrameOf<"want">;

/** One request whose turn has come. */
export interface Turn {
  readonly to: Endpoint;
  readonly want: WantFrame;
}

/** … and what tells it from all others, put together once. */
export interface QueuedTurn extends Turn {
  readonly key: string;
}

export class Sender {
  readonly #limit: RateLimit | undefined;
  readonly #overheadBytes: number;
  readonly #queue = new FairQueue<QueuedTurn>({
    itemsMax: WANTS_MAX,
    partyItemsMax: WANTS_PER_PARTY_MAX,
    flowItemsMax: WANTS_PER_FLOW_MAX,
    flowStartCost: FLOW_START_BYTES,
    partiesMax: PARTIES_MAX,
    partyFlowsMax: PARTY_FLOWS_REMEMBERED_MAX,
  });
  /** The latest requests that were answered, oldest first: a network that doubles them must not double the answers. */
  readonly #answered = new Set<string>();

  /**
   * @param rateBytesPerS cap on what is sent; 0 for none
   * @param overheadBytes what the transport adds to a datagram
   */
  constructor(rateBytesPerS: number, overheadBytes = 0) {
    this.#overheadBytes = overheadBytes;
    const burstBytes = rateBytesPerS * SEND_BURST_MS / 1_000;
    this.#limit = rateBytesPerS === 0 ? undefined : new RateLimit(rateBytesPerS, burstBytes);
  }

  /** Whether no request waits. */
  get isIdle(): boolean {
    return this.#queue.count === 0;
  }

  get flowCount(): number {
    return this.#queue.flowCount;
  }

  /** Queues a request whose token is good. Says `false` to what is out of bounds, or too much. */
  add(from: Endpoint, want: WantFrame): boolean {
    if (!isWithinBounds(want, want.segmentBytes + this.#overheadBytes)) return false;
    const party = partyOf(from.address);
    const flow = `${endpointKey(from)} ${want.nonce}`;
    const key = `${flow} ${want.number}`;
    if (this.#answered.has(key)) return false;
    if (this.#queue.has(party, flow, (waiting) => waiting.want.number === want.number)) {
      return false;
    }
    return this.#queue.add(party, flow, { to: from, want, key }, lengthOf(want));
  }

  /** The next request to be answered; `undefined` when none waits or the rate allows none yet. */
  next(nowMs: number): QueuedTurn | undefined {
    let turn = this.#queue.peek();
    // A copy may have come while the answer was on its way.
    while (turn !== undefined && this.#answered.has(turn.key)) {
      this.#queue.take();
      turn = this.#queue.peek();
    }
    if (turn === undefined || this.#limit?.take(nowMs, lengthOf(turn.want)) === false) {
      return undefined;
    }
    return this.#queue.take();
  }

  /** When the rate allows the next request; Infinity when none waits. */
  nextWakeupMs(nowMs: number): number {
    if (this.#queue.count === 0) return Infinity;
    return this.#limit?.readyMs(nowMs) ?? nowMs;
  }

  /** What a request asks for has been sent: its copies are none of the client's. */
  onAnswered({ key }: QueuedTurn): void {
    this.#answered.add(key);
    const [oldest] = this.#answered;
    if (oldest !== undefined && this.#answered.size > WANTS_ANSWERED_MAX) {
      this.#answered.delete(oldest);
    }
  }
}

/** Bytes that a request asks for. */
function lengthOf(want: WantFrame): number {
  return want.ranges.reduce((sum, range) => sum + range.lengthBytes, 0);
}

function isWithinBounds(want: WantFrame, datagramBytes: number): boolean {
  if (datagramBytes < MTU_BYTES_MIN || datagramBytes > MTU_BYTES_MAX) return false;
  if (lengthOf(want) > REQUEST_BYTES_MAX) return false;
  return want.ranges.length > 0 &&
    want.ranges.every(({ offset, lengthBytes }) =>
      lengthBytes > 0 && offset + lengthBytes <= want.sizeBytes
    );
}
