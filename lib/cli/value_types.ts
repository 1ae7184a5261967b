/**
 * The kinds of value that an option takes: what is expected, in words; an example; and how its text
 * is read. Flags, environment variables, error messages and help are all made from these.
 */
import { canonicalAddress, isIpv4, isIpv6, parseHostPort } from "../address.ts";
import { KIB, PORT_MAX } from "../limits.ts";
import {
  CLASSIC_CHUNK_BYTES_MAX,
  JOBS_MAX,
  MAX_RETRIES_MAX,
  MTU_BYTES_MAX,
  MTU_BYTES_MIN,
  RETRIES_MAX,
  SHORT_HASH_DIGITS_MIN,
  TIMEOUT_MS_MAX,
  UPLOAD_ENTRIES_MAX,
} from "../app/limits.ts";
import type { Dialect } from "../app/options.ts";
import type { ColourChoice } from "./colours.ts";
import { parseRate, parseSize } from "./units.ts";

/** What a shell offers for a value that is being typed: one of few words, or what there is on this machine. */
export type Completion = readonly string[] | "file" | "folder" | "host" | "interface";

export interface ValueType<T> {
  /** Ends the sentence "… is not". */
  readonly expects: string;
  readonly example: string;
  readonly completes?: Completion;
  /** `undefined` for text that is not one. */
  read(text: string): T | undefined;
  /** Whether what is typed instead may be something that nobody should read: then it is not repeated. */
  readonly isPrivate?: true;
}

export const PORT = wholeNumber(1, PORT_MAX, "10526");
/** The port of the numbers, which is none of those that files come through. */
export const METRICS_PORT = wholeNumber(1, PORT_MAX, "9464");
/** The port of the page. */
export const WEB_PORT = wholeNumber(1, PORT_MAX, "10580");
export const RETRIES = wholeNumber(1, RETRIES_MAX, "10");
export const MAX_RETRIES = wholeNumber(0, MAX_RETRIES_MAX, "3");
/** Files and folders. */
export const ENTRIES = wholeNumber(1, UPLOAD_ENTRIES_MAX, "100000");
export const JOBS = wholeNumber(1, JOBS_MAX, "4");
export const MTU = wholeNumber(MTU_BYTES_MIN, MTU_BYTES_MAX, "1400");
export const CLASSIC_CHUNK = wholeNumber(1, CLASSIC_CHUNK_BYTES_MAX, "1024");
export const SEED = wholeNumber(0, 0xffff_ffff, "42");

export const TEXT: ValueType<string> = {
  expects: "a text",
  example: "downloads",
  read: (text) => text.includes("\0") ? undefined : text,
};

/** Of a folder that need not be there yet. */
export const FOLDER: ValueType<string> = {
  ...TEXT,
  expects: "the path of a folder",
  completes: "folder",
};

export const FILE: ValueType<string> = {
  ...TEXT,
  expects: "the path of a file",
  example: "film.mkv",
  completes: "file",
};

/** One of this machine. */
export const ADDRESS: ValueType<string> = {
  expects: "an IPv4 or IPv6 address",
  example: "192.168.1.7",
  read: (text) => canonicalAddress(text),
};

/** A secret is never an argument, which everybody on the machine can read. */
export const FROM_INPUT: ValueType<"-"> = {
  expects: "-, which reads it from standard input or asks for it",
  example: "-",
  read: (text) => text === "-" ? text : undefined,
  isPrivate: true,
};

export const INTERFACE: ValueType<string> = {
  expects: "the name of a network interface",
  example: "eth0",
  completes: "interface",
  read: (text) => /^[^\s/%]{1,64}$/.test(text) ? text : undefined,
};

export const BROADCAST_ADDRESS: ValueType<string> = {
  expects: "an IPv4 address",
  example: "192.168.1.255",
  read: (text) => isIpv4(text) ? text : undefined,
};

/** A host by name or address, with a port or without. */
export const HOST: ValueType<string> = {
  expects: "HOST, HOST:PORT or [ADDRESS]:PORT",
  example: "192.168.1.7",
  completes: "host",
  read(text) {
    const { host } = parseHostPort(text) ?? {};
    if (host === undefined) return undefined;
    if (isIpv6(host)) return text;
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(host)) return undefined;
    return /^[\d.]+$/.test(host) && !isIpv4(host) ? undefined : text;
  },
};

