/**
 * What every kind of source has in common, below its way of getting bytes: which source it works for, the chunks that
 * it has leased, their proof, the credit and the rate that it was allotted, and what it reports of all that. A kind of
 * source is a machine around one of these (`receiver.ts`, `stream_receiver.ts`): it passes orders on to it, fills the
 * chunks that `fetches` gives out, and says how things stand when a report is due.
 */
import type { SourceId } from "../../ids.ts";
import { RateLimit } from "../base/rate_limit.ts";
import type { ChunkBuffer } from "./chunk_buffer.ts";
import type { Fetch } from "./fetch.ts";
import { FetchList } from "./fetch_list.ts";
import { PackGain } from "./pack_gain.ts";
import { LEASE_STALL_MS_MIN, REPORT_INTERVAL_MS } from "./limits.ts";
import { type Report, ReportCounts } from "./receiver_report.ts";
import type { GoneReason, SourceAction, SourceOrderEvent } from "./source_messages.ts";

/** How things stand with a source, as far as its kind knows. */
export type Standing = Pick<Report, "rateBytesPerS" | "rttMs" | "silentMs">;

/** Something that came whole and is not what it should be. */
interface Failure {
  /** A chunk, or a pack. */
  readonly asked: Fetch;
  readonly isIntegrityFailure: boolean;
}

export class SourceCore {
  readonly fetches = new FetchList();
  readonly counts = new ReportCounts();
  readonly #standing: (nowMs: number) => Standing;
  readonly #act: (action: SourceAction) => void;
  readonly #gain = new PackGain();
  #source: SourceId | undefined;
  #windowBytesMax = Infinity;
  #rateBytesPerS = 0;
  /** `--rate`, if there is one. */
  #rateLimit: RateLimit | undefined;

  /** @param act is given what is to be done, in order */
  constructor(standing: (nowMs: number) => Standing, act: (action: SourceAction) => void) {
    this.#standing = standing;
    this.#act = act;
  }

  /** What it works for; `undefined` between a `release` and the next `assign`. */
  get source(): SourceId | undefined {
    return this.#source;
  }

  /** Bytes that may be in flight. */
  get windowBytesMax(): number {
    return this.#windowBytesMax;
  }

  /** What was brought lately, in relation to what travelled. */
  get gain(): number {
    return this.#gain.ratio;
  }

  /** Whether there is anything to fetch. */
  get isAtWork(): boolean {
    return this.#source !== undefined && this.fetches.leasedBytes > 0;
  }

  // — Orders ————————————————————————————————————————————————————————————————————————————————————

  /** Works for this source from now on; `end` comes first where it worked for another. */
  begin(source: SourceId): void {
    this.#source = source;
  }

