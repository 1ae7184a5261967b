/**
 * The manifest of a folder (docs/PROTOCOL.md, "Folders"): every entry below it with what is needed to
 * fetch and to prove it. Its bytes are a content like any other, so they are fetched, proved and kept
 * by the same means, and two servers whose folders are equal have equal manifests.
 *
 * A manifest comes from whoever serves it: what the decoder returns has safe names in strict order, no
 * file that is also a folder, and no link that leads out.
 */
import {
  type Bytes,
  fromHex,
  type HashHex,
  hashHex,
  type ModificationTime,
  type SafeFileName,
  timeOf,
  toHex,
} from "../ids.ts";
import { BLOCK_BYTES, HASH_BYTES } from "../limits.ts";
import { parseFileName } from "../names.ts";
import { Reader, Writer } from "./cursor.ts";
import { fileBytes, restNs, timeMs } from "./field.ts";
import { LINK_TARGET_BYTES_MAX, MANIFEST_BYTES_MAX, MANIFEST_ENTRIES_MAX } from "./limits.ts";

/** What a file has beside its content, and a target may not be able to hold. */
export interface FileAttributes extends ModificationTime {
  /** Whether its owner may run it. */
  readonly isExecutable: boolean;
}

export interface TreeFile extends FileAttributes {
  readonly kind: "file";
  /** Relative to the folder. */
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  readonly sha256: HashHex;
  readonly root: HashHex;
}

export interface TreeFolder extends ModificationTime {
  readonly kind: "folder";
  readonly name: SafeFileName;
}

export interface TreeLink extends ModificationTime {
  readonly kind: "link";
  readonly name: SafeFileName;
  /** Relative to the folder that the link is in, with `/` between components. */
  readonly target: string;
}

/** A file that its server could not hash, since it never rests or cannot be read. */
interface TreeGap {
  readonly kind: "gap";
  readonly name: SafeFileName;
}

/** Something that its server does not offer: it may be a file, or a folder with all that is in it. */
interface TreeLeftOut {
  readonly kind: "leftOut";
  readonly name: SafeFileName;
}

/** What is in a folder beside files. */
export type TreeShape = TreeFolder | TreeLink | TreeLeftOut;

export type TreeEntry = TreeFile | TreeShape | TreeGap;

/** Not a manifest, or one that lies. */
interface BadManifest {
  readonly problem: string;
}

/** What an OFFER calls a manifest, whatever the folder is called. */
export const MANIFEST_NAME = "manifest" as SafeFileName;

const HEAD = new TextEncoder().encode("SHOALTR1");
const KINDS = { file: 1, executable: 2, folder: 3, link: 4, gap: 5, leftOut: 6 } as const;
const EMPTY_FILE_ROOT = hashHex("0".repeat(2 * HASH_BYTES));
/** Kind, lengths, size, time and two hashes: what an entry takes beside its texts. */
const TEXTLESS_ENTRY_BYTES = 1 + 2 + 2 + 8 + 8 + 4 + 2 * HASH_BYTES + 2;

/** Names one after the other, each of them as long as the field for what it adds to the one before allows. */
const scratch: Bytes = new Uint8Array(2 ** 16);
const nextScratch: Bytes = new Uint8Array(2 ** 16);

const utf8 = new TextEncoder();
const utf8Strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * The manifest of these entries.
 *
 * @param entries in the order of {@linkcode compareNames}, each name once
 * @throws RangeError for what no manifest can carry
 */
