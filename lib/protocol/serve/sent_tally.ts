/**
 * How much of which content each client was sent, for whoever shows it: counted once, however often bytes are asked for
 * again. A request says nothing of what it belongs to, so that a client that asks from the beginning once all was sent, by another flow
 * or after a pause, begins anew. Clients have proved their addresses. Pure.
 */
import { type Endpoint, partyOf } from "../../address.ts";
import type { ByteRange } from "../../wire/frames.ts";
import { type ContentRef, keyOf } from "../base/served_file.ts";
import {
  SENT_CELL_BYTES_MIN,
  SENT_CELLS_MAX,
  SENT_SHARES_MAX,
  SENT_TALLIES_MAX,
  SENT_TELL_MS,
  TRANSFER_IDLE_MS,
} from "./limits.ts";

/** What one client was sent of one content since this was told last. */
export interface SentShare extends ContentRef {
  /** Where it went, by the last request. */
  readonly to: Endpoint;
  /** Bytes that it had not been sent before. */
  readonly newBytes: number;
  /** Whether these are the first. */
  readonly begins: boolean;
  /** How long ago the first and the last of these were sent. */
  readonly firstAgoMs: number;
  readonly lastAgoMs: number;
}

interface Tally extends ContentRef {
  to: Endpoint;
  flow: string;
  /** Bytes of each part of the content that were sent, up to its length. */
  readonly cells: Float64Array;
  readonly cellBytes: number;
  sentBytes: number;
  lastMs: number;
  // — Not told yet —
  newBytes: number;
  begins: boolean;
  firstMs: number;
}

export class SentTally {
  /** By party and content, the longest idle first. */
  readonly #tallies = new Map<string, Tally>();
  readonly #untold = new Set<Tally>();
  #toldMs = -Infinity;

  /** @param flow what tells the flows of one client apart; the same for all where nothing does */
  onSent(
    nowMs: number,
    to: Endpoint,
    flow: string,
    content: ContentRef,
    ranges: readonly ByteRange[],
  ): void {
    const tally = this.#tallyFor(nowMs, to, flow, content);
    let newBytes = 0;
    for (const range of ranges) newBytes += counted(tally, range);
    tally.to = to;
    tally.lastMs = nowMs;
    tally.sentBytes += newBytes;
    if (newBytes === 0) return;
    if (!this.#untold.has(tally)) tally.firstMs = nowMs;
    tally.newBytes += newBytes;
    this.#untold.add(tally);
  }

  /** When there is something to tell; what has just begun is told at once, if nothing else was just told. */
  get nextWakeupMs(): number {
    if (this.#untold.size === 0) return Infinity;
    return this.#untold.size >= SENT_SHARES_MAX ? -Infinity : this.#toldMs + SENT_TELL_MS;
  }

  /** What has not been told. */
  take(nowMs: number): readonly SentShare[] {
    const shares = [...this.#untold].map((tally): SentShare => {
      const { to, root, sizeBytes, newBytes, begins, firstMs, lastMs } = tally;
      tally.newBytes = 0;
      tally.begins = false;
      const times = { firstAgoMs: nowMs - firstMs, lastAgoMs: nowMs - lastMs };
      return { to, root, sizeBytes, newBytes, begins, ...times };
    });
    this.#untold.clear();
    this.#toldMs = nowMs;
    return shares;
  }

  #tallyFor(
    nowMs: number,
    to: Endpoint,
    flow: string,
    { root, sizeBytes }: ContentRef,
  ): Tally {
    const key = `${partyOf(to.address)} ${keyOf({ root, sizeBytes })}`;
    const known = this.#tallies.get(key);
    this.#tallies.delete(key);
    const isOver = known !== undefined && known.sentBytes >= sizeBytes &&
      (known.flow !== flow || nowMs - known.lastMs > TRANSFER_IDLE_MS);
    const tally = known === undefined || isOver
      ? newTally(nowMs, to, flow, root, sizeBytes)
      : known;
    this.#tallies.set(key, tally);
    for (const oldest of this.#tallies.keys()) {
      if (this.#tallies.size <= SENT_TALLIES_MAX) break;
      this.#tallies.delete(oldest);
    }
    return tally;
  }
}

function newTally(
  nowMs: number,
  to: Endpoint,
  flow: string,
  root: ContentRef["root"],
  sizeBytes: number,
): Tally {
  const cellBytes = Math.max(SENT_CELL_BYTES_MIN, Math.ceil(sizeBytes / SENT_CELLS_MAX));
  const cells = new Float64Array(Math.ceil(sizeBytes / cellBytes));
  const times = { firstMs: nowMs, lastMs: nowMs };
  return {
    ...{ to, flow, root, sizeBytes, cells, cellBytes },
    ...{ sentBytes: 0, newBytes: 0, begins: true, ...times },
  };
}

/** Bytes of the range that are new, as far as can be told. */
function counted(
  { cells, cellBytes, sizeBytes }: Tally,
  { offset, lengthBytes }: ByteRange,
): number {
  const end = Math.min(sizeBytes, offset + lengthBytes);
  let newBytes = 0;
  for (let at = offset; at < end;) {
    const cell = Math.floor(at / cellBytes);
    const next = Math.min(end, (cell + 1) * cellBytes);
    const room = Math.min(cellBytes, sizeBytes - cell * cellBytes) - cells[cell]!;
    const taken = Math.min(room, next - at);
    cells[cell]! += taken;
    newBytes += taken;
    at = next;
  }
  return newBytes;
}
