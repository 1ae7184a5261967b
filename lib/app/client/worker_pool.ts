/**
 * The workers of a client: one assembler, and one for each chunk source that the coordinator puts to
 * work, each started when it is needed, or before by `warmUp`. Relays messages between them and the coordinator; file data goes directly
 * from worker to worker.
 */
import type { ServerId, SourceId, TransferId } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import { RECEIVERS_MAX } from "../../protocol/download/limits.ts";
import type { Runtime } from "../../io/runtime.ts";
import { type AssemblerHandle, StreamAssembly } from "../../io/workers/stream_assembly.ts";
import type { Wakeup } from "../../io/system/clock.ts";
import { WorkerHandle, type WorkReply, type WorkRequest } from "../../io/system/worker_handle.ts";
import type {
  AssemblerReply,
  AssemblerRequest,
  FileRules,
} from "../../messages/assembler_worker.ts";
import type {
  SourceOrder,
  SourceReply,
  SourceRequest,
  StageTimes,
} from "../../messages/chunk_source.ts";
import { Coordinator } from "../../protocol/download/coordinator.ts";
import type {
  CoordinatorAction,
  CoordinatorEvent,
} from "../../protocol/download/coordinator_messages.ts";
import type { Report } from "../../protocol/download/receiver_report.ts";
import type { SendRefusal } from "../../protocol/base/send_refusals.ts";
import type { Endpoint } from "../../address.ts";
import { paceText, timesText } from "../stage_times.ts";
import type { ByteSink } from "../options.ts";
import type { SourceKinds } from "./source_kinds.ts";

/** What the coordinator decides that is not a worker's business. */
export type PoolNews = Extract<
  CoordinatorAction,
  { kind: "server" | "complete" | "stalled" | "orphaned" | "unobtainable" }
>;

interface WorkerPoolOptions {
  readonly runtime: Runtime;
  readonly kinds: SourceKinds;
  readonly timeoutMs: number;
  readonly rateBytesPerS: number;
  /** How files are written. */
  readonly files: FileRules;
  /** Who takes the bytes of the one file, where they go to no disk. */
  readonly sink?: ByteSink | undefined;
  /** The kind of source that nearly every run needs. */
  readonly firstKind: string;
  /** A transfer's news from the assembler. */
  readonly onAssembler: (reply: Extract<AssemblerReply, { transfer: TransferId }>) => void;
  readonly onNews: (news: PoolNews) => void;
  /** What a source of this server has brought. */
  readonly onReport: (server: ServerId, report: Report) => void;
  /** The system refuses to send what a source wants to be sent. */
  readonly onRefused: (refusal: SendRefusal, to: Endpoint) => void;
  /** A worker broke: nothing can continue. */
  readonly onFailure: (error: ShoalError) => void;
  /** What a worker's socket was tuned to, and where its time went. */
  readonly onDetail: (message: string) => void;
}

interface SourceWorker {
  readonly label: string;
  readonly kind: string;
  readonly handle: WorkerHandle<SourceRequest, SourceReply>;
  /** What it works for; it is free to work for another if it is `undefined`. */
  source: SourceId | undefined;
}

