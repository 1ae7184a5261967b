/** What an option is, and the options that several commands share. A command is a table of these. */
import { ShoalError } from "../errors.ts";
import { SIMULATED_ERROR_RATE_DEFAULT } from "../app/limits.ts";
import { NETWORK_DEFAULTS, searchWaitMs, TCP_GET_DEFAULTS } from "../app/option_defaults.ts";
import {
  BROADCAST_ADDRESS,
  COLOUR,
  HOST,
  INTERFACE,
  LOG_FORMAT,
  PORT,
  PROBABILITY,
  RATE,
  RETRIES,
  SECONDS,
  SEED,
  SERVING_DIALECT,
  type ValueType,
} from "./value_types.ts";

/** `--flag`, or `--no-flag` where it is on by default. */
export interface Toggle {
  readonly kind: "toggle";
  readonly summary: string;
  readonly fallback: boolean;
  readonly short?: string;
  /** A variable that says `on` or `off` where the command line says neither. */
  readonly env?: string;
}

/** `--flag` or `--no-flag`; what it is without either depends on the rest of the command line. */
interface Tristate {
  readonly kind: "tristate";
  readonly summary: string;
}

/** `--flag VALUE`, once. */
export interface Single<T> {
  readonly kind: "single";
  readonly summary: string;
  /** The value's name in the help. */
  readonly label: string;
  readonly type: ValueType<NonNullable<T>>;
  readonly fallback: T;
  /** The fallback as it would be typed; absent where there is none. */
  readonly fallbackText?: string;
  readonly short?: string;
  readonly env?: string;
}

/** `--flag VALUE`, as often as wanted; comma-separated in the environment. */
export interface Many<T> {
  readonly kind: "many";
  readonly summary: string;
  readonly label: string;
  readonly type: ValueType<T>;
  readonly env?: string;
}

export type Option = Toggle | Tristate | Single<unknown> | Many<unknown>;
/** By flag, without the dashes. */
export type OptionTable = Readonly<Record<string, Option>>;

type OptionValue<O> = O extends Toggle ? boolean
  : O extends Tristate ? boolean | undefined
  : O extends Single<infer T> ? T
  : O extends Many<infer T> ? readonly T[]
  : never;
/** What parsing a command line by `Table` gives, by flag. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Flag in keyof Table]: OptionValue<Table[Flag]>;
};

export function toggle(
  summary: string,
  fallback = false,
  details: Pick<Toggle, "env"> = {},
): Toggle {
  return { kind: "toggle", summary, fallback, ...details };
}

/** One that a letter switches on as well. */
function shortToggle(short: string, summary: string): Toggle {
  return { kind: "toggle", summary, fallback: false, short };
}

export function tristate(summary: string): Tristate {
  return { kind: "tristate", summary };
}

type SingleDetails = Pick<Single<unknown>, "summary" | "label" | "short" | "env">;

export function optional<T extends NonNullable<unknown>>(
  type: ValueType<T>,
  details: SingleDetails,
): Single<T | undefined> {
  return { kind: "single", type, fallback: undefined, ...details };
}

/** An option whose default is read by the same rules as what is typed. */
export function withDefault<T extends NonNullable<unknown>>(
  type: ValueType<T>,
  fallbackText: string,
  details: SingleDetails,
): Single<T> {
  const fallback = type.read(fallbackText);
  if (fallback === undefined) throw new Error(`the default ${fallbackText} is refused`);
  return { kind: "single", type, fallback, fallbackText, ...details };
}

/** An option whose absence the command has to see, although there is a default. */
interface FallingBack<T> extends Single<T | undefined> {
  /** What counts when it is absent. */
  readonly absentValue: T;
}

/** The same as {@linkcode withDefault}, except that without the option its value is absent. */
export function fallingBack<T extends NonNullable<unknown>>(
  type: ValueType<T>,
  fallbackText: string,
  details: SingleDetails,
): FallingBack<T> {
  const { fallback: absentValue } = withDefault(type, fallbackText, details);
  return { kind: "single", type, fallback: undefined, absentValue, fallbackText, ...details };
}

/** Throws ShoalError `usage` for a flag that would do nothing without another. */
export function requireFor(flag: string, given: unknown, other: string, isThere: boolean): void {
  if (given === undefined || isThere) return;
  throw new ShoalError("usage", `--${flag} does nothing without ${other}`, {
    hint: `Add ${other}, or leave --${flag} out.`,
  });
}

export function many<T>(type: ValueType<T>, details: Omit<Many<T>, "kind" | "type">): Many<T> {
  return { kind: "many", type, ...details };
}

/** Of a command that has no other. */
export const HELP_OPTION = { help: shortToggle("h", "show this help") } as const;

export const OUTPUT_OPTIONS = {
  json: toggle("print one JSON object per line and nothing else on stdout"),
  quiet: shortToggle("q", "print errors and results only"),
  verbose: shortToggle("v", "print more detail, and the causes of errors"),
  color: withDefault(COLOUR, "auto", {
    label: "WHEN",
    summary: "use colours: auto, always or never; auto heeds NO_COLOR",
  }),
  ...HELP_OPTION,
} as const;

