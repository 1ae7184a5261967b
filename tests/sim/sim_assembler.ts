/** The assembler of a simulated client: the real machine and the real files, on a disk in memory. */
import { ShoalError } from "../../lib/errors.ts";
import type { Bytes, TransferId } from "../../lib/ids.ts";
import { presentSearch } from "../../lib/io/files/present_file.ts";
import { targetNames } from "../../lib/io/files/target_names.ts";
import { TransferFiles } from "../../lib/io/files/transfer_files.ts";
import type { AssemblerReply, AssemblerRequest } from "../../lib/messages/assembler.ts";
import { Assembler } from "../../lib/protocol/download/assembler.ts";
import type {
  AssemblerAction,
  AssemblerEvent,
  DiskOutcome,
  DiskStep,
  JobId,
  OpenRequest,
  VerifiedChunk,
} from "../../lib/protocol/download/assembler_steps.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import type { DiskSpec } from "./scenario.ts";
import { Alarm, type VirtualClock } from "./virtual_clock.ts";

type Reply = Extract<AssemblerReply, { transfer: TransferId }>;
type Recycle = (buffers: readonly Bytes[]) => void;

/** A slice of a pass over what lies on disk, and bringing a file to the disk for good. */
const SLICE_MS = 0.05;
const SEAL_MS_DEFAULT = 2;

export interface AssemblerOptions {
  readonly clock: VirtualClock;
  readonly disk: MemoryDisk;
  readonly spec: DiskSpec;
  readonly reply: (reply: Reply) => void;
}

export class SimAssembler {
  readonly #options: AssemblerOptions;
  readonly #machine = new Assembler();
  readonly #alarm: Alarm;
  readonly #files = new Map<JobId, TransferFiles>();
  /** Who gets the buffers of a batch back, by its number. */
  readonly #recycles = new Map<number, Recycle>();
  readonly #events: AssemblerEvent[] = [];
  #isStepping = false;
  #isClosed = false;
  #batches = 0;
  /** When the disk has done what it was given. */
  #freeMs = 0;

  constructor(options: AssemblerOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.#step({ kind: "wakeup" }));
  }

  /** The process is gone, or is over. */
  close(): void {
    this.#isClosed = true;
  }

  onRequest(request: AssemblerRequest): void {
    // Workers and ports are none of a simulated world.
    if (request.kind !== "init" && request.kind !== "feed") this.#step(request);
  }

  /** Writes what was verified, one after another, and gives the buffers back. */
  onChunks(chunks: readonly VerifiedChunk[], recycle: Recycle): void {
    const { clock, spec: { writeMs } } = this.#options;
    this.#freeMs = Math.max(this.#freeMs, clock.nowMs) + writeMs * chunks.length;
    clock.at(this.#freeMs, () => {
      const feed = this.#batches++;
      this.#recycles.set(feed, recycle);
      this.#step({ kind: "chunks", feed, chunks });
    });
  }

  #step(event: AssemblerEvent): void {
    if (this.#isClosed) return;
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#events.shift(); next; next = this.#events.shift()) {
      const actions = this.#machine.handle(this.#options.clock.nowMs, next);
      for (const action of actions) this.#perform(action);
    }
    this.#isStepping = false;
    this.#alarm.set(this.#machine.nextWakeupMs());
  }

  #perform(action: AssemblerAction): void {
    if (action.kind === "reply") return this.#options.reply(action.reply);
    if (action.kind === "recycle") return this.#recycle(action.feed, action.chunks);
    if (action.kind === "stopped") return;
    const { job } = action;
    const files = this.#files.get(job)!;
    switch (action.kind) {
      case "search":
        return this.#later(SLICE_MS, job, "search", () => this.#search(job, action.request));
      case "cancelSearch":
        return;
      case "removeLeftovers":
        return files.removeLeftovers();
      case "openPart":
        return this.#try(job, "open", () => {
          const resumed = files.open(action.content);
          return { kind: "opened", job, partPath: files.names.partPath, resumed };
        });
      case "begin":
        return this.#try(job, "begin", () => {
          files.begin(action.clears, action.neededBytes);
          return { kind: "begun", job };
        });
      case "createJournal":
        return this.#try(job, action.kind, () => files.createJournal(action.content, action.state));
      case "saveJournal":
        return this.#try(job, action.kind, () => files.saveJournal(action.written));
      case "write":
        return this.#try(job, "write", () => {
          files.write(action.bytes, action.position);
          return { kind: "wrote", job };
        });
      case "read":
        return this.#later(SLICE_MS, job, "read", () => {
          const bytes = new Uint8Array(action.lengthBytes);
          const count = files.read(bytes, action.position);
          return { kind: "read", job, bytes: bytes.subarray(0, count) };
        });
      case "seal":
        return this.#later(this.#options.spec.sealMs ?? SEAL_MS_DEFAULT, job, "seal", () => {
          return { kind: "sealed", job };
        });
      case "publish":
        return this.#try(job, "publish", () => {
          return { kind: "published", job, path: files.publish(action.force) };
        });
      case "syncFolder":
        return this.#later(SEAL_MS_DEFAULT, job, "publish", () => ({ kind: "synced", job }));
      case "removeJournal":
        return files.removeJournal();
      case "close":
        return this.#try(job, "close", () => {
          files.close(action.keeps, action.written);
          return { kind: "closed", job };
        });
      default:
        action satisfies never;
    }
  }

  #search(job: JobId, { outDir, name, content, force }: OpenRequest): DiskOutcome {
    const { disk } = this.#options;
    const names = targetNames(disk, outDir, name, content.root.slice(0, 8));
    this.#files.set(job, new TransferFiles(disk, names));
    const search = presentSearch(disk, names, { ...content, force });
    for (;;) {
      const slice = search.next();
      if (slice.done) return { kind: "searched", job, path: slice.value };
    }
  }

  #recycle(feed: number, chunks: readonly VerifiedChunk[]): void {
    // What comes back is empty as far as anybody knows.
    for (const { buffer } of chunks) buffer.fill(0xa5);
    this.#recycles.get(feed)!(chunks.map((each) => each.buffer));
    this.#recycles.delete(feed);
  }

  #try(job: JobId, during: DiskStep, work: () => DiskOutcome | void): void {
    let outcome: DiskOutcome | void;
    try {
      outcome = work();
    } catch (error) {
      outcome = { kind: "failed", job, during, error: ShoalError.from(error).toMessage() };
    }
    if (outcome !== undefined) this.#step(outcome);
  }

  #later(ms: number, job: JobId, during: DiskStep, work: () => DiskOutcome): void {
    this.#options.clock.after(ms, () => {
      if (!this.#isClosed) this.#try(job, during, work);
    });
  }
}
