/**
 * Which of several contents is fetched that share the SHA-256 that was asked for and differ in root or size, so that
 * one of them at most is what it is said to be (docs/PROTOCOL.md, "Choosing a content"). Each has a turn; then the one
 * goes on that would be whole first, as far as what it brought shows. So whoever brings nothing, or less than others, holds nobody
 * up for longer than a turn.
 */
import { type Content, contentKey } from "../../ids.ts";
import { RIVAL_LOOK_MS, RIVAL_TURN_MS } from "./limits.ts";

interface Measured {
  readonly atMs: number;
  /** When it would be whole if it had all the time from now on; Infinity where nothing came. */
  readonly leftMs: number;
}

interface Turn {
  readonly key: string;
  readonly sinceMs: number;
  readonly sinceBytes: number;
  endMs: number;
}

export class RivalTurns {
  readonly #measured = new Map<string, Measured>();
  #turn: Turn | undefined;
  #lookMs = RIVAL_LOOK_MS;

  /** When {@linkcode RivalTurns.next} has something to say. */
  get endMs(): number {
    return this.#turn?.endMs ?? Infinity;
  }

  /** There is nothing to choose from now. */
  stop(): void {
    this.#turn = undefined;
  }

  /**
   * The rival whose turn it is now; `undefined` while that is the current one.
   *
   * @param bytes of `current` that are proved
   */
  next(
    nowMs: number,
    current: Content,
    bytes: number,
    rivals: readonly Content[],
  ): Content | undefined {
    const key = contentKey(current);
    const turn = this.#turn;
    if (turn === undefined || turn.key !== key) {
      this.#begin(nowMs, key, bytes, this.#lookMs);
      return undefined;
    }
    if (nowMs < turn.endMs) return undefined;
    const gained = bytes - turn.sinceBytes;
    // What brings something is measured for a whole turn.
    if (gained > 0 && nowMs < turn.sinceMs + RIVAL_TURN_MS) {
      turn.endMs = turn.sinceMs + RIVAL_TURN_MS;
      return undefined;
    }
    const leftMs = gained > 0
      ? (current.sizeBytes - bytes) * (nowMs - turn.sinceMs) / gained
      : Infinity;
    this.#measured.set(key, { atMs: nowMs, leftMs });
    const best = this.#best(rivals);
    const isBetter = best !== undefined && (best.leftMs < leftMs || leftMs === Infinity);
    if (!isBetter) {
      this.#begin(nowMs, key, bytes, RIVAL_TURN_MS);
      return undefined;
    }
    // Where nobody has brought anything in his time, all need more of it.
    if (best.leftMs === Infinity && best.isTried) this.#lookMs *= 2;
    this.stop();
    return best.content;
  }

  /** One that has had no turn; otherwise the one that would be whole first, or had its turn longest ago. */
  #best(
    rivals: readonly Content[],
  ): { readonly content: Content; readonly leftMs: number; readonly isTried: boolean } | undefined {
    const known = rivals.map((content) => {
      const measured = this.#measured.get(contentKey(content));
      // What is whole within a turn needs no comparison with what is unknown.
      const { atMs = -Infinity, leftMs = RIVAL_TURN_MS } = measured ?? {};
      return { content, atMs, leftMs, isTried: measured !== undefined };
    });
    return known.sort((a, b) => a.leftMs === b.leftMs ? a.atMs - b.atMs : a.leftMs - b.leftMs)[0];
  }

  #begin(nowMs: number, key: string, bytes: number, lengthMs: number): void {
    this.#turn = { key, sinceMs: nowMs, sinceBytes: bytes, endMs: nowMs + lengthMs };
  }
}
