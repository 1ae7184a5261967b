/**
 * The small vocabulary that every layer shares: branded scalars, so that an index cannot be passed
 * where an offset is meant, and the few record types that appear on both sides of a boundary.
 */

/** Bytes in memory that we own and may transfer between workers. */
export type Bytes = Uint8Array<ArrayBuffer>;

declare const brand: unique symbol;
declare const peer: unique symbol;
type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** 32 lower-case hex digits: the random 128-bit id of one server process. */
export type ServerId = Brand<string, "ServerId">;
/**
 * One server as its client knows it: the id that it calls itself by, and an endpoint that proved it
 * (docs/PROTOCOL.md, "Who is counted"). Two servers that use one id are two of these.
 */
export type PeerId = ServerId & { readonly [peer]: true };
/** 64 lower-case hex digits. */
export type HashHex = Brand<string, "HashHex">;
/** A relative, slash-separated name that passed {@linkcode parseFileName}. */
export type SafeFileName = Brand<string, "SafeFileName">;
/** One file that this process is fetching; unique within the process. */
export type TransferId = Brand<number, "TransferId">;
/** One way in which one server's chunks come: its datagrams, its TCP sessions, … */
export type SourceId = Brand<string, "SourceId">;
/** 128 bits that prove to a server that we receive at the address we send from. */
export type Token = Bytes;

export const transferId = (value: number): TransferId => value as TransferId;
/** The source that brings the chunks of `server` by `kind` of route. */
export const sourceId = (server: ServerId, kind: string): SourceId =>
  `${server}/${kind}` as SourceId;
/** Trusts its caller: for ids that came out of a decoder or were just made. */
export const serverId = (hex: string): ServerId => hex as ServerId;
/** The server that calls itself `id` and was heard at `place`, which is equal for one endpoint only. */
export const peerId = (id: ServerId, place: string): PeerId => `${id}@${place}` as PeerId;
/** Of a server that has not been asked for its id; its address tells it apart. */
export const NO_SERVER_ID: ServerId = serverId("0".repeat(32));
/** The id that a server calls itself by. */
export const claimedIdOf = (server: ServerId): ServerId => server.slice(0, 32) as ServerId;
/** Trusts its caller: for digests that came out of a decoder or a hash. */
export const hashHex = (hex: string): HashHex => hex as HashHex;

/** What a file *is*: two servers with equal contents are interchangeable. */
export interface Content {
  readonly sizeBytes: number;
  readonly sha256: HashHex;
  /** BEP 52 `pieces root`; 64 zeros for the empty file. */
  readonly root: HashHex;
}

/** A string that is equal for equal contents and for no others. */
export function contentKey(content: Content): string {
  return `${content.sizeBytes}:${content.sha256}:${content.root}`;
}

export function sameContent(a: Content, b: Content): boolean {
  return a.root === b.root && a.sha256 === b.sha256 && a.sizeBytes === b.sizeBytes;
}

/** When something was modified, which whoever writes to it can put back. */
export interface ModificationTime {
  /** Whole milliseconds since 1970, or before it where negative. */
  readonly mtimeMs: number;
  /** Nanoseconds beyond that, up to 999,999; absent where there are none, or nobody knows. */
  readonly mtimeRestNs?: number;
}

/** Without what else the value has. */
export function timeOf({ mtimeMs, mtimeRestNs }: ModificationTime): ModificationTime {
  return { mtimeMs, ...(mtimeRestNs && { mtimeRestNs }) };
}

export function isSameTime(a: ModificationTime, b: ModificationTime): boolean {
  return a.mtimeMs === b.mtimeMs && (a.mtimeRestNs ?? 0) === (b.mtimeRestNs ?? 0);
}

/** What a file looked like when it was found: a hash is good for this and nothing else. */
export interface FileSignature extends ModificationTime {
  readonly sizeBytes: number;
  /** When anything about it changed, which only the file system sets; 0 where it keeps no such time. */
  readonly ctimeMs: number;
  /** 0 where numbers are given anew at each mount. */
  readonly inode: number;
  /**
   * Whether this is the beginning of a file that is appended to: of this size, whatever follows it and whenever that
   * was written.
   */
  readonly isPrefix?: boolean;
  /** Whether its owner may run it; absent where there is no such thing. */
  readonly isExecutable?: boolean;
}

/** Lower-case hex of `bytes`. */
export function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}

/** Bytes of an even-length hex string; `undefined` where it is not one. */
export function fromHex(text: string): Bytes | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.fromHex(text);
}
