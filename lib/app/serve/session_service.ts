/** A server's TCP side: the session worker, and its queries to the folder's index. */
import type { ShoalError } from "../../errors.ts";
import type { HashHex, SafeFileName } from "../../ids.ts";
import type { Runtime } from "../../io/runtime.ts";
import { WorkerHandle, type WorkReply } from "../../io/system/worker_handle.ts";
import type {
  Answer,
  Question,
  RefusedUpload,
  SessionReply,
  SessionRequest,
  SessionSettings,
  UploadedFile,
} from "../../messages/session_worker.ts";
import { bundleFiles } from "../../protocol/base/bundle_files.ts";
import type { CatalogueEntry } from "../../protocol/serve/catalogue.ts";
import type { SentShare } from "../../protocol/serve/sent_tally.ts";
import type { FileQuery, LogLevel, SessionFile } from "../../protocol/session/dialogue.ts";
import { MANIFEST_NAME } from "../../wire/manifest.ts";
import type { OpenUpload, UploadToBegin } from "../receiving.ts";
import { UploadSteps } from "./upload_steps.ts";
import type { ServedIndex } from "../index/served_index.ts";

/** What an entry of the catalogue may be found by. */
type EntryQuery = Exclude<FileQuery, { by: "tree" }>;

interface SessionServiceOptions extends Omit<SessionSettings, "uploadDir"> {
  readonly runtime: Runtime;
  readonly index: ServedIndex;
  readonly onUploaded: (file: UploadedFile, from: string) => void;
  readonly onSending: (name: string, to: string) => void;
  /** What was sent whom since the last time. */
  readonly onSent: (shares: readonly SentShare[]) => void;
  readonly onRefused: (upload: RefusedUpload) => void;
  readonly onLog: (level: LogLevel, message: string) => void;
  /** The worker broke. */
  readonly onFailure: (error: ShoalError) => void;
}

export class SessionService {
  /** The port; rejects when it cannot be opened. */
  readonly opened: Promise<number>;
  readonly #options: SessionServiceOptions;
  readonly #worker: WorkerHandle<SessionRequest, SessionReply>;
  readonly #steps = new UploadSteps((...step) => this.#worker.post(...step));

