/**
 * The paths to servers that have lately brought a page of a piece layer, whichever content it was of. What one
 * fetch has found out about a path (that it answers, and how far away it is), the next need not ask.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { ServerId } from "../../ids.ts";
import { ANSWERED_PATH_MS, ANSWERED_PATHS_MAX } from "./limits.ts";

/** What an answer has shown. */
export interface PathAnswer {
  readonly rttMs: number;
  /** Whether pages come that way in parts alone. */
  readonly isBrief: boolean;
}

interface Answer extends PathAnswer {
  readonly atMs: number;
}

export class AnsweredPaths {
  /** In the order in which they answered. */
  readonly #answers = new Map<string, Answer>();

  /** A good page came this way. */
  note(
    nowMs: number,
    server: ServerId,
    endpoint: Endpoint,
    { rttMs, isBrief }: PathAnswer,
  ): void {
    const key = keyOf(server, endpoint);
    this.#answers.delete(key);
    this.#answers.set(key, { atMs: nowMs, rttMs, isBrief });
    if (this.#answers.size <= ANSWERED_PATHS_MAX) return;
    for (const oldest of this.#answers.keys()) return void this.#answers.delete(oldest);
  }

  /** The last answer; `undefined` if it is not certain that the path still answers. */
  last(nowMs: number, server: ServerId, endpoint: Endpoint): PathAnswer | undefined {
    const answer = this.#answers.get(keyOf(server, endpoint));
    return answer !== undefined && nowMs - answer.atMs < ANSWERED_PATH_MS ? answer : undefined;
  }
}

function keyOf(server: ServerId, endpoint: Endpoint): string {
  return `${server} ${endpointKey(endpoint)}`;
}
