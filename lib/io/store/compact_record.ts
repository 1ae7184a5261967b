/**
 * A record of a folder in columns: some 130 bytes a file, beside its name, where objects would take several times that. Its
 * bytes are what is kept of it between runs: a head, the columns as they are, and the names. Whoever reads bytes that are
 * none, or of another machine, knows nothing of the folder, and reads its files instead.
 */
import { FolderPaths } from "../../folder_paths.ts";
import { type Bytes, fromHex, hashHex, toHex } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import type { RecordedFile, TreeRecord } from "./tree_records.ts";

const HEAD = new TextEncoder().encode("SHOALRC1");
/** Head, and how many files follow; columns begin at a multiple of eight. */
const HEAD_BYTES = 16;
/** Of a file: size, times and number as they looked, and what its servers said. */
const FIELDS = 8;
const FIELD = {
  ...{ size: 0, mtimeMs: 1, mtimeRestNs: 2, ctimeMs: 3, inode: 4 },
  ...{ givenMs: 5, givenRestNs: 6, flags: 7 },
} as const;
const EXECUTABLE = 1;
const GIVEN = 2;
const GIVEN_EXECUTABLE = 4;
const FILE_BYTES = FIELDS * Float64Array.BYTES_PER_ELEMENT + HASH_BYTES;

export class CompactRecord implements TreeRecord {
  readonly #usual: FolderPaths;
  readonly #positions = new Map<string, number>();
  /** Where those are that are not under their own names. */
  readonly #paths = new Map<string, string>();
  /** Of the next new name. */
  #next = 0;
  #fields = new Float64Array(0);
  #hashes: Bytes = new Uint8Array(0);

  /** @param folder the absolute path of what is fetched into */
  constructor(folder: string) {
    this.#usual = new FolderPaths(folder);
  }

  /** `undefined` for what is no record. */
  static decode(folder: string, bytes: Bytes): CompactRecord | undefined {
    if (bytes.length < HEAD_BYTES) return undefined;
    const count = new DataView(bytes.buffer).getUint32(HEAD.length, true);
    const textAt = HEAD_BYTES + count * FILE_BYTES;
    if (!HEAD.every((byte, i) => bytes[i] === byte) || textAt > bytes.length) return undefined;
    const lines = new TextDecoder().decode(bytes.subarray(textAt)).split("\n");
    // The last one is cut off if the end is missing.
    if (lines.length !== count + 1 || lines[count] !== "") return undefined;
    const record = new CompactRecord(folder);
    record.#next = count;
    record.#fields = new Float64Array(bytes.buffer, HEAD_BYTES, count * FIELDS);
    record.#hashes = bytes.subarray(HEAD_BYTES + record.#fields.byteLength, textAt);
    for (let i = 0; i < count; i++) {
      const [name, path] = lines[i]!.split("\0");
      record.#positions.set(name!, i);
      if (path !== undefined) record.#paths.set(name!, String(JSON.parse(path)));
    }
    return record.size === count ? record : undefined;
  }

  encode(): Bytes {
    const positions = [...this.#positions.values()];
    const count = positions.length;
    const text = new TextEncoder().encode(
      Array.from(this.#positions.keys(), (name) => {
        const path = this.#paths.get(name);
        return (path === undefined ? name : `${name}\0${JSON.stringify(path)}`) + "\n";
      }).join(""),
    );
    const bytes = new Uint8Array(HEAD_BYTES + count * FILE_BYTES + text.length);
    bytes.set(HEAD);
    new DataView(bytes.buffer).setUint32(HEAD.length, count, true);
    const fields = new Float64Array(bytes.buffer, HEAD_BYTES, count * FIELDS);
    const hashesAt = HEAD_BYTES + fields.byteLength;
    positions.forEach((position, i) => {
      fields.set(this.#fields.subarray(position * FIELDS, (position + 1) * FIELDS), i * FIELDS);
      bytes.set(this.#hashAt(position), hashesAt + i * HASH_BYTES);
    });
    bytes.set(text, HEAD_BYTES + count * FILE_BYTES);
    return bytes;
  }

  get size(): number {
    return this.#positions.size;
  }

  get(name: string): RecordedFile | undefined {
    const position = this.#positions.get(name);
    if (position === undefined) return undefined;
    const field = (which: number): number => this.#fields[position * FIELDS + which]!;
    const flags = field(FIELD.flags);
    return {
      path: this.#paths.get(name) ?? this.#usual.of(name),
      sha256: hashHex(toHex(this.#hashAt(position))),
      signature: {
        ...{ sizeBytes: field(FIELD.size), ctimeMs: field(FIELD.ctimeMs) },
        ...time(field(FIELD.mtimeMs), field(FIELD.mtimeRestNs)),
        inode: field(FIELD.inode),
        ...((flags & EXECUTABLE) !== 0 && { isExecutable: true }),
      },
      ...((flags & GIVEN) !== 0 && {
        given: {
          ...time(field(FIELD.givenMs), field(FIELD.givenRestNs)),
          isExecutable: (flags & GIVEN_EXECUTABLE) !== 0,
        },
      }),
    };
  }

  set(name: string, { path, sha256, signature, given }: RecordedFile): void {
    const position = this.#positions.get(name) ?? this.#newPosition();
    this.#positions.set(name, position);
    const flags = (signature.isExecutable ? EXECUTABLE : 0) | (given === undefined ? 0 : GIVEN) |
      (given?.isExecutable ? GIVEN_EXECUTABLE : 0);
    this.#fields.set([
      ...[signature.sizeBytes, signature.mtimeMs, signature.mtimeRestNs ?? 0],
      ...[signature.ctimeMs, signature.inode],
      ...[given?.mtimeMs ?? 0, given?.mtimeRestNs ?? 0, flags],
    ], position * FIELDS);
    this.#hashAt(position).set(fromHex(sha256)!);
    if (path === this.#usual.of(name)) this.#paths.delete(name);
    else this.#paths.set(name, path);
  }

  delete(name: string): boolean {
    this.#paths.delete(name);
    return this.#positions.delete(name);
  }

  *entries(): Generator<[string, RecordedFile]> {
    for (const name of this.#positions.keys()) yield [name, this.get(name)!];
  }

  #hashAt(position: number): Bytes {
    return this.#hashes.subarray(position * HASH_BYTES, (position + 1) * HASH_BYTES);
  }

  /** Behind all that there ever were: those of names that are gone stay empty. */
  #newPosition(): number {
    const position = this.#next++;
    const room = this.#fields.length / FIELDS;
    if (position < room) return position;
    const grown = 2 * room + 1;
    const fields = new Float64Array(grown * FIELDS);
    fields.set(this.#fields);
    const hashes = new Uint8Array(grown * HASH_BYTES);
    hashes.set(this.#hashes);
    [this.#fields, this.#hashes] = [fields, hashes];
    return position;
  }
}

function time(mtimeMs: number, mtimeRestNs: number): { mtimeMs: number; mtimeRestNs?: number } {
  return { mtimeMs, ...(mtimeRestNs > 0 && { mtimeRestNs }) };
}
