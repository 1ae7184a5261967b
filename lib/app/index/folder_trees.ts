/**
 * The manifests of the folders that somebody asks for, and the bundles that follow from them. A manifest is made
 * from the index when it is asked for, and kept until something changed; the bundles of those before it can
 * still be had, as long as their files are what they were.
 */
import type { Bytes, Content, HashHex, ModificationTime, SafeFileName } from "../../ids.ts";
import { hashHex, timeOf, toHex } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import type { Clock } from "../../io/system/clock.ts";
import { unitsOf } from "../../protocol/folder/bundles.ts";
import { bundleFiles } from "../../protocol/base/bundle_files.ts";
import {
  type ContentRef,
  keyOf,
  type LocatedContent,
  type ServedFile,
} from "../../protocol/base/served_file.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { layerPageIn, layerTreeOf } from "../../protocol/merkle/layer_tree.ts";
import { chunkCountFor, type LayerPage, TreeHasher } from "../../protocol/merkle/merkle.ts";
import type { Catalogue, CatalogueEntry } from "../../protocol/serve/catalogue.ts";
import type { FolderManifest } from "../../protocol/serve/find_answers.ts";
import {
  compareNames,
  encodeManifest,
  isWithin,
  type TreeEntry,
  type TreeFile,
  type TreeShape,
} from "../../wire/manifest.ts";
import {
  BUNDLES_AHEAD,
  GAP_AFTER_MS,
  TREE_MADE_EVERY_MS,
  TREE_NEXT_NAMES,
  TREES_KEPT_MAX,
} from "./limits.ts";

interface FolderTreesOptions {
  readonly clock: Clock;
  readonly catalogue: Catalogue;
  /** Where the bytes of an entry lie. */
  readonly served: (entry: CatalogueEntry) => ServedFile;
  readonly bytesPerS: () => number;
}

/** A file that is in a bundle as long as it has this content. */
interface BundledEntry {
  readonly entry: CatalogueEntry;
  readonly root: HashHex;
}

interface Bundle extends ContentRef {
  readonly files: readonly BundledEntry[];
}

/** A manifest as it was made. */
interface Tree extends ModificationTime {
  /** Of the folder, for those who are told what is sent. */
  readonly name: SafeFileName;
  readonly content: Content;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly layerTree: Bytes;
  /** In the order of the manifest. */
  readonly bundles: readonly Bundle[];
  /** Where each of them stands, by {@linkcode keyOf}. */
  readonly positions: ReadonlyMap<string, number>;
  readonly version: number;
  readonly madeMs: number;
}

/** What all that is offered is called. */
const EVERYTHING = "." as SafeFileName;

export class FolderTrees {
  readonly #options: FolderTreesOptions;
  /** Folders and links, by name. */
  #shapes: readonly TreeShape[] = [];
  #shapesVersion = 0;
  /** The newest of each folder, and some of those before; the least recently asked for first. */
  readonly #trees = new Map<string, Tree>();
  readonly #newest = new Map<SafeFileName | undefined, string>();
  /** Since when files that do not rest have been waited for. */
  readonly #restlessSince = new Map<SafeFileName, number>();

  constructor(options: FolderTreesOptions) {
    this.#options = options;
  }

