/**
 * The assembler decides what is done, and when, with the files of all transfers. It checks whether a file is
 * already there, opens its part, has verified chunks written and the whole hashed, keeps journals, publishes
 * files that are complete, allowed and as offered, and ends one transfer without touching another.
 *
 * The disk is the driver's. Every action on it names a job; its outcome comes back as an event with
 * the same job, `failed` if it did not work. Actions of one job are performed in the order in which
 * they were given. Chunks are written one at a time, and every buffer comes back, written or not.
 */
import type { ErrorMessage } from "../../errors.ts";
import { type Bytes, timeOf, type TransferId } from "../../ids.ts";
import { chunkBytesFor, chunkLength } from "../merkle/merkle.ts";
import type {
  AssemblerAction,
  AssemblerEvent,
  DiskOutcome,
  DiskStep,
  JobId,
  OpenRequest,
  VerifiedChunk,
} from "./assembler_steps.ts";
import { Assembly } from "./assembly.ts";
import type { JournalState } from "./journal.ts";
import { JOURNAL_INTERVAL_MS } from "./limits.ts";
import type { TargetReply } from "./target_messages.ts";

/** Why a transfer is over, other than by being published. */
type End =
  | { readonly kind: "aborted"; readonly keeps: boolean }
  | { readonly kind: "unverified" }
  | { readonly kind: "failed"; readonly error: ErrorMessage };

interface Transfer {
  readonly job: JobId;
  readonly request: OpenRequest;
  /** Whose end it waits for, to begin again. */
  waitsFor: JobId | undefined;
  phase:
    | "searching"
    | "opening"
    | "waiting"
    | "beginning"
    | "open"
    | "sealing"
    | "publishing"
    | "syncing";
  /** From `opened` on. */
  assembly: Assembly | undefined;
  partPath: string;
  resumedLayer: Bytes | undefined;
  hasJournal: boolean;
  /** Whether the journal is behind. */
  isUnsaved: boolean;
  /** Whether it is certain that this content is wanted under its name. */
  mayPublish: boolean;
  isReading: boolean;
  end: End | undefined;
  isClosed: boolean;
  path: string;
}

interface ChunkQueue {
  readonly feed: number;
  readonly chunks: readonly VerifiedChunk[];
  next: number;
}

export class Assembler {
  readonly #jobs = new Map<JobId, Transfer>();
  /** Those that may still be given chunks and orders. */
  readonly #byId = new Map<TransferId, Transfer>();
  readonly #queues: ChunkQueue[] = [];
  #writing: { readonly transfer: Transfer; readonly chunk: VerifiedChunk } | undefined;
  #actions: AssemblerAction[] = [];
  #lastJob = 0;
  /** When the journals that are behind are to be saved. */
  #saveMs = Infinity;
  #isStopping = false;

  handle(nowMs: number, event: AssemblerEvent): readonly AssemblerAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "open":
        this.#open(event);
        break;
      case "chunks":
        this.#queues.push({ feed: event.feed, chunks: event.chunks, next: 0 });
        this.#writeNext(nowMs);
        break;
      case "wakeup":
        this.#saveJournals(nowMs);
        break;
      case "stop":
        this.#isStopping = true;
        for (const transfer of [...this.#byId.values()]) {
          this.#abort(transfer.request.transfer, true);
        }
        break;
      case "abort":
        this.#abort(event.transfer, event.keep);
        break;
      case "layer":
      case "publish":
      case "share":
        this.#onOrder(event);
        break;
      case "wrote":
        this.#onWrote();
        this.#writeNext(nowMs);
        break;
      case "failed":
        if (event.during === "write") this.#writing = undefined;
        this.#onOutcome(nowMs, event);
        this.#writeNext(nowMs);
        break;
      default:
        this.#onOutcome(nowMs, event);
    }
    if (this.#isStopping) this.#stopIfDone();
    return this.#actions;
  }

  /** When `wakeup` is due; Infinity when no journal is behind. */
  nextWakeupMs(): number {
    return this.#saveMs;
  }

  // — Orders ————————————————————————————————————————————————————————————————————————————————————

