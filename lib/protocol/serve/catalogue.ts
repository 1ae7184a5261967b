/**
 * What a server offers, in memory: one entry per file, found by name or by content. It knows nothing
 * of folders: a scan reports the files, an indexer their hashes.
 */
import type { Content, FileSignature, HashHex, SafeFileName } from "../../ids.ts";
import { MultiMap } from "../base/multi_map.ts";
import { letterSet, lowerBound, type Nameable, similarNames } from "./similar_names.ts";

/** A file. The same object stands for a name as long as the file is there; its fields follow it. */
export interface CatalogueEntry {
  readonly name: SafeFileName;
  readonly signature: FileSignature;
  /** `settling` while it may still be growing, `pending` until it is hashed. */
  readonly state: "settling" | "pending" | "ready";
  /** How much of it has been hashed. */
  readonly hashedBytes: number;
  /** Known when, and only when, the entry is `ready`. */
  readonly content: Content | undefined;
}

/** What is still to be hashed. */
interface Backlog {
  readonly files: number;
  readonly bytes: number;
}

/** A file in a folder, or a folder in it with so many files below it. */
type Child =
  | { readonly kind: "file"; readonly entry: CatalogueEntry }
  | { readonly kind: "folder"; readonly name: SafeFileName; readonly files: number };

/** Behind everything that is in a folder, and before everything that is not: the character after a slash. */
const AFTER_SLASH = "0";

type Entry = { -readonly [Field in keyof CatalogueEntry]: CatalogueEntry[Field] } & Nameable;

export class Catalogue {
  readonly #entries = new Map<SafeFileName, Entry>();
  readonly #bySha256 = new MultiMap<HashHex, Entry>();
  readonly #byRoot = new MultiMap<HashHex, Entry>();
  /** Entries by name as of the last time that somebody asked, and what came since. */
  #sorted: Entry[] = [];
  #isSorted = true;
  #backlogFiles = 0;
  #backlogBytes = 0;
  #version = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** Another one after every change of what is offered, progress in hashing apart. */
  get version(): number {
    return this.#version;
  }

