/** An active source: what it has leased, how fast it is, when it last delivered. */
import type { ServerId, SourceId, TransferId } from "../../ids.ts";
import {
  LEASE_MS,
  LEASE_STALL_MS_MIN,
  LEASE_STALL_RTTS,
  TRIAL_CHUNK_MS,
  TRIAL_MUTE_MS,
  TRIAL_MUTE_RTTS,
} from "./limits.ts";
import type { KnownServer } from "./known_server.ts";
import type { KnownSource } from "./known_source.ts";
import type { Report } from "./receiver_report.ts";
import type { TransferState } from "./transfer_state.ts";

export interface LeasedChunk {
  readonly transfer: TransferState;
  readonly chunk: number;
  readonly lengthBytes: number;
  readonly sinceMs: number;
}

export class ActiveSource {
  readonly source: KnownSource;
  readonly sinceMs: number;
  /** When the first bytes came from it since then. */
  firstMs: number | undefined;
  rateBytesPerS = 0;
  /** In the order in which they were leased. */
  readonly #leased = new Map<string, LeasedChunk>();
  #leasedBytes = 0;
  /** How many chunks it may have leased while its rate is unknown: doubles with each report. */
  #startChunks = 1;
  #rttMs: number;
  #silentMs = 0;
  /** Whether a whole chunk has come from it since it was put to work. */
  hasBrought = false;
  /** Whether leases were taken from it because nothing came, and nothing has come since. */
  isSuspect = false;
  /** The clock of silence runs from here: what is leased now … */
  #aliveMs: number;
  /** … and all that was, since something came. */
  #heardMs: number;

  constructor(nowMs: number, source: KnownSource) {
    this.source = source;
    this.sinceMs = nowMs;
    this.#aliveMs = nowMs;
    this.#heardMs = nowMs;
    this.#rttMs = source.route.rttMs;
  }

  get id(): SourceId {
    return this.source.id;
  }

  get server(): KnownServer {
    return this.source.server;
  }

  /** Whether it brings what it was not asked for; then it counts as having nothing leased. */
  get isPushing(): boolean {
    return this.source.mode === "push";
  }

  get leased(): Iterable<LeasedChunk> {
    return this.#leased.values();
  }

  /** What it has leased of the transfers that `isMeant`. */
  leasedOf(
    isMeant: (transfer: TransferState) => boolean,
  ): ReadonlyMap<TransferState, readonly number[]> {
    const byTransfer = new Map<TransferState, number[]>();
    for (const { transfer, chunk } of this.#leased.values()) {
      if (!isMeant(transfer)) continue;
      const chunks = byTransfer.get(transfer) ?? [];
      chunks.push(chunk);
      byTransfer.set(transfer, chunks);
    }
    return byTransfer;
  }

  leaseOf(id: TransferId, chunk: number): LeasedChunk | undefined {
    return this.#leased.get(keyOf(id, chunk));
  }

  get isIdle(): boolean {
    return this.#leased.size === 0;
  }

  /** Whether it has yet to show that it brings anything: whoever says that he has a content may bring nothing of it. */
  get isOnTrial(): boolean {
    return !this.isPushing && (!this.hasBrought || this.isSuspect);
  }

  /** Whether chunks are coming from it that it was asked for. */
  isBringing(nowMs: number): boolean {
    return !this.isPushing && !this.isOnTrial && !this.isIdle && !this.isStalled(nowMs);
  }

  /** Whether something came lately. */
  get isHeard(): boolean {
    return this.#silentMs < LEASE_STALL_MS_MIN;
  }

