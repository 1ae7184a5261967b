/**
 * What the first bytes of a connection say about the one who sends them. A browser, or any program that can be
 * made to send a request to a port of somebody's choice, must not end up speaking a dialect of ours.
 */
import { ASCII_COMMANDS } from "./session_ascii.ts";
import { LENGTH_PREFIX_BYTES } from "./session_json.ts";
import { SESSION_LINE_BYTES_MAX } from "./limits.ts";

/**
 * `json`: a length prefix, and what may be an object. `text`: a line, which may be a command of the ASCII dialect. `http`
 * and `tls`: neither is spoken here, nor is `noise`, which is anything else.
 */
export type Opening = "json" | "text" | "http" | "tls" | "noise";

/** A length prefix starts with a byte below this: bodies are far shorter than 512 MiB. */
export const PREFIX_BYTE_END = 0x20;
/** A TLS record of the handshake, and its major version: as a length prefix 350 MiB, which nobody accepts. */
const TLS_RECORD = [0x16, 0x03] as const;
/** Up to the version and beyond: a custom method or a strange target is HTTP as well. */
const HTTP_REQUEST = /^[A-Za-z-]+ \S.* HTTP\/\d/;
const HTTP_METHOD = /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /;
const LINE_ENDS: ReadonlySet<number> = new Set([0x0a, 0x0d]);
const BRACE = 0x7b;
/** What JSON lets stand before it. */
const JSON_SPACE: ReadonlySet<number> = new Set([0x20, 0x09, 0x0a, 0x0d]);
const latin1 = new TextDecoder("latin1");

/**
 * `undefined` while more bytes may change the answer.
 *
 * @param opening what has come so far, at least a byte
 * @param isAll whether nothing more will come for now
 */
export function openingOf(opening: Uint8Array, isAll: boolean): Opening | undefined {
  const [first, second] = opening;
  if (first === undefined) return undefined;
  if (first < PREFIX_BYTE_END) {
    if (first === TLS_RECORD[0] && second === undefined) return isAll ? "json" : undefined;
    return first === TLS_RECORD[0] && second === TLS_RECORD[1] ? "tls" : framedOf(opening, isAll);
  }
  const text = latin1.decode(opening);
  const end = text.search(/[\r\n]/);
  const line = end === -1 ? text : text.slice(0, end);
  if (HTTP_METHOD.test(line) || HTTP_REQUEST.test(line)) return "http";
  const isCommand = ASCII_COMMANDS.some((command) => line === command);
  const isWhole = end !== -1 || isAll || opening.length > SESSION_LINE_BYTES_MAX;
  return isCommand || isWhole ? "text" : undefined;
}

/** A message has a length, and begins as an object does: empty lines and zeros are none. */
function framedOf(opening: Uint8Array, isAll: boolean): Opening | undefined {
  const prefix = opening.subarray(0, LENGTH_PREFIX_BYTES);
  const isEmpty = prefix.length === LENGTH_PREFIX_BYTES && prefix.every((byte) => byte === 0);
  if (isEmpty) return "noise";
  const begun = opening[LENGTH_PREFIX_BYTES];
  if (begun !== undefined) {
    const isObject = begun === BRACE || (JSON_SPACE.has(begun) && !LINE_ENDS.has(opening[0]!));
    return isObject ? "json" : "noise";
  }
  if (!isAll) return undefined;
  return prefix.every((byte) => LINE_ENDS.has(byte)) ? "noise" : "json";
}
