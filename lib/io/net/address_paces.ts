/** How fast those who connect to a port may ask, by address: what was asked over connections that have closed counts as well. */
import { RateLimit } from "../../protocol/base/rate_limit.ts";
import { RecentMap } from "../../protocol/base/recent_map.ts";
import type { Clock } from "../system/clock.ts";
import {
  REQUEST_RATES_KEPT_MAX,
  REQUEST_RATES_KEPT_MS,
  REQUESTS_PER_ADDRESS_FACTOR,
  SESSION_REQUESTS_BURST,
} from "./limits.ts";
import { RequestPace } from "./request_pace.ts";

interface AddressPacesOptions {
  readonly clock: Clock;
  /** How many requests of each connection are read in a second; more wait. */
  readonly requestsPerS: number;
  /** Units of work that all requests of one address may cause in a second; more wait. */
  readonly workPerS: number;
}

interface AddressRates {
  readonly requests: RateLimit;
  readonly work: RateLimit;
}

export class AddressPaces {
  readonly #options: AddressPacesOptions;
  readonly #rates = new RecentMap<AddressRates>(REQUEST_RATES_KEPT_MAX, REQUEST_RATES_KEPT_MS);

  constructor(options: AddressPacesOptions) {
    this.#options = options;
  }

  /** Of a new connection. */
  paceOf(party: string): RequestPace {
    const { clock, requestsPerS } = this.#options;
    const own = new RateLimit(requestsPerS, SESSION_REQUESTS_BURST);
    const { requests, work } = this.#rateOf(party);
    return new RequestPace(clock, [own, requests], work);
  }

  #rateOf(party: string): AddressRates {
    const { clock, requestsPerS, workPerS } = this.#options;
    const now = clock.nowMs();
    const factor = REQUESTS_PER_ADDRESS_FACTOR;
    const rates = this.#rates.get(now, party) ?? {
      requests: new RateLimit(requestsPerS * factor, SESSION_REQUESTS_BURST * factor),
      work: new RateLimit(workPerS, workPerS / 2),
    };
    this.#rates.set(now, party, rates);
    return rates;
  }
}
