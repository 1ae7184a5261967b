/**
 * How long servers are waited for, whatever they offer. A download that has waited for its servers for the whole
 * patience has found something out for all others: a server of which nothing was heard meanwhile is given up, and so is
 * one that only says that it is there, once that many downloads have waited for it in vain; who has just come in the
 * place of one that died is not. So a server that dies costs a run its patience once, and not once per file; one that is
 * back earlier has lost nothing.
 */
import type { ServerId } from "../../ids.ts";
import { SILENT_SHARE_MIN, VAIN_WAITS_MAX } from "./limits.ts";

export class ServerPatience {
  readonly #patienceMs: number;
  readonly #heardMs = new Map<ServerId, number>();
  /** Since when each has been there: who has just come has kept nobody waiting. */
  readonly #sinceMs = new Map<ServerId, number>();
  /** Downloads that have waited for it in vain since it last brought something. */
  readonly #vainWaits = new Map<ServerId, number>();

  /** @param patienceMs how long a download waits while nothing comes */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** It has said something. */
  onHeard(nowMs: number, server: ServerId): void {
    this.#heardMs.set(server, nowMs);
    if (!this.#sinceMs.has(server)) this.#sinceMs.set(server, nowMs);
  }

  /** It has brought a chunk that was proved, for whichever download. */
  onBrought(nowMs: number, server: ServerId): void {
    this.onHeard(nowMs, server);
    this.#vainWaits.delete(server);
  }

  /** A download has waited for these for the whole patience; returns those that are given up. */
  onVainWait(nowMs: number, servers: Iterable<ServerId>): ServerId[] {
    const givenUp: ServerId[] = [];
    const waitMs = this.#patienceMs * SILENT_SHARE_MIN;
    for (const server of new Set(servers)) {
      if (nowMs - (this.#sinceMs.get(server) ?? -Infinity) < waitMs) continue;
      const vainWaits = 1 + (this.#vainWaits.get(server) ?? 0);
      this.#vainWaits.set(server, vainWaits);
      const silentMs = nowMs - (this.#heardMs.get(server) ?? -Infinity);
      const isSilent = silentMs >= waitMs;
      if (isSilent || vainWaits >= VAIN_WAITS_MAX) givenUp.push(server);
    }
    for (const server of givenUp) this.#sinceMs.delete(server);
    return givenUp;
  }
}