  /** What a scan has found beside files. */
  setShapes(shapes: readonly TreeShape[]): void {
    const sorted = [...shapes].sort((a, b) => compareNames(a.name, b.name));
    if (JSON.stringify(sorted) === JSON.stringify(this.#shapes)) return;
    this.#shapes = sorted;
    this.#shapesVersion += 1;
  }

  /** The manifest of `folder`, or of everything. */
  of(folder: SafeFileName | undefined): FolderManifest | undefined {
    const nowMs = this.#options.clock.nowMs();
    const key = this.#newest.get(folder);
    const tree = key === undefined ? undefined : this.#trees.get(key);
    const isFresh = tree !== undefined &&
      (tree.version === this.#version || nowMs - tree.madeMs < TREE_MADE_EVERY_MS);
    if (isFresh) return this.#use(key!, tree);
    const entries = this.#options.catalogue.below(folder);
    const shapes = this.#shapesBelow(folder);
    if (entries.length === 0 && shapes.length === 0 && !this.#isThere(folder)) return undefined;
    const waitedFor = entries.filter((entry) => this.#isWaitedFor(nowMs, entry));
    if (waitedFor.length > 0) return this.#pending(entries, waitedFor);
    const made = this.#make(nowMs, folder, entries, shapes);
    const madeKey = keyOf(made.content);
    this.#newest.set(folder, madeKey);
    return this.#use(madeKey, made);
  }

  /** A manifest or a bundle. */
  located(root: HashHex, sizeBytes: number): ServedFile | undefined {
    const key = keyOf({ root, sizeBytes });
    const manifest = this.#trees.get(key);
    if (manifest !== undefined) {
      const { bytes } = manifest;
      const signature = { sizeBytes, ...timeOf(manifest), ctimeMs: 0, inode: 0 };
      return { name: manifest.name, place: { kind: "memory", bytes }, ...signature };
    }
    for (const tree of this.#trees.values()) {
      const position = tree.positions.get(key);
      if (position !== undefined) return this.#served(tree, tree.bundles[position]!);
    }
    return undefined;
  }

  /** The bundles after this one, which are likely to be asked for next. */
  following(ref: ContentRef): readonly LocatedContent[] {
    for (const tree of this.#trees.values()) {
      const position = tree.positions.get(keyOf(ref));
      if (position === undefined) continue;
      return tree.bundles.slice(position + 1, position + 1 + BUNDLES_AHEAD).flatMap((bundle) => {
        const file = this.#served(tree, bundle);
        return file === undefined ? [] : { root: bundle.root, sizeBytes: bundle.sizeBytes, file };
      });
    }
    return [];
  }

  #served({ name }: Tree, { sizeBytes, files }: Bundle): ServedFile | undefined {
    if (files.some(({ entry, root }) => entry.content?.root !== root)) return undefined;
    const served = files.map(({ entry }) => this.#options.served(entry));
    const signature = { sizeBytes, mtimeMs: 0, ctimeMs: 0, inode: 0 };
    return { name, place: { kind: "bundle", files: bundleFiles(served) }, ...signature };
  }

  /** The files of a bundle, so that they are looked at again. */
  namesIn(ref: ContentRef): readonly SafeFileName[] {
    for (const { bundles, positions } of this.#trees.values()) {
      const position = positions.get(keyOf(ref));
      if (position !== undefined) return bundles[position]!.files.map(({ entry }) => entry.name);
    }
    return [];
  }

  /** A page of the layer of a manifest. */
  layerPage(root: HashHex, sizeBytes: number, page: number): LayerPage | undefined {
    const tree = this.#trees.get(keyOf({ root, sizeBytes }))?.layerTree;
    if (tree === undefined) return undefined;
    return layerPageIn((from, length) => tree.slice(from, from + length), sizeBytes, page);
  }

  /** The layer of a manifest. */
  layerOf(root: HashHex, sizeBytes: number): Bytes | undefined {
    const layerBytes = chunkCountFor(sizeBytes) * HASH_BYTES;
    return this.#trees.get(keyOf({ root, sizeBytes }))?.layerTree.slice(0, layerBytes);
  }

  get #version(): number {
    return this.#options.catalogue.version + this.#shapesVersion;
  }

  #use(key: string, tree: Tree): FolderManifest {
    this.#trees.delete(key);
    this.#trees.set(key, tree);
    for (const oldest of this.#trees.keys()) {
      if (this.#trees.size <= TREES_KEPT_MAX) break;
      this.#trees.delete(oldest);
    }
    return { kind: "ready", content: tree.content, ...timeOf(tree) };
  }

  #isThere(folder: SafeFileName | undefined): boolean {
    return folder === undefined ||
      this.#shapes.some(({ kind, name }) => kind === "folder" && name === folder);
  }

  #modified(folder: SafeFileName | undefined): ModificationTime {
    const own = this.#shapes.find((shape) => shape.kind === "folder" && shape.name === folder);
    return own?.kind === "folder" ? timeOf(own) : { mtimeMs: 0 };
  }

  #shapesBelow(folder: SafeFileName | undefined): readonly TreeShape[] {
    if (folder === undefined) return this.#shapes;
    return this.#shapes.filter(({ name }) => name.startsWith(`${folder}/`));
  }

  /** One that does not rest for long is left out, so that the others can be had. */
  #isWaitedFor(nowMs: number, { name, state }: CatalogueEntry): boolean {
    if (state === "ready") {
      this.#restlessSince.delete(name);
      return false;
    }
    if (state === "pending") return true;
    const sinceMs = this.#restlessSince.get(name) ?? nowMs;
    this.#restlessSince.set(name, sinceMs);
    return nowMs - sinceMs < GAP_AFTER_MS;
  }

