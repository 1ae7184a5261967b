/** What `iptables-save` prints, as rules. Pure; what is not understood is a rule that may apply. */
import {
  type Chain,
  type Condition,
  type Effect,
  negated,
  ofInterface,
  ofPort,
  ofState,
  ofTransport,
  perhaps,
  type Rule,
} from "./firewall_rules.ts";

const HOOKS: Readonly<Record<string, "input" | "output">> = { INPUT: "input", OUTPUT: "output" };
/** Between the ends of a range of ports. */
const RANGE = /:/;
/** Options that say nothing about which packets a rule is for, by how many values they take. */
const NEUTRAL: Readonly<Record<string, number>> = {
  "-m": 1,
  "--comment": 1,
  "--log-prefix": 1,
  "--log-level": 1,
  "--reject-with": 1,
};

/** Only the filter table's, which is where packets are dropped; `undefined` for what is no such text. */
export function iptablesRules(text: string): readonly Chain[] | undefined {
  const lines = filterTable(text);
  if (lines === undefined) return undefined;
  const policies = new Map<string, "accept" | "drop">();
  const rules = new Map<string, Rule[]>();
  for (const line of lines) {
    const [first = "", second = ""] = line.split(" ", 2);
    if (first.startsWith(":")) policies.set(first.slice(1), second === "DROP" ? "drop" : "accept");
    if (first !== "-A") continue;
    rules.set(second, [...rules.get(second) ?? [], ruleOf(wordsIn(line).slice(2))]);
  }
  return [...policies].map(([name, policy]): Chain => {
    const hook = HOOKS[name];
    return {
      ...{ name, table: "filter", policy, rules: rules.get(name) ?? [] },
      ...(hook !== undefined && { hook }),
    };
  });
}

function filterTable(text: string): readonly string[] | undefined {
  const lines = text.split("\n");
  const start = lines.indexOf("*filter");
  if (start === -1) return undefined;
  const end = lines.indexOf("COMMIT", start);
  return lines.slice(start + 1, end === -1 ? undefined : end);
}

/** Split at spaces that are not in quotes. */
function wordsIn(line: string): string[] {
  return [...line.matchAll(/"(?:[^"\\]|\\.)*"|\S+/g)].map(([word]) => word);
}

function ruleOf(words: readonly string[]): Rule {
  const conditions: Condition[] = [];
  let effect: Effect = { kind: "nothing" };
  let isNegated = false;
  const add = (condition: Condition): void => {
    conditions.push(isNegated ? negated(condition) : condition);
    isNegated = false;
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at]!;
    const value = words[at + 1] ?? "";
    const neutral = NEUTRAL[word];
    if (word === "!") {
      isNegated = true;
      continue;
    }
    at += neutral ?? 1;
    if (neutral !== undefined) continue;
    switch (word) {
      case "-p":
        add(ofTransport(value));
        break;
      case "-i":
      case "-o":
        add(ofInterface(value));
        break;
      case "--dport":
      case "--dports":
        add(ofPort("to", portsIn(value)));
        break;
      case "--sport":
      case "--sports":
        add(ofPort("from", portsIn(value)));
        break;
      case "--ctstate":
      case "--state":
        add(ofState(value.toLowerCase().split(",")));
        break;
      case "-j":
        effect = effectOf(value);
        break;
      case "-g":
        effect = { kind: "goto", chain: value };
        break;
      default:
        // What takes no value leaves its neighbour to be looked at.
        if (value.startsWith("-")) at -= 1;
        add(perhaps);
    }
  }
  return { conditions, effect };
}

function effectOf(target: string): Effect {
  switch (target) {
    case "ACCEPT":
      return { kind: "accept" };
    case "DROP":
    case "REJECT":
      return { kind: "drop" };
    case "RETURN":
      return { kind: "return" };
    case "LOG":
    case "NFLOG":
    case "MARK":
    case "CONNMARK":
      return { kind: "nothing" };
    default:
      return { kind: "jump", chain: target };
  }
}

function portsIn(text: string): readonly (readonly [number, number])[] | undefined {
  const parts = text.split(",").map((part) => part.split(RANGE).map(Number));
  if (parts.flat().some((port) => !Number.isInteger(port))) return undefined;
  return parts.map(([first = 0, last = first]) => [first, last]);
}
