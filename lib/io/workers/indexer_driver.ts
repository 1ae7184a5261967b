/** Runs an indexer in its worker: hashes piece by piece, and looks for messages after every piece. */
import { PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { HASH_READ_BYTES } from "./limits.ts";
import type { IndexerReply, IndexerRequest } from "../../messages/indexer_worker.ts";
import { checkChunk } from "../hash/chunk_check.ts";
import { type HashRequest, indexFile, type IndexingOutcome } from "../hash/file_indexing.ts";
import type { Runtime } from "../runtime.ts";
import type { WorkerPort } from "../system/worker_port.ts";
import { systemErrorText } from "../../system_error.ts";

type Parent = WorkerPort<IndexerRequest, IndexerReply>;
type IndexerRuntime = Pick<Runtime, "clock" | "disk">;

interface Job {
  readonly id: number;
  readonly isUrgent: boolean;
  readonly steps: Generator<number, IndexingOutcome>;
  reportedMs: number;
}

/** Waits for `init`, then works until `stop`. */
export function runIndexer(parent: Parent, runtime: IndexerRuntime): void {
  const driver = new IndexerDriver(runtime, parent);
  parent.onMessage((message) => {
    switch (message.kind) {
      case "init":
        return parent.post({ kind: "ready" });
      case "hash":
        return driver.add(message);
      case "check":
        return parent.post(checkChunk(runtime.disk, message));
      case "cancel":
        return driver.cancel(message.job);
      case "stop":
        driver.cancelAll();
        return parent.post({ kind: "stopped" });
      default:
        message satisfies never;
    }
  });
}

class IndexerDriver {
  readonly #runtime: IndexerRuntime;
  readonly #parent: Parent;
  readonly #buffer = new Uint8Array(HASH_READ_BYTES);
  /** The last one is at work, the first one comes last. */
  readonly #jobs: Job[] = [];
  #isRunning = false;

  constructor(runtime: IndexerRuntime, parent: Parent) {
    this.#runtime = runtime;
    this.#parent = parent;
  }

  add(request: HashRequest): void {
    const steps = indexFile(this.#runtime, request, this.#buffer);
    const { job: id, isUrgent } = request;
    const job: Job = { id, isUrgent, steps, reportedMs: this.#runtime.clock.nowMs() };
    if (isUrgent) this.#jobs.push(job);
    else this.#jobs.unshift(job);
    if (!this.#isRunning) void this.#run();
  }

  cancel(id: number): void {
    const job = this.#jobs.find((each) => each.id === id);
    if (job === undefined) return;
    this.#remove(job);
    this.#parent.post({ kind: "cancelled", job: id });
  }

  cancelAll(): void {
    for (const { id } of [...this.#jobs]) this.cancel(id);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    for (let job = this.#jobs.at(-1); job !== undefined; job = this.#jobs.at(-1)) {
      this.#step(job);
      await this.#runtime.clock.yieldToEvents();
    }
    this.#isRunning = false;
  }

  #step(job: Job): void {
    try {
      const { done, value } = job.steps.next();
      if (done) this.#end(job, value);
      else {
        this.#report(job, value);
        this.#yieldTurn(job);
      }
    } catch (thrown) {
      const message = systemErrorText(thrown);
      this.#end(job, { kind: "unreadable", job: job.id, message });
    }
  }

  /** Files that somebody waits for take turns, so that whoever waits sees their file get on. */
  #yieldTurn(job: Job): void {
    if (!job.isUrgent) return;
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    const firstUrgent = this.#jobs.findIndex((each) => each.isUrgent);
    this.#jobs.splice(firstUrgent === -1 ? this.#jobs.length : firstUrgent, 0, job);
  }

  #end(job: Job, outcome: IndexingOutcome): void {
    this.#remove(job);
    this.#parent.post(outcome, outcome.kind === "hashed" ? [outcome.tree.buffer] : []);
  }

  #report(job: Job, hashedBytes: number): void {
    const now = this.#runtime.clock.nowMs();
    if (now - job.reportedMs < PROGRESS_INTERVAL_MS) return;
    job.reportedMs = now;
    this.#parent.post({ kind: "progress", job: job.id, hashedBytes });
  }

  #remove(job: Job): void {
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    // Closes the file of a job that is not done.
    job.steps.return({ kind: "changed", job: job.id });
  }
}