export class WorkerPool {
  readonly coordinator: Coordinator;
  readonly #options: WorkerPoolOptions;
  /** Started when something is asked of it. */
  #assembler: AssemblerHandle | undefined;
  readonly #workers: SourceWorker[] = [];
  readonly #timer: Wakeup;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#timer = options.runtime.clock.timer(() => this.step({ kind: "wakeup" }));
    const { timeoutMs, rateBytesPerS } = options;
    const seed = (): number => options.runtime.random.u32();
    this.coordinator = new Coordinator({ timeoutMs, rateBytesPerS, seed });
  }

  /** Passes the event to the coordinator and performs its actions. */
  step(event: CoordinatorEvent): void {
    const now = this.#options.runtime.clock.nowMs();
    for (const action of this.coordinator.handle(now, event)) this.#perform(action);
    this.#timer.set(this.coordinator.nextWakeupMs(now));
  }

  /** Starts the workers that so many flows will need, the assembler among them. */
  warmUp(flowCount: number): void {
    const { firstKind } = this.#options;
    const count = Math.min(flowCount, RECEIVERS_MAX);
    while (this.#workers.filter(({ kind }) => kind === firstKind).length < count) {
      this.#start(firstKind);
    }
  }

  askAssembler(request: WorkRequest<AssemblerRequest>): void {
    this.#startedAssembler.post(request);
  }

  get #startedAssembler(): AssemblerHandle {
    const { runtime, sink, files, onAssembler: onReply, onFailure } = this.#options;
    return this.#assembler ??= sink === undefined
      ? new WorkerHandle<AssemblerRequest, AssemblerReply>(runtime, "assembler.ts", {
        init: { kind: "init", ...files },
        onReply,
        onFailure,
      })
      : new StreamAssembly({ clock: runtime.clock, sink, onReply });
  }

  /** Stops every worker; what is verified is on disk and marked when this resolves. */
  async close(): Promise<void> {
    this.#timer.clear();
    const times = await Promise.all(this.#workers.map((worker) => this.#stop(worker)));
    // What is verified is written to disk, however long that takes.
    const assembler = await this.#assembler?.stop(Infinity);
    if (assembler !== undefined) this.#tellTimes(times.flat(), assembler.times);
    for (const { handle } of this.#workers) handle.terminate();
    this.#assembler?.terminate();
  }

  #perform(action: CoordinatorAction): void {
    switch (action.kind) {
      case "assign":
        this.#freeWorker(action.route.kind).source = action.source;
        return this.#order(action);
      case "release": {
        this.#order(action);
        const worker = this.#workers.find(({ source }) => source === action.source);
        if (worker !== undefined) worker.source = undefined;
        return;
      }
      case "lease":
        return this.#order(action, [action.lease.hashes.buffer]);
      case "reroute":
      case "revoke":
      case "allot":
        return this.#order(action);
      case "server":
      case "complete":
      case "stalled":
      case "orphaned":
      case "unobtainable":
        return this.#options.onNews(action);
      default:
        action satisfies never;
    }
  }

  #order(order: SourceOrder, transfer: readonly ArrayBuffer[] = []): void {
    this.#workers.find(({ source }) => source === order.source)?.handle.post(order, transfer);
  }

  #freeWorker(kind: string): SourceWorker {
    const free = this.#workers.find((each) => each.kind === kind && each.source === undefined);
    return free ?? this.#start(kind);
  }

  #start(kind: string): SourceWorker {
    const { runtime, kinds, onDetail, onFailure } = this.#options;
    const found = kinds[kind];
    if (found === undefined) throw new Error(`there are no sources of the kind '${kind}'`);
    const label = `receiver ${this.#workers.length}`;
    const [toAssembler, feed] = runtime.workers.channel();
    this.#startedAssembler.post({ kind: "feed", port: toAssembler }, [toAssembler]);
    const handle = new WorkerHandle<SourceRequest, SourceReply>(runtime, found.worker, {
      init: { kind: "init", config: found.config, feed },
      transfer: [feed],
      onReady: ({ detail }) => onDetail(`${label}: ${detail}`),
      onReply: (reply) => this.#onSource(reply),
      onFailure,
    });
    const worker: SourceWorker = { label, kind, handle, source: undefined };
    this.#workers.push(worker);
    return worker;
  }

  #onSource(reply: WorkReply<SourceReply>): void {
    switch (reply.kind) {
      case "report": {
        const { report } = reply;
        const server = this.coordinator.serverOf(report.source);
        // Which of a server's paths it came by is the coordinator's business.
        const source = this.coordinator.wholeOf(report.source);
        if (server !== undefined) this.#options.onReport(server, { ...report, source });
        return this.step(reply);
      }
      case "gone":
        return this.step(reply);
      case "refused":
        return this.#options.onRefused(reply.refusal, reply.to);
      default:
        reply satisfies never;
    }
  }

  /** Where its time went, if it reports that. */
  async #stop({ label, handle }: SourceWorker): Promise<readonly StageTimes[]> {
    const stopped = await handle.stop();
    if (stopped === undefined) return [];
    this.#options.onDetail(`${label}: ${timesText(stopped.times)}; ${stopped.detail}`);
    return [stopped.times];
  }

  #tellTimes(sources: readonly StageTimes[], assembler: StageTimes): void {
    const { onDetail } = this.#options;
    onDetail(`assembler: ${timesText(assembler)}`);
    const pace = paceText(sources, assembler);
    if (pace !== undefined) onDetail(pace);
  }
}
