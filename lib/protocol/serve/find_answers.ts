/** The frames that answer one FIND (docs/PROTOCOL.md, "Finding"), within a number of bytes. */
import type { LayerPage } from "../merkle/merkle.ts";
import {
  type Bytes,
  type Content,
  type HashHex,
  type ModificationTime,
  type SafeFileName,
  type ServerId,
  timeOf,
  type Token,
} from "../../ids.ts";
import { encodeFrame, type Frame, type FrameOf, type Query } from "../../wire/frames.ts";
import { MANIFEST_NAME } from "../../wire/manifest.ts";
import type { Catalogue, CatalogueEntry } from "./catalogue.ts";

/** What a server has to offer, and how far it has got with finding out. */
export interface CatalogueView {
  readonly catalogue: Catalogue;
  /** Whether the whole folder has been looked through once: before that, nothing is absent. */
  readonly isScanned: boolean;
  /** Somebody asks for this file: it is looked at again, if it can be, and its entry follows it. */
  refresh(entry: CatalogueEntry): void;
  /** How fast this file is being hashed, in bytes per second; 0 while it waits for others. */
  hashRateOf(name: SafeFileName): number;
  /** The manifest of a folder, or of all that is offered; `undefined` where there is no such folder. */
  treeOf(folder: SafeFileName | undefined): FolderManifest | undefined;
  /** Whether there is something with this content: a file, a manifest or a bundle. */
  holds(root: HashHex, sizeBytes: number): boolean;
  /** Which chunks are here, one bit each, least significant first, of a content that is not here as a whole; nothing of any by default. */
  heldOf?(root: HashHex, sizeBytes: number): Uint8Array | undefined;
  /** A page of the layer of a file that is ready, and its proof; `undefined` if it is not to be had. */
  layerPage(root: HashHex, sizeBytes: number, page: number): LayerPage | undefined;
}

/** What there is of a manifest. Until all files are hashed there is none, but for how far that is. */
export type FolderManifest =
  | { readonly kind: "ready"; readonly content: Content } & ModificationTime
  | {
    readonly kind: "pending";
    readonly sizeBytes: number;
    readonly hashedBytes: number;
    readonly rateBytesPerS: number;
    /** The first of those that are waited for. */
    readonly next: readonly SafeFileName[];
  };

interface FindAnswerOptions {
  readonly view: CatalogueView;
  readonly server: ServerId;
  /** What the answers carry. */
  readonly token: Token;
  /** Where we are to be asked from now on; 0 for where the answers come from. */
  readonly dataPort: number;
  readonly tcpPort: number;
  /** All answers together. */
  readonly bytesMax: number;
  /** One frame. */
  readonly frameBytesMax: number;
  readonly similarTo: (name: SafeFileName) => readonly SafeFileName[];
}

const utf8 = new TextEncoder();
/** In front of a name. */
const LENGTH_BYTES = 2;

export class FindAnswers {
  /** What is here, and who we are. */
  readonly prompt: Bytes[] = [];
  /** What is not here. */
  readonly absent: Bytes[] = [];
  /** Names that were asked for and are offered. */
  readonly offered: SafeFileName[] = [];
  /** Names of what was asked for and is not hashed yet. */
  readonly pending: SafeFileName[] = [];
  readonly #options: FindAnswerOptions;
  readonly #find: FrameOf<"find">;
  #bytesLeft: number;

