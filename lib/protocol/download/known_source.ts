/** A source of chunks that has answered: the routes to it, and when it may be put to work. */
import type { SourceId } from "../../ids.ts";
import type { KnownServer } from "./known_server.ts";
import { SERVER_REST_DOUBLINGS_MAX, SERVER_SILENT_MS } from "./limits.ts";
import type { SourceMode } from "./provider.ts";
import type { SourceRoute } from "./source_route.ts";

export class KnownSource<R = SourceRoute> {
  readonly id: SourceId;
  /** The source that it is a path of: itself, where there is but one. */
  readonly whole: SourceId;
  readonly server: KnownServer;
  readonly mode: SourceMode;
  /** Whether it fetches what it gives. */
  readonly isTaker: boolean;
  /** Whether a whole chunk has come from it: where long datagrams vanish, the ends of ranges still arrive. */
  hasBrought = false;
  /** When it was last put to work; 0 before that. */
  triedMs = 0;
  #routes: readonly R[];
  #routeIndex = 0;
  #restUntilMs = 0;
  /** How often in a row it was silent. */
  #silences = 0;

  constructor(
    id: SourceId,
    whole: SourceId,
    server: KnownServer,
    mode: SourceMode,
    routes: readonly R[],
    isTaker = false,
  ) {
    this.isTaker = isTaker;
    this.id = id;
    this.whole = whole;
    this.server = server;
    this.mode = mode;
    this.#routes = routes;
  }

  get route(): R {
    return this.#routes[this.#routeIndex % this.#routes.length]!;
  }

  mayWork(nowMs: number): boolean {
    return !this.server.isDropped && nowMs >= this.#restUntilMs;
  }

  /** It has just answered by `routes`, best first: whatever was held against its silence is over. */
  onAnswered(routes: readonly R[]): void {
    this.#routes = routes;
    this.#routeIndex = 0;
    this.#restUntilMs = 0;
  }

  /** It is put to work: after this it is others' turn. */
  onAssigned(nowMs: number): void {
    this.triedMs = nowMs;
    this.server.party.triedMs = nowMs;
  }

  /** Another route to it from now on; `false` if there is only one. */
  turnToNextRoute(): boolean {
    if (this.#routes.length < 2) return false;
    this.#routeIndex += 1;
    return true;
  }

  onVerified(): void {
    this.#silences = 0;
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
}
