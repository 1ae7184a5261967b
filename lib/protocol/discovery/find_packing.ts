/** How many questions fit into one FIND. */
import type { Bytes, Token } from "../../ids.ts";
import { HASH_BYTES, NAME_BYTES_MAX } from "../../limits.ts";
import {
  BRIEF_FIND_BYTES_MAX,
  CONTROL_BYTES_MAX,
  FIND_KNOWN_MAX,
  FIND_QUERIES_MAX,
  FIND_ROUNDS_MAX,
  KNOWN_MARK_BYTES,
  OVERHEAD_BYTES_MAX,
  TOKEN_BYTES,
} from "../../wire/limits.ts";
import { encodeFrame, HEADER_BYTES, type Query } from "../../wire/frames.ts";
import { knownMark } from "../base/tokens.ts";

const utf8 = new TextEncoder();

/** Bytes of a FIND without marks and queries: header, query id, token, round, two counts and a statement. */
const EMPTY_FIND_BYTES = HEADER_BYTES + 8 + TOKEN_BYTES + 1 + 2 + 1;
/** The marks listed are few enough to leave room for the longest query, whatever the transport adds. */
const KNOWN_MAX = Math.min(
  FIND_KNOWN_MAX,
  Math.floor(
    (CONTROL_BYTES_MAX - OVERHEAD_BYTES_MAX - EMPTY_FIND_BYTES - 3 - NAME_BYTES_MAX) /
      KNOWN_MARK_BYTES,
  ),
);

interface FindHead {
  readonly queryId: bigint;
  readonly token: Token;
  /** How often it was put before: servers answer every other one from their discovery port. */
  readonly round: number;
  /** Tokens of servers that need not answer; the marks of the first of them are listed. */
  readonly known: readonly Token[];
}

/**
 * @param overheadBytes what the transport adds to a datagram
 * @param bytesMin to how much it is padded; by default enough for any answer
 */
export function packFind(
  head: FindHead,
  queries: readonly Query[],
  overheadBytes: number,
  bytesMin?: number,
): Bytes {
  const round = head.round % FIND_ROUNDS_MAX;
  const known = head.known.slice(0, KNOWN_MAX).map((token) => knownMark(token, head.queryId));
  return encodeFrame(
    { kind: "find", ...head, round, known, queries, takesRestNs: true },
    overheadBytes,
    bytesMin,
  );
}

/** How long a FIND of these queries is without marks and padding. */
export function findBytes(items: readonly { readonly query: Query }[]): number {
  return items.reduce((bytes, { query }) => bytes + queryBytes(query), EMPTY_FIND_BYTES);
}

/**
 * The first of `items` whose queries fit one FIND beside `knownCount` marks: at least one, unless `bytesMax` is given.
 *
 * @param overheadBytes what the transport adds to a datagram
 * @param bytesMax how long the FIND may be, if that is less than a datagram
 */
export function fitFind<Item extends { readonly query: Query }>(
  items: Iterable<Item>,
  knownCount: number,
  overheadBytes: number,
  bytesMax = Infinity,
): Item[] {
  const fitting: Item[] = [];
  let bytes = EMPTY_FIND_BYTES + Math.min(knownCount, KNOWN_MAX) * KNOWN_MARK_BYTES;
  for (const item of items) {
    bytes += queryBytes(item.query);
    if (fitting.length === FIND_QUERIES_MAX) break;
    if (bytes > Math.min(bytesMax, CONTROL_BYTES_MAX - overheadBytes)) break;
    fitting.push(item);
  }
  return fitting;
}

/** The same for one server, briefly or not: the first of `items` in any case. */
export function fitTo<Item extends { readonly query: Query }>(
  isBrief: boolean,
  items: Iterable<Item>,
  overheadBytes: number,
): Item[] {
  const fitting = fitFind(items, 0, overheadBytes);
  if (!isBrief) return fitting;
  const brief = fitFind(fitting, 0, overheadBytes, BRIEF_FIND_BYTES_MAX - overheadBytes);
  return brief.length > 0 ? brief : fitting.slice(0, 1);
}

function queryBytes(query: Query): number {
  switch (query.by) {
    case "tree":
      return 3 + utf8.encode(query.name ?? "").length;
    case "name":
      return 3 + utf8.encode(query.name).length;
    case "sha256":
      return 1 + HASH_BYTES;
    case "any":
      return 1;
  }
}
