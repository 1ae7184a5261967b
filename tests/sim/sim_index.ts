/**
 * The index of a simulated server: one file that is offered, or said to be offered, as its scenario has it, and
 * another one that nobody wants. What hashing finds out, and when, is told to it.
 */
import type { ServedIndex } from "../../lib/app/index/served_index.ts";
import { type Bytes, type HashHex, hashHex, type SafeFileName } from "../../lib/ids.ts";
import { chunkCountFor, layerOfRoot, type LayerPage } from "../../lib/protocol/merkle/merkle.ts";
import { Catalogue } from "../../lib/protocol/serve/catalogue.ts";
import type { ContentPlace, ServedFile } from "../../lib/protocol/base/served_file.ts";
import { LayerProver } from "../support/layer_prover.ts";
import { simContent } from "./sim_contents.ts";

export const FILE_NAME = "dir/example file.txt" as SafeFileName;
const OTHER_NAME = "dir/example file 2.txt" as SafeFileName;
/** Which file it is after a change. */
export const CHANGED_VARIANT = 2;
export const FOLDER = "/served";

export interface SimIndexHandlers {
  /** The file should be looked at again: it is not what it was, or may not be. */
  readonly onRecheck: () => void;
  /** A chunk of it was found bad by a client. */
  readonly onDoubt: (chunk: number) => void;
}

export class SimIndex implements ServedIndex {
  readonly uploadDir = FOLDER;
  readonly catalogue = new Catalogue();
  readonly isScanned = true;
  hashBytesPerS = 1e8;
  readonly #handlers: SimIndexHandlers;
  readonly #provers = new Map<HashHex, LayerProver>();

  constructor(handlers: SimIndexHandlers) {
    this.#handlers = handlers;
    const hash = hashHex("07".repeat(32));
    const signature = { sizeBytes: 3, mtimeMs: 1, ctimeMs: 1, inode: 9 };
    this.catalogue.put(OTHER_NAME, signature, "pending");
    this.catalogue.ready(OTHER_NAME, { sha256: hash, root: hash });
  }

  hashRateOf(): number {
    return this.hashBytesPerS;
  }

  layerOf(root: HashHex, sizeBytes: number): Bytes {
    const count = chunkCountFor(sizeBytes);
    if (count <= 1) return count === 0 ? new Uint8Array(0) : layerOfRoot(root);
    for (const variant of [0, 1, CHANGED_VARIANT]) {
      const known = simContent(sizeBytes, variant);
      if (known.content.root === root) return known.layer;
    }
    // Whoever made this root up has some layer to show for it.
    return simContent(sizeBytes, 0).layer;
  }

  layerPage(root: HashHex, sizeBytes: number, page: number): LayerPage | undefined {
    const prover = this.#provers.get(root) ??
      new LayerProver(this.layerOf(root, sizeBytes), sizeBytes);
    this.#provers.set(root, prover);
    return page < prover.pageCount ? prover.page(page) : undefined;
  }

  placeOf(name: SafeFileName): ContentPlace {
    return { kind: "file", dir: FOLDER, name };
  }

  located(root: HashHex, sizeBytes: number): ServedFile | undefined {
    for (const { name, signature } of this.catalogue.findByContent(root, sizeBytes)) {
      return { name, place: this.placeOf(name), ...signature };
    }
    return undefined;
  }

  /** What becomes of the file is told to it, and when. */
  refresh(): void {}

  recheck(name: SafeFileName): void {
    if (name === FILE_NAME) this.#handlers.onRecheck();
  }

  following(): readonly never[] {
    return [];
  }

  /** Nobody here asks for folders. */
  treeOf(): undefined {}

  holds(root: HashHex, sizeBytes: number): boolean {
    return this.located(root, sizeBytes) !== undefined;
  }

  mistrust(): void {
    this.#handlers.onRecheck();
  }

  doubt(_party: string, _content: unknown, chunk: number): void {
    this.#handlers.onDoubt(chunk);
  }

  /** Nobody here asks by MD5, or uploads. */
  md5Of(): undefined {}

  findByMd5(): undefined {}

  learnMd5(): void {}

  adopt(): void {}

  prioritise(): void {}
}
