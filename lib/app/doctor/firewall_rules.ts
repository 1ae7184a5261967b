/**
 * A firewall's rules, as far as they matter for a first datagram or connection, and what becomes of one by them. Pure. What is
 * not understood of a rule makes it one that may apply or not: nothing is said to be dropped that might be let through.
 */

/** What is asked about: what comes from another machine of the network, or goes to one. */
export interface Packet {
  readonly direction: "input" | "output";
  readonly transport: "udp" | "tcp";
  /** Where it goes to. */
  readonly port: number;
  /** Where it comes from, if that is known. */
  readonly fromPort?: number;
  /** By which interface it comes or goes, if that is known. */
  readonly link?: string;
}

/** Whether a condition holds for a packet. */
type Holds = "yes" | "no" | "maybe";
export type Condition = (packet: Packet) => Holds;

export type Effect =
  | { readonly kind: "accept" | "drop" | "return" | "nothing" }
  | { readonly kind: "jump" | "goto"; readonly chain: string }
  /** It may be any of these. */
  | { readonly kind: "unknown" };

export interface Rule {
  readonly conditions: readonly Condition[];
  readonly effect: Effect;
}

export interface Chain {
  /** As other chains name it; unique with its table. */
  readonly name: string;
  /** Where it can be found: `inet filter`, `filter`. */
  readonly table: string;
  /** Where packets enter it by themselves. */
  readonly hook?: "input" | "output";
  readonly policy: "accept" | "drop";
  readonly rules: readonly Rule[];
}

/** What becomes of it, and in which chain that is decided. */
interface Verdict {
  readonly kind: "accept" | "drop" | "unknown";
  /** Names the chain that drops it, for people. */
  readonly where?: string;
}

type Outcome =
  | { readonly kind: "accept" | "unknown" }
  | { readonly kind: "drop"; readonly where: string }
  /** Not decided here, unless something that may apply has let it pass. */
  | { readonly kind: "through"; readonly mayBeAccepted: boolean };

/** Every chain that a packet enters by itself has to let it through. */
export function verdictOn(packet: Packet, chains: readonly Chain[]): Verdict {
  let isUnknown = false;
  for (const chain of chains.filter(({ hook }) => hook === packet.direction)) {
    const outcome = walk(packet, chain, chains, new Set());
    if (outcome.kind === "drop") return outcome;
    if (outcome.kind === "unknown") isUnknown = true;
    if (outcome.kind !== "through" || chain.policy === "accept") continue;
    if (!outcome.mayBeAccepted) return { kind: "drop", where: placeOf(chain) };
    isUnknown = true;
  }
  return { kind: isUnknown ? "unknown" : "accept" };
}

function walk(
  packet: Packet,
  chain: Chain,
  chains: readonly Chain[],
  above: ReadonlySet<Chain>,
): Outcome {
  // No firewall lets chains run in a circle.
  if (above.has(chain)) return { kind: "unknown" };
  const within = new Set([...above, chain]);
  let mayBeAccepted = false;
  for (const { conditions, effect } of chain.rules) {
    const holds = all(conditions, packet);
    if (holds === "no" || effect.kind === "nothing") continue;
    const outcome = effectOf(effect, packet, chain, chains, within);
    const isExit = effect.kind === "return" || effect.kind === "goto";
    if (holds === "maybe" || outcome.kind === "unknown") {
      // That it may be dropped here is no reason to say so.
      mayBeAccepted ||= outcome.kind === "through"
        ? isExit || outcome.mayBeAccepted
        : outcome.kind !== "drop";
      continue;
    }
    if (outcome.kind === "drop") return mayBeAccepted ? { kind: "unknown" } : outcome;
    if (outcome.kind !== "through") return outcome;
    mayBeAccepted ||= outcome.mayBeAccepted;
    if (isExit) break;
  }
  return { kind: "through", mayBeAccepted };
}

function effectOf(
  effect: Effect,
  packet: Packet,
  chain: Chain,
  chains: readonly Chain[],
  above: ReadonlySet<Chain>,
): Outcome {
  switch (effect.kind) {
    case "accept":
    case "unknown":
      return { kind: effect.kind };
    case "drop":
      return { kind: "drop", where: placeOf(chain) };
    case "return":
    case "nothing":
      return { kind: "through", mayBeAccepted: false };
    case "jump":
    case "goto": {
      const next = chains.find(({ name, table }) => name === effect.chain && table === chain.table);
      return next === undefined ? { kind: "unknown" } : walk(packet, next, chains, above);
    }
  }
}

function all(conditions: readonly Condition[], packet: Packet): Holds {
  const held = conditions.map((condition) => condition(packet));
  if (held.includes("no")) return "no";
  return held.includes("maybe") ? "maybe" : "yes";
}

function placeOf({ table, name }: Chain): string {
  return `table ${table}, chain ${name}`;
}

// — Conditions that both kinds of rules have ————————————————————————————————————————————————————————

export const perhaps: Condition = () => "maybe";

export function negated(condition: Condition): Condition {
  return (packet) => {
    const held = condition(packet);
    return held === "maybe" ? held : held === "yes" ? "no" : "yes";
  };
}

export function ofTransport(...names: readonly string[]): Condition {
  return ({ transport }) => names.includes(transport) ? "yes" : "no";
}

/** Ranges are of whole numbers, ends included; `undefined` for what was not understood. */
export function ofPort(
  end: "to" | "from",
  ranges: readonly (readonly [number, number])[] | undefined,
): Condition {
  return ({ port, fromPort }) => {
    const own = end === "to" ? port : fromPort;
    if (own === undefined || ranges === undefined) return "maybe";
    return ranges.some(([first, last]) => own >= first && own <= last) ? "yes" : "no";
  };
}

/** What begins something is new; what answers comes from a port that is known. */
export function ofState(states: readonly string[]): Condition {
  return ({ fromPort }) =>
    states.includes(fromPort === undefined ? "new" : "established") ? "yes" : "no";
}

/** @param name of an interface; one that ends with `*` or `+` stands for all that begin so */
export function ofInterface(name: string): Condition {
  const [, start] = /^(.*)[*+]$/.exec(name) ?? [];
  return ({ link }) => {
    if (link === undefined) return name === "lo" ? "no" : "maybe";
    return (start === undefined ? link === name : link.startsWith(start)) ? "yes" : "no";
  };
}
