/** What `nft --json list ruleset` prints, as rules. Pure; what is not understood is a rule that may apply. */
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

type Json = Readonly<Record<string, unknown>>;
type Ranges = readonly (readonly [number, number])[];

/** `undefined` for what is no ruleset. */
export function nftRules(text: string): readonly Chain[] | undefined {
  const objects = objectsIn(text);
  if (objects === undefined) return undefined;
  const of = (kind: string): Json[] =>
    objects.flatMap((each) => isJson(each[kind]) ? [each[kind]] : []);
  const sets = new Map(
    of("set").map((set) => [keyOf(set, set["name"]), portsIn(set["elem"] ?? [])]),
  );
  const rules = of("rule");
  return of("chain").map((chain): Chain => {
    const hook = chain["hook"];
    const own = rules.filter((rule) => keyOf(rule, rule["chain"]) === keyOf(chain, chain["name"]));
    const isFilter = chain["type"] === "filter" && (hook === "input" || hook === "output");
    return {
      name: String(chain["name"]),
      table: `${chain["family"]} ${chain["table"]}`,
      ...(isFilter && { hook }),
      policy: chain["policy"] === "drop" ? "drop" : "accept",
      rules: own.flatMap((rule) => rulesOf(rule, sets)),
    };
  });
}

function objectsIn(text: string): readonly Json[] | undefined {
  try {
    const { nftables } = JSON.parse(text) as { nftables?: unknown };
    return Array.isArray(nftables) ? nftables.filter(isJson) : undefined;
  } catch {
    return undefined;
  }
}

function keyOf({ family, table }: Json, name: unknown): string {
  return `${family} ${table} ${name}`;
}

/** One, or one for each state of a connection where it is a map of these. */
function rulesOf({ expr }: Json, sets: ReadonlyMap<string, Ranges | undefined>): Rule[] {
  const conditions: Condition[] = [];
  let effect: Effect = { kind: "nothing" };
  for (const each of Array.isArray(expr) ? expr.filter(isJson) : []) {
    const [kind = "", value] = Object.entries(each)[0] ?? [];
    switch (kind) {
      case "match":
        conditions.push(isJson(value) ? conditionOf(value, sets) : perhaps);
        break;
      case "accept":
      case "return":
      case "drop":
      case "reject":
      case "jump":
      case "goto":
        effect = effectOf(kind, value);
        break;
      case "counter":
      case "log":
        break;
      case "vmap": {
        const states = isJson(value) ? effectsByState(value) : undefined;
        if (states !== undefined) {
          return states.map(([state, each]) => ({
            conditions: [...conditions, ofState([state])],
            effect: each,
          }));
        }
        effect = { kind: "unknown" };
        break;
      }
      case "queue":
        effect = { kind: "unknown" };
        break;
      default:
        // A limit, a mark, what another program reads.
        conditions.push(perhaps);
    }
  }
  return [{ conditions, effect }];
}

function effectOf(kind: string, value: unknown): Effect {
  switch (kind) {
    case "accept":
    case "return":
      return { kind };
    case "drop":
    case "reject":
      return { kind: "drop" };
    case "jump":
    case "goto":
      return { kind, chain: isJson(value) ? String(value["target"]) : "" };
    default:
      return { kind: "unknown" };
  }
}

/** `undefined` for a map of something else. */
function effectsByState({ key, data }: Json): readonly (readonly [string, Effect])[] | undefined {
  const ct = isJson(key) ? key["ct"] : undefined;
  const entries = isJson(data) ? data["set"] : undefined;
  if (!isJson(ct) || ct["key"] !== "state" || !Array.isArray(entries)) return undefined;
  const effects = entries.map((entry): readonly [string, Effect] | undefined => {
    const [state, verdict] = Array.isArray(entry) ? entry : [];
    const [[kind = "", value] = []] = isJson(verdict) ? Object.entries(verdict) : [];
    return typeof state === "string" ? [state, effectOf(kind, value)] : undefined;
  });
  return effects.every((each) => each !== undefined) ? effects : undefined;
}

function conditionOf(
  { op, left, right }: Json,
  sets: ReadonlyMap<string, Ranges | undefined>,
): Condition {
  const plain = isJson(left) ? plainCondition(left, right, sets) : perhaps;
  return op === "!=" ? negated(plain) : plain;
}

function plainCondition(
  left: Json,
  right: unknown,
  sets: ReadonlyMap<string, Ranges | undefined>,
): Condition {
  const [payload, meta, ct] = [left["payload"], left["meta"], left["ct"]];
  if (isJson(payload)) return payloadCondition(payload, right, sets);
  if (isJson(meta)) {
    const names = textsIn(right);
    switch (meta["key"]) {
      case "l4proto":
        return names === undefined ? perhaps : ofTransport(...names);
      case "iifname":
      case "iif":
      case "oifname":
      case "oif":
        return names?.length === 1 ? ofInterface(names[0]!) : perhaps;
      default:
        return perhaps;
    }
  }
  if (isJson(ct) && ct["key"] === "state") {
    const states = textsIn(right);
    return states === undefined ? perhaps : ofState(states);
  }
  return perhaps;
}

function payloadCondition(
  { protocol, field }: Json,
  right: unknown,
  sets: ReadonlyMap<string, Ranges | undefined>,
): Condition {
  if (field === "protocol" || field === "nexthdr") {
    const names = textsIn(right);
    return names === undefined ? perhaps : ofTransport(...names);
  }
  if (field !== "dport" && field !== "sport") return perhaps;
  const named = typeof right === "string" && right.startsWith("@") ? right.slice(1) : undefined;
  // Sets of one name in several tables are rare; those of all are looked through.
  const ranges = named === undefined
    ? portsIn(right)
    : [...sets].find(([key]) => key.endsWith(` ${named}`))?.[1];
  const ports = ofPort(field === "dport" ? "to" : "from", ranges);
  if (protocol === "th") return ports;
  const transport = ofTransport(String(protocol));
  return (packet) => transport(packet) === "no" ? "no" : ports(packet);
}

/** `undefined` where something else than numbers is among them. */
function portsIn(value: unknown): Ranges | undefined {
  if (typeof value === "number") return [[value, value]];
  if (Array.isArray(value)) {
    const parts = value.map(portsIn);
    return parts.every((each) => each !== undefined) ? parts.flat() : undefined;
  }
  if (!isJson(value)) return undefined;
  const { set, range, elem } = value;
  if (set !== undefined) return portsIn(set);
  if (isJson(elem)) return portsIn(elem["val"]);
  if (!Array.isArray(range)) return undefined;
  const [first, last] = range;
  return typeof first === "number" && typeof last === "number" ? [[first, last]] : undefined;
}

function textsIn(value: unknown): readonly string[] | undefined {
  if (typeof value === "string") return [value];
  const all = isJson(value) && "set" in value ? value["set"] : value;
  return Array.isArray(all) && all.every((each) => typeof each === "string") ? all : undefined;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