export const DIALECT = oneOf<Dialect>(["shoal", "json", "ascii"], "ascii");

export const STORE: ValueType<string> = {
  expects: "memory, sqlite:, sqlite:PATH or redis://HOST:PORT",
  example: "redis://10.0.0.5:6379",
  read: (text) => /^(memory|sqlite:.*|redis:\/\/.+)$/.test(text) ? text : undefined,
};

/** Those that can be asked for files. */
export const SERVING_DIALECT = oneOf<Dialect>(["shoal", "ascii"], "ascii");

/** Written in KiB, read as bytes. */
export const KIBIBYTES: ValueType<number> = {
  expects: "a whole number from 0 to 1048576, in units of 1024 bytes",
  example: "10",
  read(text) {
    const value = /^\d{1,7}$/.test(text) ? Number(text) : NaN;
    return value <= KIB ** 2 ? value * KIB : undefined;
  },
};

export type DemoMode = "demo" | "server" | "client";
export const DEMO_MODE = oneOf<DemoMode>(["demo", "server", "client"], "server");

type LogFormat = "plain" | "classic" | "json";
export const LOG_FORMAT = oneOf<LogFormat>(["plain", "classic", "json"], "classic");

export const COLOUR = oneOf<ColourChoice>(["auto", "always", "never"], "always");

export type Shell = "bash" | "zsh" | "fish";
export const SHELL = oneOf<Shell>(["bash", "zsh", "fish"], "bash");

/** A SHA-256, or the first digits of one. */
export const SHA256: ValueType<string> = {
  expects:
    `a SHA-256: 64 hexadecimal digits, or its first ${SHORT_HASH_DIGITS_MIN} or more, as list shows them`,
  example: "e3b0c44298fc1c14",
  read: (text) => {
    const isOne = text.length >= SHORT_HASH_DIGITS_MIN && /^[0-9a-fA-F]{1,64}$/.test(text);
    return isOne ? text.toLowerCase() : undefined;
  },
};

/** Bytes per second. */
export const RATE: ValueType<number> = {
  expects: "a rate above 0 with its unit",
  example: "80mbit",
  read: parseRate,
};

/** Bytes. */
export const SIZE: ValueType<number> = {
  expects: "a size",
  example: "4MB",
  read: parseSize,
};

/** What a variable says of what a flag switches. */
export const SWITCH: ValueType<"on" | "off"> = {
  expects: "on or off",
  example: "off",
  read: (text) => text === "on" || text === "off" ? text : undefined,
};

/** Written in seconds, read as milliseconds. */
export const SECONDS: ValueType<number> = {
  expects: `a number of seconds above 0, at most ${TIMEOUT_MS_MAX / 1000}`,
  example: "10",
  read(text) {
    const ms = Math.round(decimal(text) * 1000);
    return ms >= 1 && ms <= TIMEOUT_MS_MAX ? ms : undefined;
  },
};

export const PROBABILITY: ValueType<number> = {
  expects: "a probability from 0 to 1",
  example: "0.1",
  read(text) {
    const value = decimal(text);
    return value >= 0 && value <= 1 ? value : undefined;
  },
};

function oneOf<Word extends string>(
  words: readonly Word[],
  example: Word,
): ValueType<Word> & { readonly completes: Completion } {
  return {
    expects: `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`,
    example,
    completes: words,
    read: (text) => words.find((word) => word === text),
  };
}

function wholeNumber(min: number, max: number, example: string): ValueType<number> {
  return {
    expects: `a whole number from ${min} to ${max}`,
    example,
    read(text) {
      const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN;
      return value >= min && value <= max ? value : undefined;
    },
  };
}

/** NaN, which no comparison accepts, for anything else than a plain decimal. */
function decimal(text: string): number {
  return /^(\d{1,12}(\.\d*)?|\.\d+)$/.test(text) ? Number(text) : NaN;
}
