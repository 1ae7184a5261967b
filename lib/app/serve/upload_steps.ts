/** Uploads that this thread receives, handed to the session worker step by step: it writes all that a server takes. */
import { ShoalError } from "../../errors.ts";
import { hashHex } from "../../ids.ts";
import type { SessionRequest, UploadStep, UploadStepDone } from "../../messages/session_worker.ts";
import type { Transferred } from "../../io/system/worker_port.ts";
import type { OpenUpload, UploadToBegin } from "../receiving.ts";

type Post = (
  request: Extract<SessionRequest, { kind: "upload" }>,
  transfer?: readonly Transferred[],
) => void;
type Done = Exclude<UploadStepDone, { kind: "failed" }>;

export class UploadSteps {
  readonly #post: Post;
  readonly #pending = new Map<number, PromiseWithResolvers<Done>>();
  #nextNumber = 0;
  #isClosed = false;

  constructor(post: Post) {
    this.#post = post;
  }

  async begin({ name, sizeBytes, modifiedMs, from }: UploadToBegin): Promise<OpenUpload> {
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) {
      throw new ShoalError("usage", "that is no size of a file");
    }
    const upload = this.#nextNumber;
    const modified = modifiedMs === undefined ? undefined : { mtimeMs: Math.floor(modifiedMs) };
    let offset = atOf(
      await this.#step({ kind: "begin", upload, name, sizeBytes, modified, from }),
    );
    return {
      get offset() {
        return offset;
      },
      write: async (bytes) => {
        offset = atOf(await this.#step({ kind: "write", upload, bytes }, [bytes.buffer]));
      },
      store: async (sha256) => {
        const expected = sha256 === undefined ? undefined : hashHex(sha256.toLowerCase());
        const done = await this.#step({ kind: "store", upload, sha256: expected });
        if (done.kind !== "stored") throw new ShoalError("internal", "an upload has no name");
        return { name: done.name, sha256: done.sha256, present: done.isPresent };
      },
      release: async () => void await this.#step({ kind: "release", upload }),
    };
  }

  onDone(number: number, done: UploadStepDone): void {
    const pending = this.#pending.get(number);
    this.#pending.delete(number);
    if (done.kind === "failed") pending?.reject(ShoalError.fromMessage(done.error));
    else pending?.resolve(done);
  }

  /** No more answers come. */
  close(): void {
    this.#isClosed = true;
    for (const { reject } of this.#pending.values()) reject(stopped());
    this.#pending.clear();
  }

  #step(step: UploadStep, transfer?: readonly Transferred[]): Promise<Done> {
    if (this.#isClosed) return Promise.reject(stopped());
    const pending = Promise.withResolvers<Done>();
    const number = this.#nextNumber++;
    this.#pending.set(number, pending);
    this.#post({ kind: "upload", number, step }, transfer);
    return pending.promise;
  }
}

function atOf(done: Done): number {
  if (done.kind !== "at") throw new ShoalError("internal", "an upload is nowhere");
  return done.offset;
}

function stopped(): ShoalError {
  return new ShoalError("interrupted", "the server stops");
}
