/**
 * What a system refuses to send, and what people are told of it: each kind of refusal of each address once, and not
 * of more addresses than anybody reads about.
 */
import { type Endpoint, endpointText } from "../../address.ts";
import { REFUSALS_TOLD_MAX } from "./limits.ts";

/**
 * "blocked": a firewall of this machine drops or rejects it. "forbidden": a route or a policy of this machine says no,
 * or a broadcast address needs more than it has. "too long": longer than the network interface takes.
 */
export type SendRefusal = "blocked" | "forbidden" | "no route" | "too long";

const TEXTS: Readonly<Record<SendRefusal, (to: string) => string>> = {
  blocked: (to) =>
    `a firewall on this machine keeps UDP from leaving for ${to}: allow it there, or nothing can be asked or answered`,
  forbidden: (to) =>
    `this machine does not permit UDP to ${to}: a route forbids it, or it is a broadcast address that is not its own`,
  "no route": (to) =>
    `no route leads from this machine to ${to}: check its cable, Wi-Fi or VPN, and that address`,
  "too long": (to) =>
    `a datagram to ${to} is longer than the network interface takes: give a smaller --mtu, or check that of the interface`,
};

export class SendRefusals {
  readonly #told = new Set<string>();

  /** What is to be said of it; `undefined` where that was said already. */
  notice(refusal: SendRefusal, to: Endpoint): string | undefined {
    const key = `${refusal} ${to.address}`;
    if (this.#told.has(key) || this.#told.size >= REFUSALS_TOLD_MAX) return undefined;
    this.#told.add(key);
    return TEXTS[refusal](endpointText(to));
  }
}

export function isRefusal(outcome: string): outcome is SendRefusal {
  return Object.hasOwn(TEXTS, outcome);
}