  /** Something has come of it, for those of these transfers that may be waiting for that. */
  onBytes(nowMs: number, bytes: number, transfers: Iterable<TransferState>): void {
    const waiting = this.isPushing
      ? [...transfers].filter((each) => each.isProvider(this.id))
      : new Set([...this.#leased.values()].map(({ transfer }) => transfer));
    for (const transfer of waiting) transfer.onBytes(nowMs, bytes);
  }

  onReport(nowMs: number, report: Report): void {
    this.rateBytesPerS = report.rateBytesPerS;
    this.#rttMs = report.rttMs;
    this.#silentMs = report.silentMs;
    if (report.silentMs === 0 || report.receivedBytes > 0) this.#aliveMs = nowMs;
    if (report.receivedBytes > 0) {
      this.isSuspect = false;
      this.firstMs ??= nowMs;
    }
    if (report.verified.length === 0) return;
    this.#startChunks *= 2;
    this.hasBrought = true;
  }

  /** How long nothing has come although something was leased, then or now. */
  silentMs(nowMs: number): number {
    return nowMs - this.#heardMs;
  }

  /** The silence starts over: it was given another address to try. */
  forgiveSilence(nowMs: number): void {
    this.#aliveMs = nowMs;
    this.#heardMs = nowMs;
  }

  /** Whether nothing has come of what is leased now for too long. */
  isStalled(nowMs: number): boolean {
    if (this.isIdle) this.#aliveMs = nowMs;
    if (!this.isSuspect) this.#heardMs = this.#aliveMs;
    const patienceMs = Math.max(LEASE_STALL_MS_MIN, LEASE_STALL_RTTS * this.#rttMs);
    return nowMs - this.#aliveMs >= patienceMs;
  }

  /**
   * From when on others may bring what it is leased as well, while it is on trial: nothing has come of that yet, or
   * all too little.
   */
  helpMs({ sinceMs }: LeasedChunk): number {
    if (!this.isOnTrial) return Infinity;
    const muteMs = Math.max(TRIAL_MUTE_MS, TRIAL_MUTE_RTTS * this.#rttMs);
    return Math.min(this.#aliveMs + muteMs, sinceMs + TRIAL_CHUNK_MS);
  }

  /** Whether more of this should be leased: one chunk shows whether it is back. */
  wantsMore({ chunkBytes }: TransferState): boolean {
    if (this.isSuspect) return this.isIdle;
    const wantedBytes = this.rateBytesPerS > 0
      // Beside what is in flight, and the chunk that is arriving: when it is whole, the next ones are asked for.
      ? this.rateBytesPerS * (LEASE_MS + 2 * this.#rttMs) / 1000 + chunkBytes
      : this.#startChunks * chunkBytes;
    return this.#leasedBytes < wantedBytes;
  }

  lease(nowMs: number, transfer: TransferState, chunk: number): void {
    const lengthBytes = transfer.lengthOf(chunk);
    if (this.isIdle) {
      this.#silentMs = 0;
      this.#aliveMs = nowMs;
    }
    this.#leased.set(keyOf(transfer.id, chunk), { transfer, chunk, lengthBytes, sinceMs: nowMs });
    this.#leasedBytes += lengthBytes;
  }

  unlease(id: TransferId, chunk: number): void {
    const key = keyOf(id, chunk);
    const lease = this.#leased.get(key);
    if (lease === undefined) return;
    this.#leased.delete(key);
    this.#leasedBytes -= lease.lengthBytes;
  }

  /** In how many seconds it should be done with what is leased up to `aheadBytes`. */
  secondsFor(aheadBytes: number): number {
    return aheadBytes / Math.max(this.rateBytesPerS, 1) + this.#silentMs / 1000;
  }

  /** In how many seconds it could bring `bytes` that it has not asked for yet. */
  secondsToFetch(bytes: number): number {
    return bytes / this.rateBytesPerS + this.#rttMs / 1000;
  }
}

/** What a server brings now, by all of its sources. */
export interface Lane {
  readonly server: ServerId;
  readonly rateBytesPerS: number;
  readonly isTaker: boolean;
}

export function lanesOf(active: Iterable<ActiveSource>): readonly Lane[] {
  const lanes = new Map<ServerId, Lane>();
  for (const { server: { id }, source: { isTaker }, rateBytesPerS } of active) {
    const before = lanes.get(id)?.rateBytesPerS ?? 0;
    lanes.set(id, { server: id, rateBytesPerS: before + rateBytesPerS, isTaker });
  }
  return [...lanes.values()];
}

function keyOf(transfer: TransferId, chunk: number): string {
  return `${transfer}:${chunk}`;
}