export function encodeManifest(entries: readonly TreeEntry[]): Bytes {
  let textBytes = 0;
  for (const entry of entries) {
    const { read, written } = utf8.encodeInto(entry.name, scratch);
    if (read < entry.name.length) throw new RangeError(`a name of ${entry.name.length} letters`);
    textBytes += written;
    if (entry.kind === "link") textBytes += 3 * entry.target.length;
  }
  const room = HEAD.length + 4 + entries.length * TEXTLESS_ENTRY_BYTES + textBytes;
  const writer = new Writer(new Uint8Array(room));
  writer.bytes(HEAD);
  writer.u32(entries.length);
  let [last, next] = [scratch, nextScratch];
  let lastBytes = 0;
  for (const entry of entries) {
    const { written } = utf8.encodeInto(entry.name, next);
    const shared = sharedBytes(last, next, Math.min(lastBytes, written));
    writer.u8(kindOf(entry));
    writer.u16(shared);
    writer.u16(written - shared);
    writer.bytes(next.subarray(shared, written));
    writeBody(writer, entry);
    [last, next, lastBytes] = [next, last, written];
  }
  const bytes = writer.written().slice();
  if (bytes.length > MANIFEST_BYTES_MAX) throw new RangeError(`${bytes.length} bytes of manifest`);
  return bytes;
}

/**
 * The entries of a manifest, or what is wrong with it. Never throws.
 *
 * @param folder whose manifest it is: names are safe behind it, and some only there, such as `a:b`
 */
export function decodeManifest(
  bytes: Uint8Array,
  folder?: SafeFileName,
): readonly TreeEntry[] | BadManifest {
  if (bytes.length > MANIFEST_BYTES_MAX) return { problem: "too long" };
  if (toHex(bytes.subarray(0, HEAD.length)) !== toHex(HEAD)) return { problem: "not a manifest" };
  const reader = new Reader(bytes, HEAD.length);
  const count = reader.u32();
  if (count > MANIFEST_ENTRIES_MAX) return { problem: "too many entries" };
  const entries: TreeEntry[] = [];
  let lastBytes = 0;
  const prefix = folder === undefined ? "" : `${folder}/`;
  let nameBytes = 0;
  for (let i = 0; i < count && reader.problem === undefined; i++) {
    const kind = reader.u8();
    const current = readName(reader, lastBytes);
    nameBytes += current.length;
    if (nameBytes > MANIFEST_BYTES_MAX) reader.fail("names too long");
    const parsed = parseText(current);
    if (parsed === undefined) reader.fail("not valid text");
    const name = parseFileName(prefix + (parsed ?? ""));
    if (!name.ok) reader.fail(`name: ${name.problem}`);
    else {
      // The part after the folder as it was read, which keeps no longer string alive.
      const own = parsed as SafeFileName;
      const before = entries.at(-1)?.name;
      if (before !== undefined && compareNames(before, own) >= 0) reader.fail("out of order");
      const entry = readBody(reader, kind, own);
      if (entry !== undefined) entries.push(entry);
    }
    lastBytes = current.length;
  }
  if (reader.problem === undefined && reader.remainingBytes > 0) reader.fail("trailing bytes");
  if (reader.problem === undefined && hasFileAsFolder(entries)) {
    reader.fail("a file is the folder of another");
  }
  return reader.problem === undefined ? entries : { problem: reader.problem };
}

/** The order of a manifest: by UTF-16 code units, as `<` has it. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * What lies below the entry at `index`, by the names. No set of all folders is needed for that, which a manifest could make as
 * large as it likes.
 *
 * @param entries in the order of {@linkcode compareNames}
 */
export function entriesBelow(
  entries: readonly TreeEntry[],
  index: number,
): readonly TreeEntry[] {
  const { name } = entries[index]!;
  let from = index + 1;
  // Whatever is in between begins as the name does.
  if (entries[from]?.name.startsWith(name) !== true) return [];
  const prefix = `${name}/`;
  for (let end = entries.length; from < end;) {
    const middle = (from + end) >>> 1;
    if (compareNames(entries[middle]!.name, prefix) < 0) from = middle + 1;
    else end = middle;
  }
  let to = from;
  while (to < entries.length && entries[to]!.name.startsWith(prefix)) to += 1;
  return entries.slice(from, to);
}

/** Whether a link of this name may lead there: to something else within the folder. */
export function isWithin(name: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || !target.isWellFormed()) return false;
  if (target.includes("\\") || target.includes("\0") || /^[A-Za-z]:/.test(target)) return false;
  let depth = name.split("/").length - 1;
  for (const component of target.split("/")) {
    if (component === "..") depth -= 1;
    else if (component !== "." && component !== "") depth += 1;
    if (depth < 0) return false;
  }
  return true;
}