  #pending(
    entries: readonly CatalogueEntry[],
    waitedFor: readonly CatalogueEntry[],
  ): FolderManifest {
    let sizeBytes = 0;
    let hashedBytes = 0;
    for (const entry of entries) {
      sizeBytes += entry.signature.sizeBytes;
      hashedBytes += entry.hashedBytes;
    }
    const next = waitedFor.slice(0, TREE_NEXT_NAMES).map(({ name }) => name);
    const rateBytesPerS = Math.round(this.#options.bytesPerS());
    return { kind: "pending", sizeBytes, hashedBytes, rateBytesPerS, next };
  }

  #make(
    nowMs: number,
    folder: SafeFileName | undefined,
    entries: readonly CatalogueEntry[],
    shapes: readonly TreeShape[],
  ): Tree {
    const prefixLength = folder === undefined ? 0 : folder.length + 1;
    const nameIn = (name: SafeFileName): SafeFileName => name.slice(prefixLength) as SafeFileName;
    const byName = new Map<SafeFileName, CatalogueEntry>();
    const tree: TreeEntry[] = [];
    // A link that leads out of this folder is no link in it.
    const links = new Set(
      shapes.flatMap((shape) =>
        shape.kind === "link" && isWithin(nameIn(shape.name), shape.target) ? shape.name : []
      ),
    );
    const leftOut = new Set(
      shapes.flatMap(({ kind, name }) => kind === "leftOut" && !links.has(name) ? name : []),
    );
    for (const shape of shapes) {
      const isMeant = shape.kind === "link"
        ? links.has(shape.name)
        : leftOut.has(shape.name) === (shape.kind === "leftOut");
      if (isMeant) tree.push({ ...shape, name: nameIn(shape.name) });
    }
    for (const entry of entries) {
      const name = nameIn(entry.name);
      if (links.has(entry.name) || leftOut.has(entry.name)) continue;
      byName.set(name, entry);
      tree.push(treeFile(name, entry));
    }
    tree.sort((a, b) => compareNames(a.name, b.name));
    const manifest = encodeManifest(tree);
    const bytes = new Uint8Array(new SharedArrayBuffer(manifest.length));
    bytes.set(manifest);
    const hasher = new TreeHasher(manifest.length);
    hasher.update(manifest);
    const { root, layer } = hasher.finish();
    const content = {
      sizeBytes: manifest.length,
      sha256: hashHex(toHex(sha256(manifest))),
      root,
    };
    const files = tree.filter((entry): entry is TreeFile => entry.kind === "file");
    const bundles = unitsOf(files).filter((unit) => unit.files.length > 1)
      .map(({ root, sizeBytes, files }): Bundle => ({
        ...{ root, sizeBytes },
        files: files.map(({ name, root }) => ({ entry: byName.get(name)!, root })),
      }));
    const positions = new Map(bundles.map((bundle, i) => [keyOf(bundle), i]));
    const layerTree = layerTreeOf(layer, manifest.length);
    return {
      name: folder ?? EVERYTHING,
      content,
      bytes,
      layerTree,
      // Beside the manifest, which is the same wherever a folder with these things in it lies.
      ...this.#modified(folder),
      bundles,
      positions,
      version: this.#version,
      madeMs: nowMs,
    };
  }
}

function treeFile(name: SafeFileName, { signature, content }: CatalogueEntry): TreeEntry {
  if (content === undefined) return { kind: "gap", name };
  const { isExecutable = false } = signature;
  return { kind: "file", name, isExecutable, ...timeOf(signature), ...content };
}
