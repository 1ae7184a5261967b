/**
 * The fields that frames are made of. A frame's layout is a table of these (see `frames.ts`): the
 * order of the table is the order on the wire, and the TypeScript type of the frame follows from it.
 */
import { ipv4Bytes, ipv4Text, ipv6Bytes, ipv6Text, isIpv4 } from "../address.ts";
import {
  type Bytes,
  fromHex,
  type HashHex,
  hashHex,
  type SafeFileName,
  type ServerId,
  serverId,
  toHex,
  type Token,
} from "../ids.ts";
import { FILE_BYTES_MAX, HASH_BYTES, MTIME_MS_MAX } from "../limits.ts";
import {
  CODE_KEY_BYTES,
  CODE_NONCE_BYTES,
  KNOWN_MARK_BYTES,
  SERVER_ID_BYTES,
  TOKEN_BYTES,
} from "./limits.ts";
import { parseFileNameBytes } from "../names.ts";
import type { Reader, Writer } from "./cursor.ts";

export interface Field<T> {
  read(reader: Reader): T;
  write(writer: Writer, value: T): void;
}

/** The last one of a frame, which may end before it. */
interface OptionalField<T> extends Field<T | undefined> {
  readonly isOptional: true;
}

/** The values of a table of fields, by name. */
export type RecordOf<Table> =
  & {
    readonly [Name in keyof Table as Presence<Table[Name], Name, never>]: FieldValue<Table[Name]>;
  }
  & {
    readonly [Name in keyof Table as Presence<Table[Name], never, Name>]?: NonNullable<
      FieldValue<Table[Name]>
    >;
  };

type Presence<F, Always, Sometimes> = F extends OptionalField<unknown> ? Sometimes : Always;

export type FieldValue<F> = F extends Field<infer T> ? T : never;

const utf8 = new TextEncoder();
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;

export const u8: Field<number> = { read: (r) => r.u8(), write: (w, v) => w.u8(v) };
export const u16: Field<number> = { read: (r) => r.u16(), write: (w, v) => w.u16(v) };
export const u32: Field<number> = { read: (r) => r.u32(), write: (w, v) => w.u32(v) };
export const u64: Field<bigint> = { read: (r) => r.u64(), write: (w, v) => w.u64(v) };

/** A u64 that is exact as a number and within `max`. */
function boundedU64(max: number, what: string): Field<number> {
  return {
    read(reader) {
      const value = reader.u64();
      if (value > BigInt(max)) reader.fail(`${what} out of range`);
      return reader.problem === undefined ? Number(value) : 0;
    },
    write(writer, value) {
      if (value > max) throw new RangeError(`${what} ${value} is over ${max}`);
      writer.u64(BigInt(value));
    },
  };
}

/** Bytes of a file, or a position in one. */
export const fileBytes: Field<number> = boundedU64(FILE_BYTES_MAX, "file size or offset");
/** Bytes per second. */
export const rateBytesPerS: Field<number> = boundedU64(Number.MAX_SAFE_INTEGER, "rate");
/** Milliseconds since 1970, or before it where negative, in two's complement; as far as a Date reaches. */
export const timeMs: Field<number> = {
  read(reader) {
    const value = BigInt.asIntN(64, reader.u64());
    const isInRange = value >= -BigInt(MTIME_MS_MAX) && value <= BigInt(MTIME_MS_MAX);
    if (!isInRange) reader.fail("time out of range");
    return reader.problem === undefined ? Number(value) : 0;
  },
  write(writer, value) {
    if (!(Math.abs(value) <= MTIME_MS_MAX)) throw new RangeError(`time ${value} is out of range`);
    writer.u64(BigInt.asUintN(64, BigInt(value)));
  },
};

/** Nanoseconds beyond a whole millisecond. */
export const restNs: Field<number> = {
  read(reader) {
    const value = reader.u32();
    if (value >= 1_000_000) reader.fail("time out of range");
    return value;
  },
  write(writer, value) {
    if (!(value >= 0 && value < 1_000_000)) throw new RangeError(`${value} ns are out of range`);
    writer.u32(value);
  },
};

