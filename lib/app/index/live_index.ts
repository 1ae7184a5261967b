/**
 * A server's index of what its origins offer, kept up to date while they change: a quick scan finds the
 * files, indexers hash them, and a store keeps the hashes for the next start.
 *
 * It promises that an entry which is `ready` looked like its signature when it was hashed. Whether it
 * still does is checked by those who open it, and to tell through {@linkcode LiveIndex.recheck}. A name is offered by one
 * origin, whatever comes later.
 */
import type { Bytes, Content, FileSignature, HashHex, SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { Disk } from "../../io/files/disk.ts";
import { openContent } from "../../io/files/content_reader.ts";
import type { Inspected } from "../../io/files/folder_scan.ts";
import type { IndexedHashes } from "../../io/store/hash_table.ts";
import { IndexStore } from "../../io/store/index_store.ts";
import { sameSignature, stillIs } from "../../io/files/regular_file.ts";
import { SETTLE_MS } from "./limits.ts";
import { LeftOut } from "./left_out.ts";
import { IndexedLayers } from "./indexed_layers.ts";
import { Snapshots } from "./snapshots.ts";
import type { ChunkCheck } from "../../protocol/serve/chunk_checks.ts";
import type {
  ContentPlace,
  ContentRef,
  LocatedContent,
  ServedFile,
} from "../../protocol/base/served_file.ts";
import { displayName } from "../../names.ts";
import { Catalogue, type CatalogueEntry } from "../../protocol/serve/catalogue.ts";
import { chunkCountFor, type LayerPage, layerPageCount } from "../../protocol/merkle/merkle.ts";
import { BackgroundHashing } from "./background_hashing.ts";
import { NOBODY } from "./hash_queue.ts";
import type { HashJob } from "./indexer_pool.ts";
import { CheckSchedule } from "./check_schedule.ts";
import { LookBudget } from "./look_budget.ts";
import { NameOwners } from "./name_owners.ts";
import type { Origin } from "./origin.ts";
import { ScanSchedule } from "./scan_schedule.ts";
import type { ServedIndex } from "./served_index.ts";
import { FolderTrees } from "./folder_trees.ts";
import { Settling, settlingMs } from "./settling.ts";
import type { FolderManifest } from "../../protocol/serve/find_answers.ts";
import type { TreeShape } from "../../wire/manifest.ts";

interface LiveIndexOptions {
  readonly runtime: Runtime;
  /** At least one. A name that is in two of them at the start is refused; one that comes later is left out. */
  readonly origins: readonly Origin[];
  /** Where hashes are kept; the user's cache folder by default. */
  readonly cacheDir?: string | undefined;
  /**
   * An entry came, changed its state or went.
   *
   * @param lost the content that the name stood for until now
   */
  readonly onChange?: (name: SafeFileName, lost: Content | undefined) => void;
  /** A line for the user: a file that is left out, a cache that cannot be used. */
  readonly onNotice: (message: string) => void;
  /** Ends the first scan; `close` ends what comes after it. */
  readonly signal?: AbortSignal | undefined;
}

/** How much is still to be hashed. */
export interface IndexProgress {
  readonly filesLeft: number;
  readonly bytesLeft: number;
  readonly rateBytesPerS: number;
}

export class LiveIndex implements ServedIndex {
  readonly uploadDir: string | undefined;
  /** All that is known beforehand to be offered. */
  readonly names: readonly SafeFileName[];
  readonly catalogue = new Catalogue();
  /** Nobody is given an index before it is. */
  readonly isScanned = true;
  readonly #options: LiveIndexOptions;
  readonly #disk: Disk;
  readonly #store: IndexStore;
  readonly #layers: IndexedLayers;
  readonly #hashing: BackgroundHashing;
  readonly #settling: Settling;
  readonly #schedule: ScanSchedule;
  readonly #checks: CheckSchedule;
  readonly #looks: LookBudget;
  readonly #abort = new AbortController();
  /** Files that could not be hashed, as they looked then: no use trying before they change. */
  readonly #refused = new Map<SafeFileName, FileSignature>();
  /** What files were before somebody said that they are not: by name, signature and root. */
  readonly #doubted = new Map<SafeFileName, { signature: FileSignature; root: HashHex }>();
  readonly leftOut: LeftOut;
  readonly #snapshots: Snapshots;
  readonly #owners: NameOwners;
  readonly #trees: FolderTrees;
  #unwatch: readonly (() => void)[] | undefined;

  private constructor(options: LiveIndexOptions) {
    const { origins } = options;
    this.#owners = new NameOwners(origins);
    this.uploadDir = origins.find(({ uploadDir }) => uploadDir !== undefined)?.uploadDir;
    this.names = origins.flatMap(({ names }) => names ?? []);
    this.#options = options;
    this.leftOut = new LeftOut(options.onNotice);
    this.#snapshots = new Snapshots(options.runtime.clock);
    const { clock, disk } = options.runtime;
    this.#disk = disk;
    this.#settling = new Settling(clock, (name) => this.#onQuiet(name));
    this.#schedule = new ScanSchedule(clock, () => this.#scan());
    this.#checks = new CheckSchedule(clock, (check) => this.#check(check));
    this.#looks = new LookBudget(clock);
    this.#store = new IndexStore(options);
    this.#layers = new IndexedLayers(this.#store);
    this.#trees = new FolderTrees({
      clock,
      catalogue: this.catalogue,
      served: ({ name, signature }) => ({ name, place: this.placeOf(name), ...signature }),
      bytesPerS: () => this.#hashing.bytesPerS,
    });
    this.#hashing = new BackgroundHashing({
      runtime: options.runtime,
      catalogue: this.catalogue,
      placeOf: (name) => this.placeOf(name),
      onHashed: ({ name, signature }, hashes, tree) =>
        this.#store.put(this.#keyOf(name), signature, hashes, tree),
      onReady: (name) => this.#onReady(name),
      onChanged: (job) => this.#onChangedInHashing(job),
      onUnreadable: (job, message) => this.#refuse(job, message),
    });
  }

  /**
   * Resolves when the origins were looked through once: every file has an entry, those that were hashed
   * before are ready, the others are hashed from now on. The index closes its origins, also if it throws.
   *
   * Throws ShoalError `usage` when two of them offer one name, and `interrupted`.
   */
  static async start(options: LiveIndexOptions): Promise<LiveIndex> {
    const index = new LiveIndex(options);
    const abort = (): void => index.#abort.abort();
    options.signal?.addEventListener("abort", abort);
    if (options.signal?.aborted) abort();
    if (index.#owners.clash === undefined) await index.#schedule.scanNow();
    options.signal?.removeEventListener("abort", abort);
    if (index.#abort.signal.aborted) {
      await index.close();
      throw new ShoalError("interrupted", "interrupted while scanning the folder");
    }
    const clash = index.#owners.clash;
    if (clash !== undefined) {
      await index.close();
      throw clash;
    }
    const onHint = (): void => index.#schedule.hint();
    index.#unwatch = options.origins.map((origin) => origin.watch(onHint));
    return index;
  }

  get progress(): IndexProgress {
    const { files, bytes } = this.catalogue.backlog;
    return { filesLeft: files, bytesLeft: bytes, rateBytesPerS: this.#hashing.bytesPerS };
  }

  hashRateOf(name: SafeFileName): number {
    return this.#hashing.bytesPerSOf(name);
  }

  /** Hashes of the chunks of a content that is ready. One that the store has lost is computed again. */
  layerOf(root: HashHex, sizeBytes: number): Bytes | undefined {
    if (!this.#fileWith(root, sizeBytes)) return this.#trees.layerOf(root, sizeBytes);
    const layer = this.#layers.layerOf(root, sizeBytes);
    if (layer === undefined) this.rehash(root, sizeBytes);
    return layer;
  }

  following(ref: ContentRef): readonly LocatedContent[] {
    return this.#trees.following(ref);
  }

  /** The manifest of a folder, or of everything. */
  treeOf(folder: SafeFileName | undefined): FolderManifest | undefined {
    return this.#trees.of(folder);
  }

  /** Page `page` of that layer, and what proves it; `undefined` as well if there is no such page. */
  layerPage(root: HashHex, sizeBytes: number, page: number): LayerPage | undefined {
    if (!this.#fileWith(root, sizeBytes)) return this.#trees.layerPage(root, sizeBytes, page);
    const found = this.#layers.pageOf(root, sizeBytes, page);
    if (found === undefined && page < layerPageCount(sizeBytes)) this.rehash(root, sizeBytes);
    return found;
  }

  placeOf(name: SafeFileName): ContentPlace {
    return this.#owners.of(name).placeOf(name);
  }

  holds(root: HashHex, sizeBytes: number): boolean {
    return this.located(root, sizeBytes) !== undefined;
  }

  located(root: HashHex, sizeBytes: number): ServedFile | undefined {
    return this.#fileWith(root, sizeBytes) ?? this.#trees.located(root, sizeBytes);
  }

  #fileWith(root: HashHex, sizeBytes: number): ServedFile | undefined {
    for (const { name, signature } of this.catalogue.findByContent(root, sizeBytes)) {
      return { name, place: this.placeOf(name), ...signature };
    }
    return this.#snapshots.located({ root, sizeBytes });
  }

  md5Of({ name, signature }: CatalogueEntry): string | undefined {
    return this.#store.md5Of(this.#keyOf(name), signature);
  }

  learnMd5(name: SafeFileName, signature: FileSignature, md5: string): void {
    this.#store.putMd5(this.#keyOf(name), signature, md5);
  }

  findByMd5(md5: string): CatalogueEntry | undefined {
    for (const key of this.#store.pathsByMd5(md5)) {
      for (const origin of this.#options.origins) {
        const name = origin.nameOf(key);
        const entry = name && this.catalogue.find(name);
        if (entry !== undefined && this.md5Of(entry) === md5) return entry;
      }
    }
    return undefined;
  }

  adopt(name: SafeFileName, sizeBytes: number, hashes: IndexedHashes, tree: Bytes): void {
    // What another origin offers by that name stays what it is.
    if (this.#owners.of(name).uploadDir !== this.uploadDir) return;
    const found = this.#inspect(name);
    // Somebody was quick to change it: the next scan sees what it is.
    if (found.kind !== "file" || found.signature.sizeBytes !== sizeBytes) return;
    const { signature } = found;
    const lost = this.catalogue.find(name)?.content;
    this.#forget(name);
    this.#store.put(this.#keyOf(name), signature, hashes, tree);
    this.catalogue.put(name, signature, "pending");
    this.catalogue.ready(name, hashes);
    this.#options.onChange?.(name, lost);
  }

  /** Somebody waits for this file: it is hashed before the others. */
  prioritise(name: SafeFileName, party: string): void {
    if (this.catalogue.find(name)?.state === "pending") this.#hashing.add(name, party);
  }

  /** Somebody asks for this file: unless it is being hashed, it is looked at again, where that does not take long. */
  refresh({ name, state }: CatalogueEntry): void {
    if (state === "pending") return;
    this.#looks.spend(() => {
      const entry = this.catalogue.find(name);
      const found = this.#inspect(name);
      if (found.kind !== "file") this.#remove(name);
      else if (entry !== undefined && !this.#snapshots.isCurrent(found.signature, entry)) {
        this.#take(name, found.signature);
      }
    });
  }

  /** Looks at the file now: if it is not what it was, it is hashed again, or gone. */
  recheck(name: SafeFileName): void {
    const entry = this.catalogue.find(name);
    if (entry === undefined) return;
    const found = this.#inspect(name);
    if (found.kind !== "file") return this.#remove(name);
    if (!stillIs(found.signature, entry.signature)) return this.#take(name, found.signature);
    const opened = openContent(this.#disk, this.placeOf(name), entry.signature);
    if (opened.ok) return opened.reader.close();
    this.leftOut.noteFile(name, "it cannot be read");
    this.#remove(name);
  }

  /** Hashes the files of this content again, whatever the store says. */
  rehash(root: HashHex, sizeBytes: number): void {
    for (const entry of [...this.catalogue.findByContent(root, sizeBytes)]) this.#rehash(entry);
  }

  /** Either one of the files is another by now, or the disk fails. */
  mistrust(root: HashHex, sizeBytes: number): void {
    const suspects = this.#entriesOf({ root, sizeBytes })
      .map((entry) => ({ entry, name: entry.name, root: entry.content?.root }));
    for (const { name } of suspects) this.recheck(name);
    const areAllUnchanged = suspects.every(({ entry, root }) => entry.content?.root === root);
    if (areAllUnchanged) { for (const { entry } of suspects) this.#rehash(entry); }
  }

  /** The files that have this content, or make it up. */
  #entriesOf(ref: ContentRef): CatalogueEntry[] {
    const bundled = this.#trees.namesIn(ref).flatMap((name) => this.catalogue.find(name) ?? []);
    return [...this.catalogue.findByContent(ref.root, ref.sizeBytes), ...bundled];
  }

  /**
   * A client of the proved address `party` found a chunk bad that it was sent. The chunk is read again, when its
   * turn comes; meanwhile, and unless it differs, the file stays on offer.
   */
  doubt(party: string, content: ContentRef, chunk: number): void {
    const { root, sizeBytes } = content;
    if (this.located(root, sizeBytes) === undefined || chunk >= chunkCountFor(sizeBytes)) return;
    this.#checks.add(party, { content, chunk });
  }

  async #check({ content, chunk }: ChunkCheck): Promise<void> {
    for (const entry of this.#trees.namesIn(content)) {
      const bundled = this.catalogue.find(entry);
      if (bundled?.content !== undefined) await this.#checkFile(bundled, bundled.content, 0);
    }
    const [entry] = this.catalogue.findByContent(content.root, content.sizeBytes);
    if (entry !== undefined) await this.#checkFile(entry, content, chunk);
  }

  async #checkFile(
    entry: CatalogueEntry,
    { root, sizeBytes }: ContentRef,
    chunk: number,
  ): Promise<void> {
    const hash = this.#layers.hashOf(root, sizeBytes, chunk);
    if (hash === undefined) return;
    const { name, signature } = entry;
    const found = await this.#hashing.check({
      name,
      signature,
      place: this.placeOf(name),
      chunk,
      hash,
    });
    // It may have become another file meanwhile: that is known without this.
    if (found === undefined || entry.content?.root !== root) return;
    if (found === "changed") this.recheck(name);
    else if (found === "bad") {
      if (signature.isPrefix) this.#refusePrefix(entry);
      else this.#rehash(entry);
    }
  }

  /** It does not only grow, but changes inside. */
  #refusePrefix({ name }: CatalogueEntry): void {
    this.#snapshots.refuse(name);
    const found = this.#inspect(name);
    if (found.kind === "file") this.#take(name, found.signature);
    else this.#remove(name);
  }

  #rehash({ name, signature, content }: CatalogueEntry): void {
    this.#store.forget(this.#keyOf(name));
    if (content !== undefined) this.#doubted.set(name, { signature, root: content.root });
    this.catalogue.put(name, signature, "pending");
    this.#hashing.add(name, NOBODY);
    this.#options.onChange?.(name, content);
  }

  /** Ends scans and workers. */
  async close(): Promise<void> {
    this.#abort.abort();
    for (const unwatch of this.#unwatch ?? []) unwatch();
    this.#settling.close();
    this.#checks.close();
    await this.#schedule.close();
    await this.#hashing.close();
    for (const origin of this.#options.origins) {
      if (origin.isFinal) {
        for (const name of origin.names ?? []) this.#store.forget(origin.keyOf(name));
      }
      origin.close();
    }
    this.#store.close();
  }

  async #scan(): Promise<void> {
    const { signal } = this.#abort;
    const seen = new Set<SafeFileName>();
    const isKnown = (name: SafeFileName, signature: FileSignature): boolean => {
      const known = this.catalogue.find(name)?.signature ?? this.#refused.get(name);
      // What has come to rest is offered as a whole.
      const isWhole = known?.isPrefix && settlingMs(this.#options.runtime.clock, signature) <= 0;
      return known !== undefined && !isWhole && stillIs(signature, known);
    };
    const told = this.leftOut.beginScan();
    const shapes: TreeShape[] = [];
    const onShape = (shape: TreeShape): void => void shapes.push(shape);
    for (const origin of this.#options.origins) {
      for await (
        const { name, signature } of origin.scan({ isKnown, ...told, onShape, signal })
      ) {
        if (!this.#owners.claim(origin, name)) {
          if (this.#unwatch === undefined) return;
          this.leftOut.noteFile(name, "another file is offered under that name");
          continue;
        }
        seen.add(name);
        if (!isKnown(name, signature)) this.#take(name, signature);
      }
      if (signal.aborted) return;
    }
    this.leftOut.endScan();
    this.#trees.setShapes(shapes);
    for (const { name } of this.catalogue.entries()) if (!seen.has(name)) this.#remove(name);
    for (const name of this.#refused.keys()) if (!seen.has(name)) this.#refused.delete(name);
  }

  /** A file that is new or not what it was. */
  #take(name: SafeFileName, signature: FileSignature): void {
    this.#forget(name);
    const before = this.catalogue.find(name);
    const lost = before?.content;
    const known = this.#store.find(this.#keyOf(name), signature);
    const settlesInMs = this.#settlesInMs(name, signature, before === undefined);
    if (before !== undefined) this.#snapshots.keep(before, this.placeOf(name), signature);
    const snapshot = settlesInMs > 0 ? this.#snapshots.take(name, signature) : undefined;
    if (known !== undefined) {
      this.catalogue.put(name, signature, "pending");
      this.catalogue.ready(name, known);
    } else if (snapshot !== undefined) {
      this.catalogue.put(name, snapshot, "pending");
      this.#hashing.add(name, NOBODY);
    } else if (settlesInMs > 0) {
      this.#settle(name, signature, settlesInMs);
    } else {
      this.catalogue.put(name, signature, "pending");
      this.#hashing.add(name);
    }
    this.#options.onChange?.(name, lost);
  }

  #settlesInMs(name: SafeFileName, signature: FileSignature, isNew: boolean): number {
    if (this.#owners.of(name).isFinal) return 0;
    return isNew ? settlingMs(this.#options.runtime.clock, signature) : SETTLE_MS;
  }

  #inspect(name: SafeFileName): Inspected {
    return this.#owners.of(name).inspect(name);
  }

  #keyOf(name: SafeFileName): string {
    return this.#owners.of(name).keyOf(name);
  }

  #remove(name: SafeFileName): void {
    const lost = this.catalogue.find(name)?.content;
    this.#forget(name);
    this.catalogue.remove(name);
    this.#options.onChange?.(name, lost);
  }

  /** Stops all work on the file as it was. */
  #forget(name: SafeFileName): void {
    this.#hashing.forget(name);
    this.#settling.delete(name);
    this.#refused.delete(name);
    this.#doubted.delete(name);
    this.#snapshots.forget(name);
  }

  #onQuiet(name: SafeFileName): void {
    this.recheck(name);
    const entry = this.catalogue.find(name);
    // A file that was written to again settles again, and is due later.
    if (entry?.state !== "settling" || this.#settling.has(name)) return;
    this.catalogue.settle(name);
    this.#hashing.add(name);
    this.#options.onChange?.(name, undefined);
  }

  #onReady(name: SafeFileName): void {
    const [entry, before] = [this.catalogue.find(name), this.#doubted.get(name)];
    this.#doubted.delete(name);
    const isSame = before !== undefined && entry !== undefined &&
      sameSignature(before.signature, entry.signature);
    if (isSame && entry.content?.root !== before.root) {
      const what = "its bytes changed, its size and time did not: is the disk failing?";
      this.leftOut.note(`${displayName(name)} is another file now: ${what}`);
    }
    this.#options.onChange?.(name, undefined);
  }

  #onChangedInHashing({ name, signature }: HashJob): void {
    this.recheck(name);
    const entry = this.catalogue.find(name);
    // It looks the same again: hashed when it has been left alone for a while.
    if (entry !== undefined && stillIs(entry.signature, signature)) {
      this.#settle(name, signature, SETTLE_MS);
    }
  }

  #settle(name: SafeFileName, signature: FileSignature, waitMs: number): void {
    this.catalogue.put(name, signature, "settling");
    this.#settling.add(name, waitMs);
  }

  #refuse({ name, signature }: HashJob, why: string): void {
    this.leftOut.noteFile(name, why);
    this.#remove(name);
    this.#refused.set(name, signature);
  }
}
