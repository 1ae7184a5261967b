/** A server that has proved its address: the ways to it, and what it did for us and against us. */
import type { ServerId, TransferId } from "../../ids.ts";
import { SERVER_REST_DOUBLINGS_MAX, SERVER_SILENT_MS, STRIKES_MAX } from "./limits.ts";
import type { Assignment } from "./receiver.ts";

/** A way to a server that has answered a request with a token. */
export type Path = Omit<Assignment, "nonce" | "server">;

/** What a server has given to one transfer. */
export interface ServerTally {
  bytes: number;
  chunks: number;
  badChunks: number;
  retransmits: number;
}

export class KnownServer {
  readonly id: ServerId;
  readonly tallies = new Map<TransferId, ServerTally>();
  #paths: readonly Path[];
  #pathIndex = 0;
  #strikes = 0;
  #restUntilMs = 0;
  /** How often in a row it was silent. */
  #silences = 0;

  constructor(id: ServerId, paths: readonly Path[]) {
    this.id = id;
    this.#paths = paths;
  }

  get path(): Path {
    return this.#paths[this.#pathIndex % this.#paths.length]!;
  }

  get isDropped(): boolean {
    return this.#strikes >= STRIKES_MAX;
  }

  mayWork(nowMs: number): boolean {
    return !this.isDropped && nowMs >= this.#restUntilMs;
  }

  /** It has just answered at `paths`, best first: whatever was held against its silence is over. */
  onAnswered(paths: readonly Path[]): void {
    this.#paths = paths;
    this.#pathIndex = 0;
    this.#restUntilMs = 0;
  }

  /** Another address of it from now on; `false` if it has only one. */
  turnToNextPath(): boolean {
    if (this.#paths.length < 2) return false;
    this.#pathIndex += 1;
    return true;
  }

  onVerified(id: TransferId, bytes: number): void {
    this.#silences = 0;
    const tally = this.tallyOf(id);
    tally.bytes += bytes;
    tally.chunks += 1;
  }

  onBad(id: TransferId, isStrike: boolean): void {
    this.tallyOf(id).badChunks += 1;
    if (isStrike) this.#strikes += 1;
  }

  rest(nowMs: number, restMs: number): void {
    this.#restUntilMs = nowMs + restMs;
  }

  /** Left alone for a while, longer each time in a row. */
  restFromSilence(nowMs: number): void {
    const doublings = Math.min(this.#silences, SERVER_REST_DOUBLINGS_MAX);
    this.#silences += 1;
    this.rest(nowMs, SERVER_SILENT_MS * 2 ** doublings);
  }

  tallyOf(id: TransferId): ServerTally {
    let tally = this.tallies.get(id);
    if (tally === undefined) {
      tally = { bytes: 0, chunks: 0, badChunks: 0, retransmits: 0 };
      this.tallies.set(id, tally);
    }
    return tally;
  }
}