function fixedBytes(count: number): Field<Bytes> {
  return {
    read: (reader) => reader.bytes(count),
    write(writer, value) {
      if (value.length !== count) throw new RangeError(`${value.length} bytes, not ${count}`);
      writer.bytes(value);
    },
  };
}

export const token: Field<Token> = fixedBytes(TOKEN_BYTES);
/** A nonce of a code's exchange. */
export const codeNonce: Field<Bytes> = fixedBytes(CODE_NONCE_BYTES);
/** A share, a proof, or a key of a code's exchange. */
export const codeKey: Field<Bytes> = fixedBytes(CODE_KEY_BYTES);

/** Zeros, which only make a question as long as its answer. */
export function zeroPadding(count: number): OptionalField<undefined> {
  return {
    isOptional: true,
    read(reader) {
      if (reader.bytes(count).some((byte) => byte !== 0)) reader.fail("padding is not zeros");
      return undefined;
    },
    write: (writer) => writer.zeros(count),
  };
}

let lastHex = "";
let lastBytes: Bytes = new Uint8Array(0);

/** Remembers the last one: every request of a flow names the same root. */
function hexBytes(hex: string, count: number): Bytes {
  const bytes = hex === lastHex ? lastBytes : fromHex(hex);
  if (bytes?.length !== count) throw new RangeError(`'${hex}' is not ${count} bytes in hex`);
  lastHex = hex;
  lastBytes = bytes;
  return bytes;
}

export const hash: Field<HashHex> = {
  read: (reader) => hashHex(toHex(reader.bytes(HASH_BYTES))),
  write: (writer, value) => writer.bytes(hexBytes(value, HASH_BYTES)),
};

export const server: Field<ServerId> = {
  read: (reader) => serverId(toHex(reader.bytes(SERVER_ID_BYTES))),
  write: (writer, value) => writer.bytes(hexBytes(value, SERVER_ID_BYTES)),
};

/** What a server recognises itself by, in hex. */
export const tokenMark: Field<string> = {
  read: (reader) => toHex(reader.bytes(KNOWN_MARK_BYTES)),
  write: (writer, value) => writer.bytes(hexBytes(value, KNOWN_MARK_BYTES)),
};

/** u8 length and that many bytes, 4 or 16: the address of a machine without a scope, as text. */
export const ipAddress: Field<string> = {
  read(reader) {
    const length = reader.u8();
    if (length !== IPV4_BYTES && length !== IPV6_BYTES) reader.fail("no such address");
    if (reader.problem !== undefined) return "";
    const bytes = reader.bytes(length);
    if (reader.problem !== undefined) return "";
    const text = length === IPV4_BYTES ? ipv4Text(bytes) : ipv6Text(bytes);
    // An IPv4 address in the form of IPv6 would be two texts for one address.
    if (length === IPV6_BYTES && isIpv4(text)) reader.fail("a mapped address");
    return text;
  },
  write(writer, value) {
    const bytes = isIpv4(value) ? ipv4Bytes(value) : ipv6Bytes(value);
    if (bytes === undefined) throw new RangeError(`'${value}' is no address`);
    writer.u8(bytes.length);
    writer.bytes(bytes);
  },
};

/** u16 length and UTF-8; what is not a safe name makes the frame malformed. */
export const fileName: Field<SafeFileName> = {
  read(reader) {
    const parsed = parseFileNameBytes(reader.bytes(reader.u16()));
    if (parsed.ok) return parsed.name;
    reader.fail(`name: ${parsed.problem}`);
    return "" as SafeFileName;
  },
  write(writer, value) {
    const bytes = utf8.encode(value);
    writer.u16(bytes.length);
    writer.bytes(bytes);
  },
};

/** The same, where the empty text stands for "none". */
export const fileNameOrNone: Field<SafeFileName | undefined> = {
  read(reader) {
    const bytes = reader.bytes(reader.u16());
    if (bytes.length === 0) return undefined;
    const parsed = parseFileNameBytes(bytes);
    if (parsed.ok) return parsed.name;
    reader.fail(`name: ${parsed.problem}`);
    return undefined;
  },
  write(writer, value) {
    const bytes = utf8.encode(value ?? "");
    writer.u16(bytes.length);
    writer.bytes(bytes);
  },
};