  #open(request: OpenRequest): void {
    const job = ++this.#lastJob;
    const transfer: Transfer = {
      ...{
        job,
        request,
        waitsFor: undefined,
        phase: "searching",
        assembly: undefined,
        partPath: "",
        path: "",
      },
      ...{ resumedLayer: undefined, hasJournal: false, isUnsaved: false },
      ...{ mayPublish: request.mayPublish, isReading: false, end: undefined, isClosed: false },
    };
    this.#jobs.set(job, transfer);
    this.#byId.set(request.transfer, transfer);
    this.#actions.push({ kind: "search", job, request });
  }

  #onOrder(event: Extract<AssemblerEvent, { kind: "layer" | "publish" | "share" }>): void {
    const transfer = this.#byId.get(event.transfer);
    if (transfer?.phase !== "open") return;
    if (event.kind === "publish") transfer.mayPublish = true;
    else if (event.kind === "share") transfer.assembly!.shared = event.held;
    else this.#takeLayer(transfer, event.layer);
    this.#advance(transfer);
  }

  /** From now on a journal is kept. */
  #takeLayer(transfer: Transfer, layer: Bytes): void {
    const assembly = transfer.assembly!;
    assembly.layer = layer;
    // A file of one chunk is fetched again as quickly as a journal is read.
    if (transfer.hasJournal || assembly.chunkCount < 2) return;
    const { job, request: { content } } = transfer;
    const state = { layer, written: assembly.written };
    transfer.hasJournal = true;
    this.#actions.push({ kind: "createJournal", job, content, state });
  }

  #abort(id: TransferId, keeps: boolean): void {
    const transfer = this.#byId.get(id);
    if (transfer === undefined) this.#reply({ kind: "aborted", transfer: id });
    else this.#end(transfer, { kind: "aborted", keeps });
  }

  // — Chunks ————————————————————————————————————————————————————————————————————————————————————

  /** Has the next chunk written that is wanted; the others are left aside. */
  #writeNext(nowMs: number): void {
    while (this.#writing === undefined) {
      const queue = this.#queues[0];
      if (queue === undefined) return;
      const chunk = queue.chunks[queue.next];
      if (chunk === undefined) {
        this.#queues.shift();
        this.#onAllWritten(queue);
        continue;
      }
      queue.next += 1;
      const transfer = this.#byId.get(chunk.transfer);
      if (transfer?.phase !== "open" || !transfer.assembly!.isWanted(chunk.chunk)) continue;
      this.#writing = { transfer, chunk };
      const position = chunk.chunk * chunkBytesFor(transfer.request.content.sizeBytes);
      const bytes = chunk.buffer.subarray(0, chunk.bytes);
      this.#actions.push({ kind: "write", job: transfer.job, bytes, position });
      this.#markUnsaved(nowMs, transfer);
    }
  }

  #onWrote(): void {
    const { transfer, chunk } = this.#writing!;
    this.#writing = undefined;
    if (transfer.end !== undefined) return;
    transfer.assembly!.onWritten(chunk.chunk, chunk.buffer.subarray(0, chunk.bytes));
  }

  #onAllWritten({ feed, chunks }: ChunkQueue): void {
    this.#actions.push({ kind: "recycle", feed, chunks });
    for (const { transfer: id } of chunks) {
      const transfer = this.#byId.get(id);
      if (transfer !== undefined) this.#advance(transfer);
    }
  }

  // — Outcomes ——————————————————————————————————————————————————————————————————————————————————

  #onOutcome(nowMs: number, event: Exclude<DiskOutcome, { kind: "wrote" }>): void {
    const transfer = this.#jobs.get(event.job);
    if (transfer === undefined) return;
    switch (event.kind) {
      case "searched":
        return this.#onSearched(transfer, event.path);
      case "opened":
        transfer.partPath = event.partPath;
        return this.#onOpened(transfer, event.resumed);
      case "blocked":
        return this.#onBlocked(transfer, event.by);
      case "begun":
        return this.#onBegun(transfer);
      case "read":
        return this.#onRead(nowMs, transfer, event.bytes);
      case "sealed":
        return this.#onSealed(transfer);
      case "published":
        transfer.phase = "syncing";
        transfer.path = event.path;
        this.#actions.push({ kind: "syncFolder", job: transfer.job });
        return;
      case "synced":
        return this.#onSynced(transfer);
      case "closed":
        return this.#onClosed(transfer);
      case "failed":
        return this.#onFailed(transfer, event.during, event.error);
      default:
        event satisfies never;
    }
  }

  #onSearched(transfer: Transfer, path: string | undefined): void {
    const { job, request } = transfer;
    if (path === undefined) {
      transfer.phase = "opening";
      this.#actions.push({ kind: "openPart", job, content: request.content });
      return;
    }
    this.#forget(transfer);
    this.#actions.push({ kind: "removeLeftovers", job, supersedes: request.supersedes });
    this.#reply({ kind: "present", transfer: request.transfer, path });
  }

  #onOpened(transfer: Transfer, resumed: JournalState | undefined): void {
    const { job, request: { content } } = transfer;
    transfer.hasJournal = resumed !== undefined;
    transfer.resumedLayer = resumed?.layer;
    transfer.assembly = new Assembly(content.sizeBytes, resumed?.written);
    transfer.phase = "beginning";
    if (transfer.end !== undefined) return this.#close(transfer, transfer.end);
    const neededBytes = content.sizeBytes - transfer.assembly.writtenBytes;
    this.#actions.push({ kind: "begin", job, clears: resumed === undefined, neededBytes });
  }

  /** What the other has published by then may be this very file. */
  #onBlocked(transfer: Transfer, by: JobId): void {
    if (transfer.end !== undefined) {
      this.#actions.push({ kind: "cancelSearch", job: transfer.job });
      return this.#onClosed(transfer);
    }
    transfer.phase = "waiting";
    transfer.waitsFor = by;
  }

  #onBegun(transfer: Transfer): void {
    if (transfer.end !== undefined) return;
    const { written, writtenBytes } = transfer.assembly!;
    const { partPath, resumedLayer } = transfer;
    transfer.phase = "open";
    this.#reply({
      kind: "opened",
      transfer: transfer.request.transfer,
      have: written.bytes.slice(),
      haveBytes: writtenBytes,
      partPath,
      ...(resumedLayer === undefined ? {} : { layer: resumedLayer }),
    });
    this.#advance(transfer);
  }

  #onRead(nowMs: number, transfer: Transfer, bytes: Uint8Array): void {
    transfer.isReading = false;
    if (transfer.end !== undefined) return;
    const assembly = transfer.assembly!;
    const chunk = assembly.chunkToRead!;
    if (!assembly.onRead(bytes)) {
      this.#markUnsaved(nowMs, transfer);
      this.#reply({ kind: "unproved", transfer: transfer.request.transfer, chunks: [chunk] });
    }
    this.#advance(transfer);
  }

  #onSealed(transfer: Transfer): void {
    if (transfer.end === undefined) {
      const { job, request: { transfer: id, onTaken } } = transfer;
      transfer.phase = "publishing";
      // From here it cannot be taken back.
      this.#byId.delete(id);
      this.#actions.push({ kind: "publish", job, onTaken });
      return;
    }
    // Ended meanwhile: a part file that the next run proves and publishes, or none.
    transfer.phase = "open";
    if (transfer.isClosed) this.#forget(transfer);
  }

  #onSynced(transfer: Transfer): void {
    const { job, path, request: { transfer: id, supersedes } } = transfer;
    this.#forget(transfer);
    this.#actions.push({ kind: "removeJournal", job, supersedes });
    this.#reply({ kind: "finished", transfer: id, path });
  }

  // — The pass and its end ——————————————————————————————————————————————————————————————————————

  /** Has the next chunk read that the hash of the whole needs, or finishes what has passed. */
  #advance(transfer: Transfer): void {
    if (transfer.phase !== "open" || transfer.end !== undefined || transfer.isReading) return;
    const assembly = transfer.assembly!;
    if (assembly.isPassed) {
      if (transfer.mayPublish) this.#finish(transfer, assembly);
      return;
    }
    const chunk = assembly.chunkToRead;
    if (chunk === undefined) return;
    const { sizeBytes } = transfer.request.content;
    transfer.isReading = true;
    this.#actions.push({
      kind: "read",
      job: transfer.job,
      position: chunk * chunkBytesFor(sizeBytes),
      lengthBytes: chunkLength(sizeBytes, chunk),
    });
  }

  #finish(transfer: Transfer, assembly: Assembly): void {
    const { job, request } = transfer;
    if (assembly.digestHex() !== request.content.sha256) {
      return this.#end(transfer, { kind: "unverified" });
    }
    transfer.phase = "sealing";
    this.#actions.push({ kind: "seal", job, modified: timeOf(request) });
  }

  // — Journals ——————————————————————————————————————————————————————————————————————————————————

  #markUnsaved(nowMs: number, transfer: Transfer): void {
    transfer.isUnsaved = true;
    if (this.#saveMs === Infinity) this.#saveMs = nowMs + JOURNAL_INTERVAL_MS;
  }

  #saveJournals(nowMs: number): void {
    if (nowMs < this.#saveMs) return;
    this.#saveMs = Infinity;
    for (const transfer of this.#byId.values()) {
      if (!transfer.isUnsaved) continue;
      transfer.isUnsaved = false;
      if (!transfer.hasJournal) continue;
      const { written } = transfer.assembly!;
      this.#actions.push({ kind: "saveJournal", job: transfer.job, written });
    }
  }

  // — Ends ——————————————————————————————————————————————————————————————————————————————————————

  #onFailed(transfer: Transfer, during: DiskStep, error: ErrorMessage): void {
    if (during === "close") return this.#onClosed(transfer, error);
    if (during === "createJournal") transfer.hasJournal = false;
    if (during === "seal") {
      transfer.phase = "open";
      if (transfer.isClosed) return this.#forget(transfer);
    }
    if (transfer.end === undefined) this.#end(transfer, { kind: "failed", error });
    // Nothing was opened that could be closed.
    else if (during === "open") this.#onClosed(transfer);
  }

  /** Ends a transfer; once its files are closed, the requester is told. */
  #end(transfer: Transfer, end: End): void {
    const { job, phase, request: { transfer: id } } = transfer;
    transfer.end = end;
    if (this.#byId.get(id) === transfer) this.#byId.delete(id);
    if (phase === "searching" || phase === "waiting") {
      if (end.kind === "aborted") this.#actions.push({ kind: "cancelSearch", job });
      this.#onClosed(transfer);
    } else if (phase !== "opening") this.#close(transfer, end);
    else if (end.kind === "failed") this.#onClosed(transfer);
    // An opening part is closed when it is open.
  }

  #close(transfer: Transfer, end: End): void {
    const isKept = end.kind === "aborted" ? end.keeps : end.kind === "failed";
    this.#actions.push({
      kind: "close",
      job: transfer.job,
      // What no journal marks would only lie around.
      keeps: isKept && transfer.hasJournal,
      written: transfer.assembly?.written,
    });
  }

  #onClosed(transfer: Transfer, problem?: ErrorMessage): void {
    const { end, phase, request: { transfer: id } } = transfer;
    transfer.isClosed = true;
    if (phase !== "sealing") this.#forget(transfer);
    if (end === undefined) return;
    // The error of a failed transfer has been told: what comes after it says no more.
    const error = end.kind === "failed" ? end.error : problem;
    if (error !== undefined) this.#reply({ kind: "transferFailed", transfer: id, error });
    if (end.kind === "aborted") this.#reply({ kind: "aborted", transfer: id });
    else if (end.kind === "unverified" && error === undefined) {
      this.#reply({ kind: "unverified", transfer: id });
    }
  }

  #forget(transfer: Transfer): void {
    this.#jobs.delete(transfer.job);
    const { transfer: id } = transfer.request;
    if (this.#byId.get(id) === transfer) this.#byId.delete(id);
    for (const waiting of this.#jobs.values()) {
      if (waiting.waitsFor === transfer.job) this.#searchAgain(waiting);
    }
  }

  #searchAgain(transfer: Transfer): void {
    const { job, request } = transfer;
    transfer.waitsFor = undefined;
    transfer.phase = "searching";
    this.#actions.push({ kind: "search", job, request });
  }

  /** What is being published is published first, and every buffer given back. */
  #stopIfDone(): void {
    if (this.#jobs.size > 0 || this.#queues.length > 0) return;
    this.#isStopping = false;
    this.#actions.push({ kind: "stopped" });
  }

  #reply(reply: TargetReply): void {
    this.#actions.push({ kind: "reply", reply });
  }
}
