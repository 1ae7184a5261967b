/**
 * Runs the assembler in its worker: feeds it messages from the main thread and the chunk feeds, and performs
 * its actions on the disk. Long work (hashing what is on disk) is sliced, one slice per turn of the event
 * loop, so that buffers keep being returned.
 */
import { join } from "@std/path/join";
import { ShoalError } from "../../errors.ts";
import type {
  AssemblerReply,
  AssemblerRequest,
  FileRules,
} from "../../messages/assembler_worker.ts";
import type { ChannelEnd } from "../../messages/channel_end.ts";
import type { ChunksMessage, RecycleMessage } from "../../messages/chunk_feed.ts";
import { Assembler } from "../../protocol/download/assembler.ts";
import type {
  AssemblerAction,
  AssemblerEvent,
  DiskOutcome,
  DiskStep,
  JobId,
  VerifiedChunk,
} from "../../protocol/download/assembler_steps.ts";
import { CHUNK_BYTES_MAX } from "../../protocol/merkle/limits.ts";
import { FolderSyncs } from "../files/folder_syncs.ts";
import { type PresentSearch, presentSearch } from "../files/present_file.ts";
import { takenError } from "../files/free_name.ts";
import { TargetFolders } from "../files/target_folders.ts";
import { SupersededParts } from "../files/superseded_parts.ts";
import type { OnTaken } from "../../protocol/download/target_messages.ts";
import { TransferFiles } from "../files/transfer_files.ts";
import { WrittenFiles } from "../files/written_files.ts";
import type { Runtime } from "../runtime.ts";
import type { Clock, Wakeup } from "../system/clock.ts";
import type { TreeReply } from "../../protocol/folder/tree_messages.ts";
import { channelPort, type WorkerPort } from "../system/worker_port.ts";
import { BufferReturn } from "./buffer_return.ts";
import { TreeWriter } from "./tree_writer.ts";
import { runDriver } from "./worker_driver.ts";

type Parent = WorkerPort<AssemblerRequest, AssemblerReply>;
type ActionOf<K extends AssemblerAction["kind"]> = Extract<AssemblerAction, { kind: K }>;

type Init = Extract<AssemblerRequest, { kind: "init" }>;

/** Waits for `init`, then works until `stop`. */
export function runAssembler(parent: Parent, runtime: AssemblerRuntime): void {
  runDriver(parent, (rules: Init) => new AssemblerDriver(runtime, parent, rules));
}

/** What it needs of the platform. */
type AssemblerRuntime = Pick<Runtime, "clock" | "disk">;

class AssemblerDriver {
  readonly #parent: Parent;
  readonly #clock: Clock;
  readonly #folders: TargetFolders;
  readonly #rules: FileRules;
  readonly #machine = new Assembler();
  readonly #timer: Wakeup;
  readonly #feeds: BufferReturn[] = [];
  readonly #files = new Map<JobId, TransferFiles>();
  readonly #superseded = new SupersededParts();
  readonly #searches = new Map<JobId, PresentSearch>();
  readonly #trees: TreeWriter;
  readonly #written: WrittenFiles;
  /** What was there already, whether or not it turns out to be what is meant. */
  readonly #found: WrittenFiles;
  readonly #folderSyncs: FolderSyncs;
  readonly #scratch = new Uint8Array(CHUNK_BYTES_MAX);
  /** Events that the machine has not handled yet. */
  readonly #events: AssemblerEvent[] = [];
  #isStepping = false;
  readonly #startedMs: number;
  #hashMs = 0;
  #writeMs = 0;

  constructor({ clock, disk }: AssemblerRuntime, parent: Parent, rules: FileRules) {
    this.#rules = rules;
    this.#clock = clock;
    this.#startedMs = clock.nowMs();
    this.#timer = clock.timer(() => this.#step({ kind: "wakeup" }));
    this.#parent = parent;
    this.#folders = new TargetFolders(disk, rules);
    const written = this.#written = new WrittenFiles(disk);
    const post = (reply: TreeReply): void => parent.post(reply);
    this.#trees = new TreeWriter({ clock, disk, rules, written, post });
    this.#found = new WrittenFiles(disk);
    this.#folderSyncs = new FolderSyncs(clock, disk);
    parent.post({ kind: "ready" });
  }

  onRequest(request: Exclude<AssemblerRequest, { kind: "init" }>): void {
    switch (request.kind) {
      case "feed":
        return this.#addFeed(request.port);
      case "written":
        return this.#written.add(request.path);
      case "openTree":
      case "finishTree":
      case "abortTree":
        return this.#trees.onRequest(request);
      default:
        return this.#step(request);
    }
  }

