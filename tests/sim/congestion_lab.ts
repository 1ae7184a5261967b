/** What a shared link carried in a stretch of a run, and for whom. */
import { payloadBytesOf } from "../../lib/wire/data_frame.ts";
import { MTU_BYTES_DEFAULT } from "../../lib/wire/limits.ts";
import {
  type BottleneckLink,
  type Party,
  runParties,
  UDP_OVERHEAD_BYTES,
} from "../support/bottleneck_link.ts";

/** Payload of what a link carries when all of it is ours. */
export const PAYLOAD_SHARE = payloadBytesOf(MTU_BYTES_DEFAULT) /
  (MTU_BYTES_DEFAULT + UDP_OVERHEAD_BYTES);

interface Flow extends Party {
  readonly arrivedBytes: number;
}

export interface Stretch {
  /** Of all that arrived, each flow's part. */
  readonly shares: readonly number[];
  /** Payload that arrived, as a part of what the link could have carried. */
  readonly use: number;
  /** What a small datagram would have waited in the queue, at the median. */
  readonly medianQueueMs: number;
  /** Datagrams that found the queue full, as a part of all. */
  readonly overflow: number;
}

/** A run that is looked at stretch by stretch. */
export class Lab {
  readonly #link: BottleneckLink;
  readonly #flows: readonly Flow[];
  readonly #others: readonly Party[];
  nowMs = 0;

  constructor(link: BottleneckLink, flows: readonly Flow[], others: readonly Party[] = []) {
    this.#link = link;
    this.#flows = flows;
    this.#others = others;
  }

  /** Lets time pass up to `untilMs`, with a look at the queue every `lookMs`. */
  run(untilMs: number, lookMs = 1): Stretch {
    const startMs = this.nowMs;
    const before = this.#flows.map((flow) => flow.arrivedBytes);
    const { offeredDatagrams, overflownDatagrams } = this.#link;
    const queuesMs: number[] = [];
    while (this.nowMs < untilMs) {
      const nextMs = Math.min(this.nowMs + lookMs, untilMs);
      this.nowMs = runParties([...this.#flows, ...this.#others], this.nowMs, nextMs);
      queuesMs.push(this.#link.queueMs(this.nowMs));
    }
    const arrived = this.#flows.map((flow, i) => flow.arrivedBytes - before[i]!);
    const sumBytes = arrived.reduce((sum, bytes) => sum + bytes, 0);
    const possibleBytes = (untilMs - startMs) * this.#link.bytesPerMs * PAYLOAD_SHARE;
    queuesMs.sort((a, b) => a - b);
    return {
      shares: arrived.map((bytes) => bytes / sumBytes),
      use: sumBytes / possibleBytes,
      medianQueueMs: queuesMs[Math.floor(queuesMs.length / 2)]!,
      overflow: (this.#link.overflownDatagrams - overflownDatagrams) /
        Math.max(1, this.#link.offeredDatagrams - offeredDatagrams),
    };
  }
}
