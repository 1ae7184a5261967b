/**
 * Asks addresses one by one, where broadcasts are filtered: once in a run, slowly, and only if the user wants that.
 * Who has answered is asked by later searches of the run as well.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { SWEEP_PER_S } from "../../io/net/limits.ts";
import type { Clock } from "../../io/system/clock.ts";

export class Sweep {
  readonly #waiting: Endpoint[];
  readonly #clock: Pick<Clock, "sleep">;
  readonly #send: (bytes: Bytes, to: Endpoint) => void;
  readonly #ending = new AbortController();
  readonly #isOn: boolean;
  readonly #found = new Map<string, Endpoint>();
  #hasBegun = false;

  constructor(
    endpoints: readonly Endpoint[],
    clock: Pick<Clock, "sleep">,
    send: (bytes: Bytes, to: Endpoint) => void,
  ) {
    this.#waiting = [...endpoints];
    this.#isOn = endpoints.length > 0;
    this.#clock = clock;
    this.#send = send;
  }

  /** Who has answered so far. */
  get found(): readonly Endpoint[] {
    return [...this.#found.values()];
  }

  /** Sends the first datagram that it is given. */
  begin(datagram: Bytes): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    void this.#run(datagram.slice());
  }

  heard(endpoint: Endpoint): void {
    if (this.#isOn) this.#found.set(endpointKey(endpoint), endpoint);
  }

  end(): void {
    this.#ending.abort();
  }

  async #run(datagram: Bytes): Promise<void> {
    const { signal } = this.#ending;
    for (const to of this.#waiting) {
      await this.#clock.sleep(1000 / SWEEP_PER_S, signal);
      if (signal.aborted) return;
      this.#send(datagram.slice(), to);
    }
  }
}
