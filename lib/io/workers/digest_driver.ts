/** Runs a digest worker: streams as their pieces come, files piece by piece in between. */
import type { Bytes } from "../../ids.ts";
import { HASH_READ_BYTES } from "./limits.ts";
import type { DigestReply, DigestRequest } from "../../messages/digest_worker.ts";
import type { ServedFile } from "../../protocol/base/served_file.ts";
import { layerTreeOf } from "../../protocol/merkle/layer_tree.ts";
import { TreeHasher } from "../../protocol/merkle/merkle.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { openContent } from "../files/content_reader.ts";
import type { Runtime } from "../runtime.ts";
import { runDriver } from "./worker_driver.ts";
import type { WorkerPort } from "../system/worker_port.ts";

type Parent = WorkerPort<DigestRequest, DigestReply>;
type DigestRuntime = Pick<Runtime, "clock" | "disk">;
type Work = Exclude<DigestRequest, { kind: "init" }>;

/** Waits for `init`, then works until `stop`. */
export function runDigest(parent: Parent, runtime: DigestRuntime): void {
  runDriver(parent, () => new DigestDriver(runtime, parent));
}

interface Stream {
  readonly sizeBytes: number;
  readonly tree: TreeHasher;
  readonly md5: StreamingHash;
}

class DigestDriver {
  readonly #runtime: DigestRuntime;
  readonly #parent: Parent;
  readonly #streams = new Map<number, Stream>();
  readonly #buffer: Bytes = new Uint8Array(HASH_READ_BYTES);
  #files: Extract<Work, { kind: "file" }>[] = [];
  #isReading = false;
  #isStopped = false;

  constructor(runtime: DigestRuntime, parent: Parent) {
    this.#runtime = runtime;
    this.#parent = parent;
    parent.post({ kind: "ready" });
  }

  onRequest(request: Work): void {
    switch (request.kind) {
      case "begin": {
        const { job, sizeBytes } = request;
        const tree = new TreeHasher(sizeBytes);
        this.#streams.set(job, { sizeBytes, tree, md5: new StreamingHash("md5") });
        return;
      }
      case "update":
        return this.#update(request.job, request.buffer, request.lengthBytes);
      case "finish":
        return this.#finish(request.job);
      case "drop":
        this.#streams.delete(request.job);
        return;
      case "file":
        this.#files.push(request);
        void this.#readFiles();
        return;
      case "stop":
        this.#isStopped = true;
        return this.#parent.post({ kind: "stopped" });
      default:
        request satisfies never;
    }
  }

  #update(job: number, buffer: Bytes, lengthBytes: number): void {
    const stream = this.#streams.get(job);
    if (stream !== undefined) {
      const piece = buffer.subarray(0, lengthBytes);
      stream.tree.update(piece);
      stream.md5.update(piece);
    }
    this.#parent.post({ kind: "recycle", buffer }, [buffer.buffer]);
  }

  #finish(job: number): void {
    const stream = this.#streams.get(job);
    if (stream === undefined) return;
    this.#streams.delete(job);
    const { root, layer } = stream.tree.finish();
    const md5 = stream.md5.digestHex();
    const tree = layerTreeOf(layer, stream.sizeBytes);
    this.#parent.post({ kind: "finished", job, md5, root, tree }, [tree.buffer]);
  }

  async #readFiles(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    for (let next = this.#files.shift(); next !== undefined; next = this.#files.shift()) {
      const md5 = await this.#md5Of(next.file);
      if (this.#isStopped) return;
      this.#parent.post({ kind: "hashed", job: next.job, ...(md5 !== undefined && { md5 }) });
    }
    this.#isReading = false;
  }

  async #md5Of(file: ServedFile): Promise<string | undefined> {
    const { place, sizeBytes } = file;
    const opened = openContent(this.#runtime.disk, place, file);
    if (!opened.ok) return undefined;
    const { reader } = opened;
    try {
      const md5 = new StreamingHash("md5");
      for (let at = 0; at < sizeBytes && !this.#isStopped;) {
        const lengthBytes = Math.min(this.#buffer.length, sizeBytes - at);
        if (reader.readAt(this.#buffer, 0, lengthBytes, at) < lengthBytes) return undefined;
        md5.update(this.#buffer.subarray(0, lengthBytes));
        at += lengthBytes;
        await this.#runtime.clock.yieldToEvents();
      }
      return reader.isUnchanged() ? md5.digestHex() : undefined;
    } finally {
      reader.close();
    }
  }
}