  /** Reports what is not reported, and gives up whatever it has leased and the source. */
  end(nowMs: number): void {
    if (this.#source !== undefined && this.counts.hasNews) this.#report(nowMs, this.#source);
    this.fetches.drop();
    this.#gain.clear();
    this.#source = undefined;
  }

  onOrder(order: SourceOrderEvent): void {
    switch (order.kind) {
      case "lease":
        return this.fetches.add(order.lease);
      case "revoke":
        return this.fetches.revoke(order.transfer, order.chunks);
      case "allot":
        this.#windowBytesMax = order.windowBytesMax;
        this.fetches.budgetBytes = order.bufferBytesMax;
        return this.#setRate(order.rateBytesPerS);
      case "recycle":
        for (const buffer of order.buffers) this.fetches.recycle(buffer);
        return;
      default:
        order satisfies never;
    }
  }

  // — Rate ——————————————————————————————————————————————————————————————————————————————————————

  #setRate(bytesPerS: number): void {
    if (bytesPerS === this.#rateBytesPerS) return;
    this.#rateBytesPerS = bytesPerS;
    const burstBytes = bytesPerS * REPORT_INTERVAL_MS / 1000;
    this.#rateLimit = bytesPerS === 0 ? undefined : new RateLimit(bytesPerS, burstBytes);
  }

  /** When the rate limit allows the next request, if it is what holds it back; else Infinity. */
  rateReadyMs(nowMs: number): number {
    const readyMs = this.#rateLimit?.readyMs(nowMs) ?? nowMs;
    return readyMs > nowMs ? readyMs : Infinity;
  }

  /** What one request may ask for: no answer, and no repetition, takes as long as a lease that seems to stall. */
  get ratedBytesMax(): number {
    const bytesPerMs = this.#rateBytesPerS / 1000;
    return bytesPerMs === 0 ? Infinity : Math.max(1, bytesPerMs * LEASE_STALL_MS_MIN / 8);
  }

  onAsked(nowMs: number, bytes: number): void {
    this.#rateLimit?.take(nowMs, bytes);
  }

  // — What comes ————————————————————————————————————————————————————————————————————————————————

  /**
   * Proves a chunk that is complete, or the chunks of a pack, and hands on what is what it should be. Returns what was
   * asked for, if something is not.
   *
   * @param isChecked whether its sender is to blame then, rather than the way here
   */
  onComplete(buffer: ChunkBuffer, isChecked: boolean): Failure | undefined {
    const completed = this.fetches.complete(buffer);
    const { proved, bad, asked, savedBytes } = completed;
    const share = savedBytes / (asked.lengthBytes + savedBytes);
    for (const { fetch: { transfer, chunk, lengthBytes: bytes }, buffer } of proved) {
      const saved = savedBytes > 0 ? { savedBytes: Math.floor(bytes * share) } : {};
      this.counts.verified.push({ transfer, chunk, bytes, ...saved });
      this.#act({ kind: "chunk", transfer, chunk, bytes, buffer });
    }
    if (bad.length === 0) {
      this.counts.receivedBytes += savedBytes;
      this.#gain.add(asked.lengthBytes + savedBytes, asked.lengthBytes);
      return undefined;
    }
    const isIntegrityFailure = isChecked || completed.isServersWord;
    bad.forEach(({ transfer, chunk, lengthBytes: bytes }, i) => {
      // However many chunks are in a pack, its server has failed once.
      this.counts.bad.push({
        transfer,
        chunk,
        bytes,
        isIntegrityFailure: isIntegrityFailure && i === 0,
      });
    });
    return { asked, isIntegrityFailure };
  }

  /** The source has no more of what this belongs to: of a file all, of a folder this unit, of a pack only that. */
  onGone(fetch: Pick<Fetch, "transfer" | "chunk" | "parts">, reason: GoneReason): void {
    const span = this.fetches.spanOf(fetch);
    if (span !== undefined) {
      this.fetches.unpack(span);
      return this.fetches.forgetPacks();
    }
    const { transfer, chunk, parts } = fetch;
    if (parts === undefined) this.fetches.drop(transfer);
    else this.fetches.revoke(transfer, [chunk]);
    const source = this.#source;
    if (source === undefined) return;
    this.#act({ kind: "gone", transfer, source, reason, ...(parts && { chunk }) });
  }

  // — Reports ———————————————————————————————————————————————————————————————————————————————————

  /** When a report is due, or the rate limit allows a request; Infinity while there is nothing to fetch. */
  nextWakeupMs(nowMs: number): number {
    return this.isAtWork ? Math.min(this.counts.deadlineMs, this.rateReadyMs(nowMs)) : Infinity;
  }

  /** At once when the leases run out, else at intervals: while there is news, and while there is silence. */
  reportWhenDue(nowMs: number): void {
    if (this.#source === undefined) return;
    const isHungry = this.fetches.isAllBegun && this.counts.verified.length > 0;
    const isDue = nowMs >= this.counts.deadlineMs &&
      (this.counts.hasNews || this.fetches.leasedBytes > 0);
    if (isHungry || this.counts.bad.length > 0 || isDue) this.#report(nowMs, this.#source);
  }

  #report(nowMs: number, source: SourceId): void {
    const { leasedBytes } = this.fetches;
    const standing = this.#standing(nowMs);
    // Leases are sized by what is brought, however it travels.
    const rateBytesPerS = standing.rateBytesPerS * this.gain;
    const counts = this.counts.take(nowMs);
    const report = { source, ...standing, rateBytesPerS, leasedBytes, ...counts };
    this.#act({ kind: "report", report });
  }
}