function kindOf(entry: TreeEntry): number {
  if (entry.kind !== "file") return KINDS[entry.kind];
  return entry.isExecutable ? KINDS.executable : KINDS.file;
}

function writeBody(writer: Writer, entry: TreeEntry): void {
  if (entry.kind === "gap" || entry.kind === "leftOut") return;
  timeMs.write(writer, entry.mtimeMs);
  restNs.write(writer, entry.mtimeRestNs ?? 0);
  if (entry.kind === "link") {
    const target = utf8.encode(entry.target);
    writer.u16(target.length);
    writer.bytes(target);
  } else if (entry.kind === "file") {
    fileBytes.write(writer, entry.sizeBytes);
    writer.bytes(fromHex(entry.sha256)!);
    if (entry.sizeBytes > BLOCK_BYTES) writer.bytes(fromHex(entry.root)!);
  }
}

function readBody(reader: Reader, kind: number, name: SafeFileName): TreeEntry | undefined {
  if (kind === KINDS.gap) return { kind: "gap", name };
  if (kind === KINDS.leftOut) return { kind: "leftOut", name };
  const time = timeOf({ mtimeMs: timeMs.read(reader), mtimeRestNs: restNs.read(reader) });
  switch (kind) {
    case KINDS.folder:
      return { kind: "folder", name, ...time };
    case KINDS.link:
      return { kind: "link", name, ...time, target: readTarget(reader, name) };
    case KINDS.file:
    case KINDS.executable: {
      const sizeBytes = fileBytes.read(reader);
      const sha256 = hashHex(toHex(reader.bytes(HASH_BYTES)));
      const isExecutable = kind === KINDS.executable;
      const root = rootOf(sizeBytes, sha256) ?? hashHex(toHex(reader.bytes(HASH_BYTES)));
      return { kind: "file", name, isExecutable, ...time, sizeBytes, sha256, root };
    }
    default:
      reader.fail("unknown kind");
      return undefined;
  }
}

/** The root of a file that has no more than one block follows from its SHA-256. */
function rootOf(sizeBytes: number, sha256: HashHex): HashHex | undefined {
  if (sizeBytes === 0) return EMPTY_FILE_ROOT;
  return sizeBytes <= BLOCK_BYTES ? sha256 : undefined;
}

function readTarget(reader: Reader, name: SafeFileName): string {
  const bytes = reader.bytes(reader.u16());
  const target = parseText(bytes) ?? "";
  if (bytes.length > LINK_TARGET_BYTES_MAX || !isWithin(name, target)) {
    reader.fail("link leads out");
  }
  return target;
}

/** Into the place of the name before, of which there are so many bytes. */
function readName(reader: Reader, lastBytes: number): Uint8Array {
  const shared = reader.u16();
  const rest = reader.bytes(reader.u16());
  if (shared > lastBytes) reader.fail("shares more than there is");
  const length = shared + rest.length;
  if (length > scratch.length) reader.fail("name too long");
  if (reader.problem !== undefined) return rest;
  scratch.set(rest, shared);
  return scratch.subarray(0, length);
}

function parseText(bytes: Uint8Array): string | undefined {
  try {
    return utf8Strict.decode(bytes);
  } catch {
    return undefined;
  }
}

function sharedBytes(a: Uint8Array, b: Uint8Array, max: number): number {
  let shared = 0;
  while (shared < max && a[shared] === b[shared]) shared += 1;
  return shared;
}

/** What is left out may be a folder of which some could be read. */
export function mayHoldOthers({ kind }: TreeEntry): boolean {
  return kind === "folder" || kind === "leftOut";
}

function hasFileAsFolder(entries: readonly TreeEntry[]): boolean {
  return entries.some((entry, i) => !mayHoldOthers(entry) && entriesBelow(entries, i).length > 0);
}
