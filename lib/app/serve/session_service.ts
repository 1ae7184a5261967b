/** A server's TCP side: the session worker, and its queries to the folder's index. */
import type { ShoalError } from "../../errors.ts";
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
import type { CatalogueEntry } from "../../protocol/serve/catalogue.ts";
import type { FileQuery, LogLevel, SessionFile } from "../../protocol/session/dialogue.ts";
import type { ServedIndex } from "../index/served_index.ts";

interface SessionServiceOptions extends Omit<SessionSettings, "uploadDir"> {
  readonly runtime: Runtime;
  readonly index: ServedIndex;
  readonly onUploaded: (file: UploadedFile, from: string) => void;
  readonly onSending: (name: string, to: string) => void;
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

  async close(): Promise<void> {
    await this.#worker.end();
  }

  #onReply(reply: WorkReply<SessionReply>): void {
    switch (reply.kind) {
      case "ask": {
        const { number, question } = reply;
        return this.#worker.post({ kind: "answer", number, answer: this.#answer(question) });
      }
      case "learned": {
        return this.#options.index.learnMd5(reply.file.name, reply.file, reply.md5);
      }
      case "uploaded":
        return this.#onUploaded(reply.file, reply.from);
      case "struck": {
        const { party, root, sizeBytes, chunk } = reply;
        return this.#options.index.doubt(party, { root, sizeBytes }, chunk);
      }
      case "sending":
        return this.#options.onSending(reply.name, reply.to);
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
      case "find": {
        const entry = this.#find(question.query, question.party);
        return entry && this.#described(entry);
      }
      case "layer":
        return index.layerOf(question.root, question.sizeBytes);
      default:
        return question satisfies never;
    }
  }

  #find(query: FileQuery, party: string): CatalogueEntry | undefined {
    const entry = this.#lookUp(query, party);
    if (entry === undefined) return undefined;
    this.#options.index.refresh(entry);
    return this.#lookUp(query, party);
  }

  #lookUp(query: FileQuery, party: string): CatalogueEntry | undefined {
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