  constructor(options: SessionServiceOptions) {
    this.#options = options;
    const { host, ports, layers, policy, quota, rateBytesPerS } = options;
    const { uploadDir } = options.index;
    this.#worker = new WorkerHandle<SessionRequest, SessionReply>(options.runtime, "session.ts", {
      init: {
        kind: "init",
        ...{ host, ports, layers, policy, quota, rateBytesPerS, uploadDir },
      },
      onReply: (reply) => this.#onReply(reply),
      onFailure: options.onFailure,
    });
    this.opened = this.#worker.ready.then(({ port }) => port);
    // Callers that never await it learn of it from `onFailure`.
    this.opened.catch(() => {});
  }

  /** Begins an upload that this thread receives. */
  async beginUpload(upload: UploadToBegin): Promise<OpenUpload> {
    return await this.#steps.begin(upload);
  }

  async close(): Promise<void> {
    this.#steps.close();
    await this.#worker.end();
  }

  #onReply(reply: WorkReply<SessionReply>): void {
    switch (reply.kind) {
      case "ask": {
        const { number, question } = reply;
        return this.#worker.post({ kind: "answer", number, answer: this.#answer(question) });
      }
      case "uploadDone":
        return this.#steps.onDone(reply.number, reply.done);
      case "learned": {
        return this.#options.index.learnMd5(reply.file.name, reply.file, reply.md5);
      }
      case "uploaded":
        return this.#onUploaded(reply.file, reply.from);
      case "struck": {
        const { party, root, sizeBytes, chunk } = reply;
        return this.#options.index.doubt(party, { root, sizeBytes }, chunk);
      }
      case "mistrusted":
        return this.#options.index.mistrust(reply.root, reply.sizeBytes);
      case "sending":
        return this.#options.onSending(reply.name, reply.to);
      case "sent":
        return this.#options.onSent(reply.shares);
      case "refused":
        return this.#options.onRefused(reply);
      case "log":
        for (const message of reply.messages) this.#options.onLog(reply.level, message);
        return;
      default:
        reply satisfies never;
    }
  }

  #answer(question: Question): Answer {
    const { index } = this.#options;
    switch (question.kind) {
      case "files": {
        const entries = index.catalogue.page(question.after, question.countMax);
        return entries.map((entry) => this.#described(entry));
      }
      case "find":
        return this.#found(question.query, question.party);
      case "layer":
        return index.layerOf(question.root, question.sizeBytes);
      default:
        return question satisfies never;
    }
  }

  #found(query: FileQuery, party: string): SessionFile | undefined {
    if (query.by === "tree") return this.#tree(query.folder, party);
    const entry = this.#find(query, party);
    if (entry !== undefined) return this.#described(entry);
    return query.by === "content" ? this.#located(query.root, query.sizeBytes) : undefined;
  }

  /** A manifest by what it is of. */
  #tree(folder: SafeFileName | undefined, party: string): SessionFile | undefined {
    const { index } = this.#options;
    const tree = index.treeOf(folder);
    if (tree?.kind === "ready") {
      const { root, sizeBytes, sha256 } = tree.content;
      const file = this.#located(root, sizeBytes);
      return file && { ...file, name: MANIFEST_NAME, sha256 };
    }
    // Before that nothing is absent.
    if (tree === undefined && index.isScanned) return undefined;
    // Somebody waits for it.
    for (const name of tree?.next ?? []) index.prioritise(name, party);
    const { sizeBytes = 0, hashedBytes = 0, rateBytesPerS = 0 } = tree ?? {};
    const nowhere = {
      mtimeMs: 0,
      ctimeMs: 0,
      inode: 0,
      place: { kind: "bundle", files: bundleFiles([]) },
    } as const;
    return { name: MANIFEST_NAME, sizeBytes, ...nowhere, hashing: { hashedBytes, rateBytesPerS } };
  }

  /** A manifest, a bundle, or what a file that grows was a while ago. */
  #located(root: HashHex, sizeBytes: number): SessionFile | undefined {
    const file = this.#options.index.located(root, sizeBytes);
    return file && { ...file, root };
  }

  #find(query: EntryQuery, party: string): CatalogueEntry | undefined {
    const entry = this.#lookUp(query, party);
    if (entry === undefined) return undefined;
    this.#options.index.refresh(entry);
    return this.#lookUp(query, party);
  }

  #lookUp(query: EntryQuery, party: string): CatalogueEntry | undefined {
    const { index } = this.#options;
    switch (query.by) {
      case "name": {
        const entry = index.catalogue.lookUp(query.name);
        // Somebody waits for it.
        if (entry?.state === "pending") index.prioritise(entry.name, party);
        return entry;
      }
      case "sha256":
        return index.catalogue.findBySha256(query.sha256);
      case "content":
        return index.catalogue.findByContent(query.root, query.sizeBytes).next().value;
      case "md5":
        return index.findByMd5(query.md5);
      default:
        return query satisfies never;
    }
  }

  #described(entry: CatalogueEntry): SessionFile {
    const { name, signature, content, hashedBytes } = entry;
    const rateBytesPerS = Math.round(this.#options.index.hashRateOf(name));
    const md5 = this.#options.index.md5Of(entry);
    return {
      name,
      place: this.#options.index.placeOf(name),
      ...signature,
      ...(content === undefined
        ? { hashing: { hashedBytes, rateBytesPerS } }
        : { sha256: content.sha256, root: content.root }),
      ...(md5 !== undefined && { md5 }),
    };
  }

  #onUploaded(file: UploadedFile, from: string): void {
    const { index } = this.#options;
    const { name, sizeBytes, sha256, root, tree, md5 } = file;
    index.adopt(name, sizeBytes, { sha256, root }, tree);
    const entry = index.catalogue.find(name);
    if (entry?.content?.sha256 === sha256) index.learnMd5(name, entry.signature, md5);
    this.#options.onUploaded(file, from);
  }
}