  #addFeed(port: ChannelEnd): void {
    const feed = channelPort<ChunksMessage, RecycleMessage>(port);
    const number = this.#feeds.push(new BufferReturn(feed)) - 1;
    feed.onMessage(({ chunks }) => {
      const units = chunks.filter(({ transfer }) => this.#trees.has(transfer));
      if (units.length > 0) this.#writeUnits(number, units);
      if (units.length === chunks.length) return;
      const others = chunks.filter((chunk) => !units.includes(chunk));
      this.#step({ kind: "chunks", feed: number, chunks: others });
    });
  }

  #writeUnits(feed: number, units: readonly VerifiedChunk[]): void {
    const startMs = this.#clock.nowMs();
    for (const unit of units) this.#trees.write(unit);
    this.#feeds[feed]!.push(units.map(({ buffer }) => buffer));
    this.#writeMs += this.#clock.nowMs() - startMs;
  }

  /** Passes events to the machine and performs its actions, until none are left. */
  #step(event: AssemblerEvent): void {
    this.#events.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) {
        for (const action of this.#handle(next)) this.#perform(action);
      }
    } finally {
      this.#isStepping = false;
    }
    this.#timer.set(this.#machine.nextWakeupMs());
  }

  /** Chunks are hashed when they are written or read. */
  #handle(event: AssemblerEvent): readonly AssemblerAction[] {
    const startMs = this.#clock.nowMs();
    const actions = this.#machine.handle(startMs, event);
    if (event.kind === "wrote" || event.kind === "read") {
      this.#hashMs += this.#clock.nowMs() - startMs;
    }
    return actions;
  }

  #perform(action: AssemblerAction): void {
    switch (action.kind) {
      case "reply":
        return this.#parent.post(action.reply);
      case "recycle":
        return this.#recycle(action);
      case "stopped":
        void this.#stop();
        return;
      case "search":
        return this.#search(action);
      case "cancelSearch":
        return this.#drop(action.job);
      default:
        return this.#performOnFiles(action, this.#files.get(action.job)!);
    }
  }

  #performOnFiles(
    action: Exclude<
      AssemblerAction,
      { kind: "reply" | "recycle" | "stopped" | "search" | "cancelSearch" }
    >,
    files: TransferFiles,
  ): void {
    const { job } = action;
    switch (action.kind) {
      case "openPart":
        return this.#try(job, "open", () => {
          const by = this.#jobThatWrites(files.partKey);
          if (by !== undefined) return { kind: "blocked", job, by };
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
        return this.#write(action, files);
      case "read":
        this.#read(action);
        return;
      case "seal":
        this.#seal(action, files);
        return;
      case "publish":
        return this.#publish(action, files);
      case "syncFolder":
        this.#folderSyncs.sync(files.names.folder).then(() => this.#step({ kind: "synced", job }));
        return;
      case "removeJournal":
        files.removeJournal();
        if (action.supersedes) files.removeSuperseded(this.#superseded);
        return this.#release(job);
      case "removeLeftovers":
        files.removeLeftovers();
        if (action.supersedes) files.removeSuperseded(this.#superseded);
        return this.#release(job);
      case "close":
        return this.#try(job, "close", () => {
          try {
            files.close(action.keeps, action.written);
          } finally {
            this.#release(job);
          }
          return { kind: "closed", job };
        });
      default:
        action satisfies never;
    }
  }

  /** Tells the machine what came of `work`, if anything did, or how it failed. */
  #try(job: JobId, during: DiskStep, work: () => DiskOutcome | void): void {
    let outcome: DiskOutcome | void;
    try {
      outcome = work();
    } catch (error) {
      // What failed to open holds nothing that the machine would have closed.
      if (during === "search" || during === "open") this.#drop(job);
      outcome = failed(job, during, error);
    }
    if (outcome !== undefined) this.#step(outcome);
  }

  /** Whose part file has this name, or one that some file systems take for it. */
  #jobThatWrites(partKey: string): JobId | undefined {
    for (const [job, files] of this.#files) {
      if (files.isOpen && files.partKey === partKey) return job;
    }
    return undefined;
  }

  /** A file of this run is replaced by no other, whatever names they have. */
  #publish({ job, onTaken }: ActionOf<"publish">, files: TransferFiles): void {
    const { folder, base } = files.names;
    this.#try(job, "publish", () => {
      if (onTaken !== "replace") return { kind: "published", job, path: files.publish(onTaken) };
      const isOurs = this.#written.holds(join(folder, base));
      if (isOurs) return this.#publishOn(job, files.publishBeside());
      return this.#published(job, files.publish("replace"));
    });
  }

  #publishOn(job: JobId, search: PresentSearch): DiskOutcome | undefined {
    const slice = search.next();
    if (slice.done) return this.#published(job, slice.value!);
    this.#clock.yieldToEvents().then(() =>
      this.#try(job, "publish", () => this.#publishOn(job, search))
    );
    return undefined;
  }

  #published(job: JobId, path: string): DiskOutcome {
    this.#written.add(path);
    return { kind: "published", job, path };
  }

  #search({ job, request }: ActionOf<"search">): void {
    const { outDir, name, content, onTaken } = request;
    // What waited for another begins anew.
    this.#release(job);
    this.#try(job, "search", () => {
      const place = this.#folders.open(outDir, name, content.root.slice(0, 8));
      this.#files.set(job, new TransferFiles(place, this.#rules));
      const path = join(place.names.folder, place.names.base);
      const isReplaced = onTaken === "replace" && !this.#written.holds(path) &&
        !this.#found.holds(path);
      const force = isReplaced || onTaken === "refuse";
      const search = presentSearch(place.disk, place.names, { ...content, force });
      this.#searches.set(job, search);
      this.#searchOn(job, search, onTaken);
    });
  }

  #searchOn(job: JobId, search: PresentSearch, onTaken: OnTaken): void {
    if (this.#searches.get(job) !== search) return void search.return(undefined);
    this.#try(job, "search", () => {
      const slice = search.next();
      if (slice.done) {
        this.#searches.delete(job);
        if (onTaken === "refuse" && slice.value === undefined) this.#requireFree(job);
        if (onTaken === "replace" && slice.value !== undefined) this.#found.add(slice.value);
        return { kind: "searched", job, path: slice.value };
      }
      this.#clock.yieldToEvents().then(() => this.#searchOn(job, search, onTaken));
      return undefined;
    });
  }

  /** What would be refused at the end need not be fetched. */
  #requireFree(job: JobId): void {
    const taken = this.#files.get(job)!.takenPath;
    if (taken !== undefined) throw takenError(taken);
  }

  #write({ job, bytes, position }: ActionOf<"write">, files: TransferFiles): void {
    const startMs = this.#clock.nowMs();
    this.#try(job, "write", () => {
      files.write(bytes, position);
      return { kind: "wrote", job };
    });
    this.#writeMs += this.#clock.nowMs() - startMs;
  }

  async #read({ job, position, lengthBytes }: ActionOf<"read">): Promise<void> {
    await this.#clock.yieldToEvents();
    const files = this.#files.get(job);
    if (files === undefined) return;
    const startMs = this.#clock.nowMs();
    this.#try(job, "read", () => {
      const target = this.#scratch.subarray(0, lengthBytes);
      const bytes = target.subarray(0, files.read(target, position));
      this.#hashMs += this.#clock.nowMs() - startMs;
      return { kind: "read", job, bytes };
    });
  }

  async #seal({ job, modified }: ActionOf<"seal">, files: TransferFiles): Promise<void> {
    try {
      await files.seal(modified);
      this.#step({ kind: "sealed", job });
    } catch (error) {
      this.#step(failed(job, "seal", error));
    }
  }

  #drop(job: JobId): void {
    this.#searches.delete(job);
    this.#release(job);
  }

  #release(job: JobId): void {
    this.#files.get(job)?.release();
    this.#files.delete(job);
  }

  #recycle({ feed, chunks }: ActionOf<"recycle">): void {
    this.#feeds[feed]!.push(chunks.map((each) => each.buffer));
  }

  async #stop(): Promise<void> {
    await this.#trees.stop();
    this.#timer.clear();
    for (const feed of this.#feeds) feed.close();
    const { hashMs, writeMs } = { hashMs: this.#hashMs, writeMs: this.#writeMs };
    const waitMs = this.#clock.nowMs() - this.#startedMs - hashMs - writeMs;
    this.#parent.post({ kind: "stopped", times: { hashMs, writeMs, waitMs } });
  }
}

function failed(job: JobId, during: DiskStep, error: unknown): DiskOutcome {
  return { kind: "failed", job, during, error: ShoalError.from(error).toMessage() };
}