export const NETWORK_OPTIONS = {
  port: withDefault(PORT, String(NETWORK_DEFAULTS.port), {
    label: "PORT",
    short: "p",
    env: "SHOAL_PORT",
    summary: "UDP port of discovery",
  }),
  broadcast: broadcastOption("broadcast to this address only"),
  interface: many(INTERFACE, {
    label: "NAME",
    summary: "use only this network interface to find and be found",
  }),
  "no-interface": many(INTERFACE, {
    label: "NAME",
    summary: "don't use this network interface to find or be found",
  }),
} as const;

export function broadcastOption(summary: string) {
  return many(BROADCAST_ADDRESS, { label: "ADDRESS", env: "SHOAL_BROADCAST", summary });
}

export function rateOption(verb: "send" | "fetch") {
  return {
    rate: optional(RATE, {
      label: "RATE",
      summary: `${verb} no faster than this, such as ${RATE.example}`,
    }),
  } as const;
}

/** `patience` is how long the command waits by default. */
export function searchOptions(patience: { readonly timeoutMs: number; readonly retries: number }) {
  return {
    server: many(HOST, { label: "HOST[:PORT]", summary: "ask this server only" }),
    wait: optional(SECONDS, {
      label: "SECONDS",
      summary: `how long nobody at all may answer (default ${
        searchWaitMs(patience) / 1000
      }, or all attempts)`,
    }),
    sweep: toggle("also ask every address of this machine's /24 networks, one by one"),
    timeout: withDefault(SECONDS, String(patience.timeoutMs / 1000), {
      label: "SECONDS",
      summary: "how long a server that was found may bring nothing, per attempt",
    }),
  } as const;
}

export function masterOption(summary: string) {
  return {
    master: many(HOST, { label: "HOST[:PORT]", env: "SHOAL_MASTER", summary }),
  } as const;
}

/** As the library takes them: not at all where there are none. */
export function mastersOf(masters: readonly string[]): { readonly masters?: readonly string[] } {
  return masters.length > 0 ? { masters } : {};
}

/** `attempts` is how many the command makes by default. */
export function retryOption(attempts: number) {
  return {
    retries: withDefault(RETRIES, String(attempts), {
      label: "N",
      summary: "give up after so many attempts in a row that bring nothing",
    }),
  } as const;
}

export const LOG_OPTION = {
  "log-format": withDefault(LOG_FORMAT, "plain", {
    label: "FORMAT",
    summary: "log format: plain, json, or classic (implies --verbose)",
  }),
} as const;

/** Of a command that asks for files. */
export const DIALECT_OPTION = {
  dialect: withDefault(SERVING_DIALECT, TCP_GET_DEFAULTS.dialect, {
    label: "NAME",
    summary: "protocol of the TCP session: shoal or ascii",
  }),
} as const;

/** Whether a session over TCP is all that is used; older dialects have nothing else. */
export function isOverTcp(options: { readonly tcp: boolean; readonly dialect: string }): boolean {
  return options.tcp || options.dialect !== "shoal";
}

/** Where everybody is asked. */
const SEARCH_FLAGS = ["broadcast", "interface", "no-interface", "sweep"];

/** What a command that searches has no use for over TCP, or where it is told whom to ask. */
export function idleInSearch(
  options: {
    readonly tcp: boolean;
    readonly dialect: string;
    readonly server: readonly string[];
    readonly broadcast: readonly string[];
  },
) {
  return isOverTcp(options)
    ? [{
      flags: ["master", "mtu", "wait", "pack", "share", "share-rate", ...SEARCH_FLAGS],
      where: "over TCP, where one server is asked",
    }]
    : options.server.length > 0
    ? [{ flags: SEARCH_FLAGS, where: "with --server, which says who is asked" }]
    : options.broadcast.length > 0
    ? [{
      flags: ["interface", "no-interface", "sweep"],
      where: "with --broadcast, which says who is asked",
    }]
    : [];
}

/** The server of a TCP session. Throws ShoalError `usage` unless exactly one was named. */
export function oneServer(servers: readonly string[]): string {
  const [server] = servers;
  if (server !== undefined && servers.length === 1) return server;
  throw new ShoalError("usage", "TCP needs exactly one --server", {
    hint: "Name it, as in --server 192.168.1.7",
  });
}

/** The probability of simulated errors, if there are to be any. */
export function errorRateOf(
  options: { readonly "error-rate": number | undefined },
  areSimulated: boolean,
): number {
  if (!areSimulated) return 0;
  return options["error-rate"] ?? SIMULATION_OPTIONS["error-rate"].absentValue;
}

export const SIMULATION_OPTIONS = {
  "error-rate": fallingBack(PROBABILITY, String(SIMULATED_ERROR_RATE_DEFAULT), {
    label: "R",
    summary: "share of packets to drop, corrupt, duplicate or delay",
  }),
  seed: optional(SEED, { label: "N", summary: "make the errors reproducible" }),
} as const;
