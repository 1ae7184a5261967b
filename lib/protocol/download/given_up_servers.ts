/** The servers that a download waits for no longer, until it hears of them again. */
import type { ServerId } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { Offer } from "../discovery/finder.ts";
import * as texts from "./download_texts.ts";

export class GivenUpServers {
  readonly #servers = new Set<ServerId>();
  #waitedMs = 0;

  get isEmpty(): boolean {
    return this.#servers.size === 0;
  }

  /** @param waitedMs how long nothing came of them */
  add(servers: readonly ServerId[], waitedMs: number): void {
    for (const server of servers) this.#servers.add(server);
    this.#waitedMs = waitedMs;
  }

  onHeard(server: ServerId): void {
    this.#servers.delete(server);
  }

  /** Why nothing can come any more, where all who offer it are given up. */
  silenceOf(offers: readonly Offer[]): ShoalError | undefined {
    const isLost = offers.length > 0 && offers.every(({ server }) => this.#servers.has(server));
    return isLost ? texts.silent(offers, this.#waitedMs) : undefined;
  }
}
