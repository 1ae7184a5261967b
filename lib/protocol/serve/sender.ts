/**
 * Scheduling: the requests that wait at a server, one queue per flow, served round-robin by request,
 * so that one greedy client takes no more than its share. The server keeps nothing else of a
 * transfer: what was asked is answered and forgotten.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import { MTU_BYTES_MAX, MTU_BYTES_MIN, REQUEST_BYTES_MAX } from "../../wire/limits.ts";
import { FLOWS_MAX, SEND_BURST_MS, WANTS_PER_FLOW_MAX } from "./limits.ts";
import type { FrameOf } from "../../wire/frames.ts";
import { RateLimit } from "../base/rate_limit.ts";

export type WantFrame = FrameOf<"want">;

/** One request whose turn has come. */
export interface Turn {
  readonly to: Endpoint;
  readonly want: WantFrame;
}

interface Flow {
  readonly to: Endpoint;
  readonly wants: WantFrame[];
}

export class Sender {
  readonly #limit: RateLimit | undefined;
  readonly #overheadBytes: number;
  /** In the order of their turns. */
  readonly #flows = new Map<string, Flow>();

  /**
   * @param rateBytesPerS cap on what is sent; 0 for none
   * @param overheadBytes what the transport adds to a datagram
   */
  constructor(rateBytesPerS: number, overheadBytes = 0) {
    this.#overheadBytes = overheadBytes;
    const burstBytes = rateBytesPerS * SEND_BURST_MS / 1_000;
    this.#limit = rateBytesPerS === 0 ? undefined : new RateLimit(rateBytesPerS, burstBytes);
  }

  get flowCount(): number {
    return this.#flows.size;
  }

  /** Queues a request whose token is good. Says `false` to what is out of bounds, or too much. */
  add(from: Endpoint, want: WantFrame): boolean {
    if (!isWithinBounds(want, want.segmentBytes + this.#overheadBytes)) return false;
    const key = `${endpointKey(from)} ${want.nonce}`;
    const flow = this.#flows.get(key);
    if (flow === undefined) {
      if (this.#flows.size >= FLOWS_MAX) return false;
      this.#flows.set(key, { to: from, wants: [want] });
      return true;
    }
    if (flow.wants.length >= WANTS_PER_FLOW_MAX) return false;
    if (flow.wants.some((waiting) => waiting.number === want.number)) return false;
    flow.wants.push(want);
    return true;
  }

  /** The next request to be answered; `undefined` when none waits or the rate allows none yet. */
  next(nowMs: number): Turn | undefined {
    for (const [key, flow] of this.#flows) {
      const want = flow.wants[0]!;
      if (this.#limit?.take(nowMs, lengthOf(want)) === false) return undefined;
      flow.wants.shift();
      this.#flows.delete(key);
      if (flow.wants.length > 0) this.#flows.set(key, flow);
      return { to: flow.to, want };
    }
    return undefined;
  }

  /** When the rate allows the next request; Infinity when none waits. */
  nextWakeupMs(nowMs: number): number {
    if (this.#flows.size === 0) return Infinity;
    return this.#limit?.readyMs(nowMs) ?? nowMs;
  }
}

/** Bytes that a request asks for. */
export function lengthOf(want: WantFrame): number {
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
