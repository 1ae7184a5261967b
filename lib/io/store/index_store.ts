/**
 * The persistent hashes of a server, in the user's cache folder. Losing them costs only time,
 * so nothing here fails: if the disk refuses, memory takes over, and the user is told once.
 */
import { LAYER_CACHE_BYTES_MAX, LAYER_PART_BYTES, PATHS_BY_MD5_MAX } from "./limits.ts";
import type { Bytes, FileSignature, HashHex } from "../../ids.ts";
import { chunkCountFor } from "../../protocol/merkle/merkle.ts";
import { HASH_BYTES } from "../../limits.ts";
import type { Runtime } from "../runtime.ts";
import { causeText, isBusy, isUseless, type OpenHashes } from "./hash_files.ts";
import { HashTable, type IndexedHashes } from "./hash_table.ts";

const CACHED_PARTS_MAX = LAYER_CACHE_BYTES_MAX / LAYER_PART_BYTES;
const IN_MEMORY = "hashes are kept in memory only, and the next server hashes everything again";

interface IndexStoreOptions {
  readonly runtime: Pick<Runtime, "clock" | "hashFiles">;
  /** The user's cache folder by default. */
  readonly cacheDir?: string | undefined;
  readonly onNotice: (message: string) => void;
}

export class IndexStore {
  readonly #onNotice: (message: string) => void;
  readonly #clock: Runtime["clock"];
  #disk: OpenHashes | undefined;
  /** For what the disk did not take; made when it is needed. */
  #memory: HashTable | undefined;
  /** Parts of trees that were read lately, the one read longest ago first. */
  readonly #parts = new Map<string, Bytes>();

  constructor(options: IndexStoreOptions) {
    this.#onNotice = options.onNotice;
    const { clock, hashFiles } = options.runtime;
    this.#clock = clock;
    try {
      this.#disk = hashFiles.open(clock, options.cacheDir, options.onNotice);
    } catch (thrown) {
      this.#onNotice(`${IN_MEMORY}: ${causeText(thrown)}`);
    }
    this.#onDisk((table) => table.prune());
  }

  /** What this file hashed to when it last looked exactly like this. */
  find(path: string, signature: FileSignature): IndexedHashes | undefined {
    return this.#memory?.find(path, signature) ??
      this.#onDisk((table) => table.find(path, signature));
  }

  /** @param tree the piece layer and the rows above its pages */
  put(path: string, signature: FileSignature, hashes: IndexedHashes, tree: Bytes): void {
    const needsTree = chunkCountFor(signature.sizeBytes) > 1;
    const kept = needsTree ? tree : undefined;
    this.#parts.clear();
    const isOnDisk = this.#onDisk((table) => {
      table.put(path, signature, hashes, kept);
      return true;
    });
    if (isOnDisk) return;
    this.#memory ??= new HashTable(this.#clock, ":memory:");
    this.#memory.put(path, signature, hashes, kept);
  }

  /** The layer of a content of more than one chunk. */
  layerOf(root: HashHex, sizeBytes: number): Bytes | undefined {
    return this.readTree(root, sizeBytes, 0, chunkCountFor(sizeBytes) * HASH_BYTES);
  }

  /** Bytes of the tree over that layer, without reading the rest; `undefined` if they were lost. */
  readTree(root: HashHex, sizeBytes: number, from: number, length: number): Bytes | undefined {
    const bytes = new Uint8Array(length);
    for (let at = from; at < from + length;) {
      const index = Math.floor(at / LAYER_PART_BYTES);
      const part = this.#part(root, sizeBytes, index);
      const within = at - index * LAYER_PART_BYTES;
      const piece = part?.subarray(within, within + from + length - at);
      if (piece === undefined || piece.length === 0) return undefined;
      bytes.set(piece, at - from);
      at += piece.length;
    }
    return bytes;
  }

  #part(root: HashHex, sizeBytes: number, index: number): Bytes | undefined {
    const key = `${root} ${sizeBytes} ${index}`;
    const cached = this.#parts.get(key);
    const part = cached ?? this.#memory?.layerPart(root, sizeBytes, index) ??
      this.#onDisk((table) => table.layerPart(root, sizeBytes, index));
    if (part === undefined) return undefined;
    this.#parts.delete(key);
    this.#parts.set(key, part);
    const [oldest] = this.#parts.keys();
    if (this.#parts.size > CACHED_PARTS_MAX) this.#parts.delete(oldest!);
    return part;
  }

  /** 32 lower-case hex digits, if anybody has asked for it before. */
  md5Of(path: string, signature: FileSignature): string | undefined {
    return this.#memory?.md5Of(path, signature) ??
      this.#onDisk((table) => table.md5Of(path, signature));
  }

  putMd5(path: string, signature: FileSignature, md5: string): void {
    const isOnDisk = this.#onDisk((table) => {
      table.putMd5(path, signature, md5);
      return true;
    });
    if (isOnDisk) return;
    this.#memory ??= new HashTable(this.#clock, ":memory:");
    this.#memory.putMd5(path, signature, md5);
  }

  /** Where files with this MD5 were, when they were last looked at. */
  pathsByMd5(md5: string): readonly string[] {
    const inMemory = this.#memory?.pathsByMd5(md5, PATHS_BY_MD5_MAX) ?? [];
    const onDisk = this.#onDisk((table) => table.pathsByMd5(md5, PATHS_BY_MD5_MAX)) ?? [];
    return [...inMemory, ...onDisk];
  }

  /** Makes sure that this file is hashed again. */
  forget(path: string): void {
    this.#parts.clear();
    this.#memory?.forget(path);
    this.#onDisk((table) => table.forget(path));
  }

  close(): void {
    this.#disk?.table.close();
    this.#memory?.close();
    this.#disk = undefined;
    this.#memory = undefined;
  }

  /** `undefined` where the disk has nothing, is busy for too long, or fails: then it is given up. */
  #onDisk<T>(act: (table: HashTable) => T): T | undefined {
    const disk = this.#disk;
    if (disk === undefined) return undefined;
    try {
      return act(disk.table);
    } catch (thrown) {
      if (isBusy(thrown)) return undefined;
      disk.table.close();
      this.#disk = undefined;
      this.#onNotice(`${IN_MEMORY}: ${causeText(thrown)}`);
      if (isUseless(thrown)) disk.setAside();
      return undefined;
    }
  }
}
