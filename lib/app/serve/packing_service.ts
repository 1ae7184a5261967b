/** What a server packs, as the main thread sees it: its machine, and the worker, which is started when somebody first asks. */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { Runtime } from "../../io/runtime.ts";
import { WorkerHandle } from "../../io/system/worker_handle.ts";
import type { PackerReply, PackerRequest } from "../../messages/packer_worker.ts";
import type { ContentRef, LocatedContent, ServedFile } from "../../protocol/base/served_file.ts";
import {
  type PackJob,
  Packs,
  type PacksAction,
  type PacksEvent,
} from "../../protocol/serve/packs.ts";
import { sizeText } from "../../sizes.ts";
import type { FrameOf } from "../../wire/frames.ts";
import type { ServedIndex } from "../index/served_index.ts";
import { timesText } from "../stage_times.ts";
import { PACKER_REST_MS } from "./limits.ts";

interface PackingServiceOptions {
  readonly runtime: Runtime;
  readonly index: Pick<ServedIndex, "located">;
  readonly onAnswer: (to: Endpoint, datagram: Bytes) => void;
  /** This will be asked for by its root. */
  readonly onForeseen: (content: LocatedContent) => void;
  /** This pack is kept no more. */
  readonly onDropped: (pack: ContentRef) => void;
  /** For people who look for a fault. */
  readonly onDetail: (message: string) => void;
}

export class PackingService {
  readonly #options: PackingServiceOptions;
  readonly #packs: Packs;
  #worker: WorkerHandle<PackerRequest, PackerReply> | undefined;
  /** What the worker was asked to pack. */
  readonly #jobs = new Set<number>();
  /** No worker is started before: the last one broke, or there was no room for one. */
  #restsUntilMs = -Infinity;

  constructor(options: PackingServiceOptions) {
    this.#options = options;
    this.#packs = new Packs(({ root, sizeBytes }) => options.index.located(root, sizeBytes));
  }

  /** A client that has proved its address asks. */
  ask(to: Endpoint, want: FrameOf<"pack_want">): void {
    this.#step({ kind: "ask", to, want });
  }

  /** The pack that is this content. */
  located(ref: ContentRef): ServedFile | undefined {
    return this.#packs.located(ref);
  }

  /** The range of which this content is the pack. */
  rangeOf(pack: ContentRef): PackJob | undefined {
    return this.#packs.rangeOf(pack);
  }

  /**
   * A client says that this is bad. If it is a pack, it is made anew when somebody asks, and the range of which it is comes
   * back: what was read for it may be bad itself.
   */
  doubt({ root, sizeBytes }: ContentRef): PackJob | undefined {
    const range = this.rangeOf({ root, sizeBytes });
    if (range !== undefined) this.#step({ kind: "struck", root, sizeBytes });
    return range;
  }

  /** A file that had this content has it no more. */
  forget({ root, sizeBytes }: ContentRef): void {
    this.#worker?.post({ kind: "forget", root, sizeBytes });
    this.#step({ kind: "forget", root, sizeBytes });
  }

  /** What the server has sent in its last interval. */
  onSent(bytes: number): void {
    this.#step({ kind: "sent", bytes });
  }

  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#restsUntilMs = Infinity;
    const stopped = await worker?.end();
    if (stopped === undefined) return;
    const { plainBytes, packedBytes } = this.#packs.counts;
    const what = `packed ${sizeText(plainBytes)} to ${sizeText(packedBytes)}`;
    this.#options.onDetail(`packer: ${timesText(stopped.times)}; ${what}`);
  }

  #step(event: PacksEvent): void {
    const nowMs = this.#options.runtime.clock.nowMs();
    for (const action of this.#packs.handle(nowMs, event)) this.#perform(action);
  }

  #perform(action: PacksAction): void {
    switch (action.kind) {
      case "answer":
        return this.#options.onAnswer(action.to, action.datagram);
      case "foresee":
        return this.#options.onForeseen(action.content);
      case "drop":
        return this.#options.onDropped(action);
      case "pack":
        return this.#pack(action.job, action.range);
      default:
        action satisfies never;
    }
  }

  #pack(job: number, { content, offset, lengthBytes }: PackJob): void {
    const file = this.#options.index.located(content.root, content.sizeBytes);
    if (file === undefined) return this.#step({ kind: "lost", job });
    if (this.#options.runtime.clock.nowMs() < this.#restsUntilMs) {
      return this.#step({ kind: "lost", job });
    }
    this.#jobs.add(job);
    this.#worker ??= this.#start();
    this.#worker.post({ kind: "pack", job, content: { ...content, file }, offset, lengthBytes });
  }

  #start(): WorkerHandle<PackerRequest, PackerReply> {
    return new WorkerHandle<PackerRequest, PackerReply>(this.#options.runtime, "packer.ts", {
      init: { kind: "init" },
      onReply: (reply) => {
        this.#jobs.delete(reply.job);
        this.#step(reply);
      },
      onFailure: (error) => this.#onFailure(error),
    });
  }

  /** Whatever is offered can be sent as it is. */
  #onFailure(error: ShoalError): void {
    const { clock } = this.#options.runtime;
    this.#restsUntilMs = Math.max(this.#restsUntilMs, clock.nowMs() + PACKER_REST_MS);
    this.#worker?.terminate();
    this.#worker = undefined;
    this.#options.onDetail(`packer: ${error.message}`);
    for (const job of [...this.#jobs]) {
      this.#jobs.delete(job);
      this.#step({ kind: "lost", job });
    }
  }
}
