/** Runs a packer: reads a range of something offered, and packs it into memory that all threads share. */
import { type Bytes, hashHex, toHex } from "../../ids.ts";
import type { PackerReply, PackerRequest } from "../../messages/packer_worker.ts";
import { PACK_SHARE_MAX } from "../../protocol/base/limits.ts";
import { pack } from "../../protocol/base/zstd.ts";
import { rootOfBytes } from "../../protocol/merkle/unit_root.ts";
import type { Pack } from "../../protocol/serve/packs.ts";
import { PACK_BYTES_MAX } from "../../wire/limits.ts";
import { OpenContents } from "../files/open_contents.ts";
import { PACKER_OPEN_FILES_MAX } from "../files/limits.ts";
import type { Runtime } from "../runtime.ts";
import type { WorkerPort } from "../system/worker_port.ts";
import { type Driver, runDriver } from "./worker_driver.ts";

type Parent = WorkerPort<PackerRequest, PackerReply>;
type PackerRuntime = Pick<Runtime, "clock" | "disk">;
type Work = Exclude<PackerRequest, { kind: "init" }>;
type PackRequest = Extract<Work, { kind: "pack" }>;

/** Waits for `init`, then works until `stop`. */
export function runPacker(parent: Parent, runtime: PackerRuntime): void {
  runDriver(parent, () => new PackerDriver(runtime, parent));
}

class PackerDriver implements Driver<Work> {
  readonly #runtime: PackerRuntime;
  readonly #parent: Parent;
  readonly #contents: OpenContents;
  readonly #buffer: Bytes = new Uint8Array(PACK_BYTES_MAX);
  readonly #startedMs: number;
  #readMs = 0;
  #packMs = 0;

  constructor(runtime: PackerRuntime, parent: Parent) {
    this.#runtime = runtime;
    this.#parent = parent;
    this.#contents = new OpenContents(runtime.disk, PACKER_OPEN_FILES_MAX);
    this.#startedMs = runtime.clock.nowMs();
    parent.post({ kind: "ready" });
  }

  onRequest(request: Work): void {
    switch (request.kind) {
      case "pack": {
        return this.#parent.post({ job: request.job, ...this.#pack(request) });
      }
      case "forget":
        return this.#contents.close(request);
      case "stop": {
        this.#contents.closeAll();
        const [readMs, packMs] = [this.#readMs, this.#packMs];
        const waitMs = this.#runtime.clock.nowMs() - this.#startedMs - readMs - packMs;
        return this.#parent.post({ kind: "stopped", times: { readMs, packMs, waitMs } });
      }
      default:
        request satisfies never;
    }
  }

  #pack(request: PackRequest): { kind: "packed"; pack?: Pack } | { kind: "lost" } {
    const { clock } = this.#runtime;
    const startMs = clock.nowMs();
    const plain = this.#read(request);
    const readToMs = clock.nowMs();
    this.#readMs += readToMs - startMs;
    if (plain === undefined) return { kind: "lost" };
    const packed = pack(plain);
    const made = packed.length <= PACK_SHARE_MAX * plain.length ? shared(packed) : undefined;
    this.#packMs += clock.nowMs() - readToMs;
    return { kind: "packed", ...(made !== undefined && { pack: made }) };
  }

  /** The memory is used again. */
  #read({ content: { file, ...ref }, offset, lengthBytes }: PackRequest): Bytes | undefined {
    const nowMs = this.#runtime.clock.nowMs();
    let found = this.#contents.find(nowMs, ref);
    if (found.kind !== "open" && this.#contents.open(nowMs, ref, file)) {
      found = this.#contents.find(nowMs, ref);
    }
    if (found.kind !== "open" || !found.holds([{ offset, lengthBytes }])) return undefined;
    const isWhole = found.readAt(this.#buffer, 0, lengthBytes, offset) === lengthBytes;
    return isWhole ? this.#buffer.subarray(0, lengthBytes) : undefined;
  }
}

function shared(packed: Bytes): Pack {
  const bytes = new Uint8Array(new SharedArrayBuffer(packed.length));
  bytes.set(packed);
  return { root: hashHex(toHex(rootOfBytes(packed))), bytes };
}