/** One of a closed set of words, as a u8. */
export function oneOf<const Words extends Readonly<Record<string, number>>>(
  words: Words,
): Field<keyof Words & string> {
  const byCode = new Map(Object.entries(words).map(([word, code]) => [code, word]));
  return {
    read(reader) {
      const word = byCode.get(reader.u8());
      if (word === undefined) reader.fail("unknown code");
      return (word ?? "") as keyof Words & string;
    },
    write: (writer, value) => writer.u8(words[value] ?? -1),
  };
}

/** u8 count and that many items, at most `max`. */
export function listOf<T>(item: Field<T>, max: number): Field<readonly T[]> {
  return {
    read(reader) {
      const count = reader.u8();
      if (count > max) reader.fail("too many items");
      const items: T[] = [];
      for (let i = 0; i < count && reader.problem === undefined; i++) items.push(item.read(reader));
      return items;
    },
    write(writer, value) {
      if (value.length > max) throw new RangeError(`${value.length} items, at most ${max}`);
      writer.u8(value.length);
      for (const each of value) item.write(writer, each);
    },
  };
}

/** u8 count and that many 32-byte hashes, as one run of bytes. */
export function hashesOf(max: number): Field<Bytes> {
  return {
    read(reader) {
      const count = reader.u8();
      if (count > max) reader.fail("too many hashes");
      return reader.bytes(count * HASH_BYTES);
    },
    write(writer, value) {
      if (value.length % HASH_BYTES !== 0) throw new RangeError("not whole hashes");
      writer.u8(value.length / HASH_BYTES);
      writer.bytes(value);
    },
  };
}

/** u16 length and at most `max` bytes. */
export function bytesUpTo(max: number): Field<Bytes> {
  return {
    read(reader) {
      const count = reader.u16();
      if (count > max) reader.fail("too many bytes");
      return reader.bytes(count);
    },
    write(writer, value) {
      if (value.length > max) throw new RangeError(`${value.length} bytes, at most ${max}`);
      writer.u16(value.length);
      writer.bytes(value);
    },
  };
}

/** 1 at the end of a frame for a statement that is made, nothing at all for one that is not. */
export const statedAtEnd: OptionalField<true> = {
  isOptional: true,
  read(reader) {
    if (reader.remainingBytes === 0) return undefined;
    if (reader.u8() !== 1) reader.fail("trailing bytes");
    return true;
  },
  write(writer, isStated) {
    if (isStated) writer.u8(1);
  },
};

/** The same at the end of what may be padded: whoever does not know it takes it for padding. */
export const statedBeforePadding: OptionalField<true> = {
  ...statedAtEnd,
  read: (reader) => reader.remainingBytes > 0 && reader.u8() === 1 ? true : undefined,
};

/** Nanoseconds beyond a whole millisecond near the end of a frame, where they are told. */
export const restNsNearEnd: OptionalField<number> = {
  isOptional: true,
  read: (reader) => reader.remainingBytes < 4 ? undefined : restNs.read(reader),
  write(writer, value) {
    if (value !== undefined) restNs.write(writer, value);
  },
};

/** Several fields as one object, in the order of the table. */
export function record<const Table extends Readonly<Record<string, Field<unknown>>>>(
  table: Table,
): Field<RecordOf<Table>> {
  const names = Object.keys(table);
  const fields = Object.values(table);
  return {
    read(reader) {
      const value: Record<string, unknown> = {};
      for (let i = 0; i < names.length; i++) {
        const read = fields[i]!.read(reader);
        if (read !== undefined || !("isOptional" in fields[i]!)) value[names[i]!] = read;
      }
      return value as RecordOf<Table>;
    },
    write(writer, value) {
      const values = value as Readonly<Record<string, unknown>>;
      for (let i = 0; i < names.length; i++) fields[i]!.write(writer, values[names[i]!]);
    },
  };
}
