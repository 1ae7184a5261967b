/**
 * Random values for property tests: everything that a codec of ours may be asked to say, and names as
 * strangers make them. Runs are decided by {@linkcode SEEDS}, so that a failure is there again next time.
 */
import { ipv6Text } from "../../lib/address.ts";
import * as fc from "fast-check";
import {
  type Bytes,
  type HashHex,
  hashHex,
  type SafeFileName,
  type ServerId,
  serverId,
  toHex,
} from "../../lib/ids.ts";
import { FILE_BYTES_MAX } from "../../lib/limits.ts";
import {
  HELD_BYTES_MAX,
  LAYER_PAGE_HASHES,
  LAYER_PART_HASHES,
  LAYER_PROOF_HASHES_MAX,
  TAKERS_NAMED_MAX,
} from "../../lib/wire/limits.ts";
import { parseFileName } from "../../lib/names.ts";
import type { ByteRange, Frame, ListingEntry, Query } from "../../lib/wire/frames.ts";

/** Each property is tried with each of them. */
export const SEEDS: readonly number[] = [10_526, 20_526, 30_526];
const RUNS_PER_SEED = 300;

/** A test of what must hold for all values; the message of a failure names the seed and the path to it. */
export function property<Values extends [unknown, ...unknown[]]>(
  name: string,
  arbitraries: { readonly [Index in keyof Values]: fc.Arbitrary<Values[Index]> },
  holds: (...values: Values) => void,
  runs = RUNS_PER_SEED,
): void {
  Deno.test(name, () => {
    for (const seed of SEEDS) {
      const drawn = fc.tuple(...arbitraries) as unknown as fc.Arbitrary<Values>;
      fc.assert(fc.property(drawn, (values) => holds(...values)), { seed, numRuns: runs });
    }
  });
}

export const bytes = (maxLength: number, minLength = 0): fc.Arbitrary<Bytes> =>
  fc.uint8Array({ minLength, maxLength }).map((each) => Uint8Array.from(each));

/** Bytes that look like text more often than not, with what ends or begins things among them. */
export const streamBytes: fc.Arbitrary<Bytes> = fc.array(
  fc.oneof(
    fc.constantFrom("LIST_FILES", "DOWNLOAD", "UPLOAD", "\n", "\r\n", " ", ";", "a.txt;5", "\0")
      .map((text) => new TextEncoder().encode(text)),
    fc.constant("0123456789abcdef".repeat(2)).map((text) => new TextEncoder().encode(text)),
    bytes(12),
  ),
  { maxLength: 12 },
).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

/** Parts of names that have led out of folders, into devices or onto terminals. */
const HOSTILE_PARTS = [
  "..",
  ".",
  "",
  "/",
  "//",
  "\\",
  "\0",
  "\n",
  "\u001b[2J",
  "\u0085",
  "\u202e",
  "\u2066",
  "\ufeff",
  "\ud800",
  "C:",
  "c:",
  "con",
  "NUL.txt",
  "aux ",
  "COM1 .txt",
  "CONIN$",
  "lpt9:x",
  "~",
  "%2e%2e",
  "a",
  "b.txt",
  "é",
  "e\u0301",
  "日本",
  "👍🏽",
  "x".repeat(255),
];

/** Any text, as likely as not made of what has done harm. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
    .map((units) => String.fromCharCode(...units)),
  fc.array(fc.constantFrom(...HOSTILE_PARTS), { maxLength: 8 }).map((parts) => parts.join("")),
  fc.array(fc.constantFrom(...HOSTILE_PARTS), { maxLength: 8 }).map((parts) => parts.join("/")),
);

/** Names that are safe. */
export const fileName: fc.Arbitrary<SafeFileName> = fc.oneof(
  fc.array(fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 }), {
    minLength: 1,
    maxLength: 3,
  }).map((parts) => parts.join("/")),
  hostileText,
).filter((text) => parseFileName(text).ok).map((text) => text as SafeFileName);

const u8 = fc.integer({ min: 0, max: 0xff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
export const u64: fc.Arbitrary<bigint> = fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn });
export const sizeBytes: fc.Arbitrary<number> = fc.oneof(
  fc.constantFrom(0, 1, FILE_BYTES_MAX - 1, FILE_BYTES_MAX),
  fc.maxSafeNat().map((value) => value % (FILE_BYTES_MAX + 1)),
);
const timeMs = fc.oneof(
  fc.constantFrom(0, -1, -8_640_000_000_000_000, 8_640_000_000_000_000),
  fc.maxSafeInteger().map((value) => value % 8_640_000_000_000_001 || 0),
);
const token = bytes(16, 16);
export const hash: fc.Arbitrary<HashHex> = bytes(32, 32).map((each) => hashHex(toHex(each)));
export const server: fc.Arbitrary<ServerId> = bytes(16, 16).map((each) => serverId(toHex(each)));

const ipAddress: fc.Arbitrary<string> = fc.oneof(
  bytes(4, 4).map((each) => each.join(".")),
  bytes(16, 16).map(ipv6Text),
);

const hashes = (countMax: number): fc.Arbitrary<Bytes> =>
  fc.integer({ min: 0, max: countMax }).chain((count) => bytes(count * 32, count * 32));

