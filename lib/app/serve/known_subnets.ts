/** This machine's subnets, whose interfaces may come and go: looked up again now and then. */
import type { Subnet } from "../../address.ts";
import type { Net } from "../../io/net/net.ts";
import type { Clock } from "../../io/system/clock.ts";
import { SUBNETS_MEMORY_MS } from "./limits.ts";

export class KnownSubnets {
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #net: Pick<Net, "subnets">;
  #subnets: readonly Subnet[] = [];
  #readMs = -Infinity;

  constructor(clock: Pick<Clock, "nowMs">, net: Pick<Net, "subnets">) {
    this.#clock = clock;
    this.#net = net;
  }

  get now(): readonly Subnet[] {
    if (this.#clock.nowMs() - this.#readMs > SUBNETS_MEMORY_MS) {
      this.#subnets = this.#net.subnets();
      this.#readMs = this.#clock.nowMs();
    }
    return this.#subnets;
  }
}