  constructor(find: FrameOf<"find">, options: FindAnswerOptions) {
    this.#find = find;
    this.#options = options;
    this.#bytesLeft = options.bytesMax;
    this.#introduce(find.queries.findIndex((query) => query.by === "any"));
    find.queries.forEach((query, i) => query.by === "tree" && this.#answerTree(query.name, i));
    const entries = find.queries.map((query) => this.#entryFor(query));
    // What is here comes first: it is of more use than what is not, where not everything fits.
    entries.forEach((entry, i) => entry !== undefined && this.#answerPresent(entry, i));
    entries.forEach((entry, i) => entry === undefined && this.#answerAbsent(i));
  }

  /** RETRY cannot say where we are to be asked from now on. */
  #introduce(queryIndex: number): void {
    if (queryIndex === -1) return;
    const { server, token, dataPort } = this.#options;
    if (dataPort !== 0) {
      this.#add(this.prompt, { kind: "absent", ...this.#head(queryIndex), similar: [] });
      return;
    }
    this.#add(this.prompt, { kind: "retry", echo: this.#find.queryId, number: 0, server, token });
  }

  #entryFor(query: Query): CatalogueEntry | undefined {
    const entry = this.#lookUp(query);
    if (entry === undefined) return undefined;
    this.#options.view.refresh(entry);
    return this.#lookUp(query);
  }

  #lookUp(query: Query): CatalogueEntry | undefined {
    const { catalogue } = this.#options.view;
    switch (query.by) {
      case "name":
        return catalogue.lookUp(query.name);
      case "sha256":
        return catalogue.findBySha256(query.sha256);
      case "any":
      case "tree":
        return undefined;
    }
  }

  #answerTree(folder: SafeFileName | undefined, queryIndex: number): void {
    const tree = this.#options.view.treeOf(folder);
    const head = this.#head(queryIndex);
    if (tree === undefined) {
      if (this.#options.view.isScanned) {
        this.#add(this.absent, { kind: "absent", ...head, similar: [] });
      }
    } else if (tree.kind === "pending") {
      const { sizeBytes, hashedBytes, rateBytesPerS, next } = tree;
      this.pending.push(...next);
      this.#add(this.prompt, { kind: "pending", ...head, sizeBytes, hashedBytes, rateBytesPerS });
    } else {
      const { content: { sizeBytes, sha256, root } } = tree;
      const about = { sizeBytes, sha256, root, tcpPort: this.#options.tcpPort };
      this.#offer({ kind: "offer", ...head, ...about, ...timeOf(tree), name: MANIFEST_NAME });
    }
  }

  #answerPresent(entry: CatalogueEntry, queryIndex: number): void {
    const { name, signature, hashedBytes, content } = entry;
    const { sizeBytes, isPrefix } = signature;
    const head = this.#head(queryIndex);
    if (content === undefined) {
      this.pending.push(name);
      const rateBytesPerS = Math.round(this.#options.view.hashRateOf(name));
      const { prompt } = this;
      this.#add(prompt, { kind: "pending", ...head, sizeBytes, hashedBytes, rateBytesPerS });
      return;
    }
    const { sha256, root } = content;
    const { tcpPort } = this.#options;
    const about = { ...timeOf(signature), ...(isPrefix && { isGrowing: true as const }) };
    const isAdded = this.#offer(
      { kind: "offer", ...head, sizeBytes, sha256, root, ...about, tcpPort, name },
    );
    if (isAdded && this.#find.queries[queryIndex]?.by === "name") this.offered.push(name);
  }

  /** Without nanoseconds for those who do not know them, and where there is no room. */
  #offer(offer: FrameOf<"offer">): boolean {
    const { mtimeRestNs: _, ...plain } = offer;
    return (this.#find.takesRestNs === true && this.#add(this.prompt, offer)) ||
      this.#add(this.prompt, plain);
  }

  #answerAbsent(queryIndex: number): void {
    const query = this.#find.queries[queryIndex];
    if (
      query === undefined || query.by === "any" || query.by === "tree" ||
      !this.#isAbsenceCertain(query)
    ) return;
    const similar = query.by === "name" ? this.#options.similarTo(query.name) : [];
    const absent = { kind: "absent", ...this.#head(queryIndex), similar: [] } as const;
    const roomBytes = Math.min(this.#bytesLeft, this.#options.frameBytesMax) -
      encodeFrame(absent).length;
    this.#add(this.absent, { ...absent, similar: fittingNames(similar, roomBytes) });
  }

  /** A file that has not been hashed may be the one with the digest that is asked for. */
  #isAbsenceCertain(query: Query): boolean {
    const { isScanned, catalogue } = this.#options.view;
    return isScanned && (query.by === "name" || catalogue.backlog.files === 0);
  }

  #head(
    queryIndex: number,
  ): Pick<FrameOf<"offer">, "queryId" | "queryIndex" | "server" | "token" | "dataPort"> {
    const { server, token, dataPort } = this.#options;
    return { queryId: this.#find.queryId, queryIndex, server, token, dataPort };
  }

  /** Whether there was room. */
  #add(frames: Bytes[], frame: Frame): boolean {
    const bytes = encodeFrame(frame);
    if (bytes.length > this.#bytesLeft) return false;
    this.#bytesLeft -= bytes.length;
    frames.push(bytes);
    return true;
  }
}

/** The first of `names` that take no more than `bytesMax` on the wire. */
function fittingNames(names: readonly SafeFileName[], bytesMax: number): SafeFileName[] {
  let bytes = 0;
  const isFitting = (name: SafeFileName): boolean => {
    bytes += LENGTH_BYTES + utf8.encode(name).length;
    return bytes <= bytesMax;
  };
  return names.filter(isFitting);
}
