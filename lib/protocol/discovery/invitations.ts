/** Endpoints of servers that others have told us of: they are asked as by a broadcast, as many as there is room for. */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { Random } from "../base/random.ts";
import { chooseUnvalidated } from "../base/validated_first.ts";
import { INVITED_MAX } from "./limits.ts";

export class Invitations {
  readonly #isProved: (endpoint: Endpoint) => boolean;
  readonly #random: Random;
  readonly #invited = new Map<string, Endpoint>();

  /** @param isProved whether somebody has answered there */
  constructor(isProved: (endpoint: Endpoint) => boolean, random: Random) {
    this.#isProved = isProved;
    this.#random = random;
  }

  [Symbol.iterator](): IterableIterator<Endpoint> {
    return this.#invited.values();
  }

  /** Returns those that are new and have found room. */
  add(endpoints: readonly Endpoint[]): Endpoint[] {
    const fresh: Endpoint[] = [];
    for (const each of endpoints) {
      const key = endpointKey(each);
      if (this.#invited.has(key)) continue;
      if (this.#invited.size >= INVITED_MAX && !this.#evictOne()) break;
      this.#invited.set(key, each);
      fresh.push(each);
    }
    return fresh;
  }

  /** One that has not proved itself makes room; `false` where all have. */
  #evictOne(): boolean {
    const isProved = ([, endpoint]: [string, Endpoint]): boolean => this.#isProved(endpoint);
    const evicted = chooseUnvalidated(this.#invited, isProved, this.#random);
    return evicted !== undefined && this.#invited.delete(evicted[0]);
  }
}