const query: fc.Arbitrary<Query> = fc.oneof(
  fileName.map((name): Query => ({ by: "name", name })),
  hash.map((sha256): Query => ({ by: "sha256", sha256 })),
  fc.constant<Query>({ by: "any" }),
);
const range: fc.Arbitrary<ByteRange> = fc.record({ offset: sizeBytes, lengthBytes: u32 });
const entry: fc.Arbitrary<ListingEntry> = fc.record({
  state: fc.constantFrom("ready" as const, "pending" as const),
  sizeBytes,
  sha256: hash,
  mtimeMs: timeMs,
  name: fileName,
});
const head = { queryId: u64, queryIndex: u16, server, token, dataPort: fc.nat(0xffff) };
const kind = <const Kind extends string>(value: Kind): fc.Arbitrary<Kind> => fc.constant(value);

/** Every control frame; nearly all of them are short enough to be sent. */
export const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    kind: kind("find"),
    queryId: u64,
    token,
    round: fc.nat(255),
    known: fc.array(server, { maxLength: 16 }),
    queries: fc.array(query, { maxLength: 12 }),
    takesRestNs: fc.constant(true as const),
  }, { requiredKeys: ["kind", "queryId", "token", "round", "known", "queries"] }),
  fc.record({
    kind: kind("offer"),
    ...head,
    sizeBytes,
    sha256: hash,
    root: hash,
    mtimeMs: timeMs,
    tcpPort: fc.nat(0xffff),
    name: fileName,
    mtimeRestNs: fc.nat(999_999),
  }),
  fc.record({
    kind: kind("pending"),
    ...head,
    sizeBytes,
    hashedBytes: sizeBytes,
    rateBytesPerS: fc.maxSafeNat(),
  }),
  fc.record({ kind: kind("absent"), ...head, similar: fc.array(fileName, { maxLength: 3 }) }),
  fc.record({ kind: kind("busy"), echo: u64, number: u32, waitMs: u16 }),
  fc.record({
    kind: kind("alias_want"),
    queryId: u64,
    token,
    addresses: fc.array(ipAddress, { maxLength: 8 }),
  }),
  fc.record({
    kind: kind("alias"),
    queryId: u64,
    server,
    token,
    seen: ipAddress,
    marks: fc.array(server, { maxLength: 8 }),
  }),
  fc.record({ kind: kind("retry"), echo: u64, number: u32, server, token }),
  fc.record({
    kind: kind("want"),
    nonce: u64,
    token,
    number: u32,
    root: hash,
    sizeBytes,
    segmentBytes: u16,
    withCrc: u8,
    ranges: fc.array(range, { maxLength: 64 }),
    isWhole: fc.constant(true as const),
  }, {
    requiredKeys: [
      ...["kind", "nonce", "token", "number", "root", "sizeBytes"] as const,
      ...["segmentBytes", "withCrc", "ranges"] as const,
    ],
  }),
  fc.record({
    kind: kind("gone"),
    nonce: u64,
    number: u32,
    root: hash,
    reason: fc.constantFrom("unknown" as const, "changed" as const, "unreadable" as const),
  }),
  fc.record({ kind: kind("strike"), nonce: u64, token, root: hash, sizeBytes, chunk: u32 }),
  fc.record({
    kind: kind("pack_want"),
    nonce: u64,
    token,
    number: u32,
    root: hash,
    sizeBytes,
    ranges: fc.array(range, { maxLength: 8 }),
  }),
  fc.record({
    kind: kind("packed"),
    nonce: u64,
    number: u32,
    offset: sizeBytes,
    root: hash,
    packedBytes: u32,
  }),
  fc.record({
    kind: kind("have_want"),
    nonce: u64,
    token,
    number: u32,
    root: hash,
    sizeBytes,
    port: u16,
    firstChunk: u32,
  }),
  fc.record({
    kind: kind("have"),
    nonce: u64,
    number: u32,
    hasAll: u8,
    firstChunk: u32,
    held: bytes(HELD_BYTES_MAX),
    takerCount: u16,
    place: u16,
    takers: fc.array(fc.record({ address: ipAddress, port: u16 }), { maxLength: TAKERS_NAMED_MAX }),
  }),
  fc.record({
    kind: kind("layer_want"),
    nonce: u64,
    token,
    number: u32,
    root: hash,
    sizeBytes,
    firstPage: u32,
    pageCount: u8,
  }),
  fc.record({
    kind: kind("layer"),
    nonce: u64,
    number: u32,
    page: u32,
    hashes: hashes(LAYER_PAGE_HASHES),
    proof: hashes(LAYER_PROOF_HASHES_MAX),
  }),
  fc.record({
    kind: kind("layer_part"),
    nonce: u64,
    number: u32,
    page: u32,
    part: u8,
    hashes: hashes(LAYER_PART_HASHES),
  }),
  fc.record({
    kind: kind("list"),
    queryId: u64,
    token,
    number: u32,
    pagesMax: u8,
    after: fc.option(fileName, { nil: undefined }),
  }),
  fc.record({
    kind: kind("listing"),
    queryId: u64,
    number: u32,
    server,
    page: u8,
    isLast: u8,
    tcpPort: u16,
    filesTotal: u32,
    entries: fc.array(entry, { maxLength: 8 }),
  }),
);