  get backlog(): Backlog {
    return { files: this.#backlogFiles, bytes: this.#backlogBytes };
  }

  find(name: SafeFileName): CatalogueEntry | undefined {
    return this.#entries.get(name);
  }

  /** What somebody means by a name that they typed, maybe in another Unicode normal form. */
  lookUp(name: SafeFileName): CatalogueEntry | undefined {
    return this.find(name) ?? this.#entries.get(name.normalize("NFC") as SafeFileName) ??
      this.#entries.get(name.normalize("NFD") as SafeFileName);
  }

  /** A ready entry with this SHA-256. */
  findBySha256(sha256: HashHex): CatalogueEntry | undefined {
    for (const entry of this.#bySha256.get(sha256)) return entry;
    return undefined;
  }

  /** The ready entries with this root and size: copies of one file. */
  *findByContent(root: HashHex, sizeBytes: number): Generator<CatalogueEntry> {
    for (const entry of this.#byRoot.get(root)) {
      if (entry.content?.sizeBytes === sizeBytes) yield entry;
    }
  }

  /** Up to `max` names like one that is not here, best first. */
  similar(name: SafeFileName, max: number): SafeFileName[] {
    return similarNames(name, this.#inOrder(), max);
  }

  /** Up to `max` entries in the order of their names, from the first one after `after`. */
  page(after: SafeFileName | undefined, max: number): CatalogueEntry[] {
    const sorted = this.#inOrder();
    let first = after === undefined ? 0 : lowerBound(sorted, after);
    if (sorted[first]?.name === after) first += 1;
    return sorted.slice(first, first + max);
  }

  /** The entries below `folder`, or all of them, in the order of their names. */
  below(folder: SafeFileName | undefined): CatalogueEntry[] {
    const sorted = this.#inOrder();
    if (folder === undefined) return [...sorted];
    const prefix = `${folder}/`;
    const first = lowerBound(sorted, prefix as SafeFileName);
    let end = first;
    while (sorted[end]?.name.startsWith(prefix)) end += 1;
    return sorted.slice(first, end);
  }

  /** How many entries there are below `folder`, or in all. */
  countBelow(folder: SafeFileName | undefined): number {
    if (folder === undefined) return this.size;
    const sorted = this.#inOrder();
    return lowerBound(sorted, `${folder}${AFTER_SLASH}`) - lowerBound(sorted, `${folder}/`);
  }

  /**
   * What is in `folder`, or at the top, and in no folder below that: up to `max` of it, in the order of the names, from the
   * first one after `after` on. Folders are told by name, and passed over without looking at what is in them.
   *
   * @param after a name, or that of a folder with a slash at its end
   */
  children(folder: SafeFileName | undefined, after: string | undefined, max: number): Child[] {
    const sorted = this.#inOrder();
    const prefix = folder === undefined ? "" : `${folder}/`;
    const first = after?.endsWith("/") ? `${after.slice(0, -1)}${AFTER_SLASH}` : after;
    let at = lowerBound(sorted, first !== undefined && first > prefix ? first : prefix);
    if (sorted[at]?.name === after) at += 1;
    const children: Child[] = [];
    for (let entry = sorted[at]; entry?.name.startsWith(prefix); entry = sorted[at]) {
      if (children.length >= max) break;
      const end = entry.name.indexOf("/", prefix.length);
      if (end < 0) {
        children.push({ kind: "file", entry });
        at += 1;
        continue;
      }
      const name = entry.name.slice(0, end) as SafeFileName;
      const next = lowerBound(sorted, `${name}${AFTER_SLASH}`);
      children.push({ kind: "folder", name, files: next - at });
      at = next;
    }
    return children;
  }

  /** Every entry, in no particular order. Entries may be removed meanwhile. */
  entries(): Iterable<CatalogueEntry> {
    return this.#entries.values();
  }

  /** A file that is new or not what it was: whatever was known of its content is forgotten. */
  put(
    name: SafeFileName,
    signature: FileSignature,
    state: "settling" | "pending",
  ): CatalogueEntry {
    let entry = this.#entries.get(name);
    if (entry === undefined) {
      const letters = letterSet(name);
      entry = { name, signature, state, hashedBytes: 0, content: undefined, letters };
      this.#entries.set(name, entry);
      this.#sorted.push(entry);
      this.#isSorted = false;
    } else {
      this.#unlink(entry);
      Object.assign(entry, { signature, state, hashedBytes: 0, content: undefined });
    }
    this.#backlogFiles += 1;
    this.#backlogBytes += signature.sizeBytes;
    this.#version += 1;
    return entry;
  }

  /** A settling file has been quiet for long enough. */
  settle(name: SafeFileName): void {
    const entry = this.#entries.get(name);
    if (entry?.state !== "settling") return;
    entry.state = "pending";
    this.#version += 1;
  }

  /** An indexer has read so much of an unhashed file. */
  progress(name: SafeFileName, hashedBytes: number): void {
    const entry = this.#entries.get(name);
    if (entry === undefined || entry.state === "ready") return;
    this.#backlogBytes -= hashedBytes - entry.hashedBytes;
    entry.hashedBytes = hashedBytes;
  }

  /** The content of a file is known. Its size is that of the entry's signature. */
  ready(name: SafeFileName, hashes: Pick<Content, "sha256" | "root">): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#unlink(entry);
    const { sha256, root } = hashes;
    const { sizeBytes } = entry.signature;
    entry.state = "ready";
    entry.hashedBytes = sizeBytes;
    entry.content = { sizeBytes, sha256, root };
    this.#bySha256.add(sha256, entry);
    this.#byRoot.add(root, entry);
    this.#version += 1;
  }

  remove(name: SafeFileName): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#unlink(entry);
    this.#entries.delete(name);
    this.#isSorted = false;
    this.#version += 1;
  }

  /** Takes an entry out of the backlog or the maps by content, whichever it is in. */
  #unlink(entry: Entry): void {
    if (entry.content === undefined) {
      this.#backlogFiles -= 1;
      this.#backlogBytes -= entry.signature.sizeBytes - entry.hashedBytes;
      return;
    }
    this.#bySha256.delete(entry.content.sha256, entry);
    this.#byRoot.delete(entry.content.root, entry);
  }

  #inOrder(): readonly Entry[] {
    if (this.#isSorted) return this.#sorted;
    // What stayed is in order already, so that sorting again costs little more than one pass.
    this.#sorted = this.#sorted.filter((entry) => this.#entries.get(entry.name) === entry);
    this.#sorted.sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#isSorted = true;
    return this.#sorted;
  }
}
