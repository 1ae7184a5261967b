/**
 * The assembler's machine over a scripted disk: each action can be let through, held back or made to
 * fail, and whatever is asked and answered is on record.
 */
import { assert, assertEquals } from "@std/assert";
import type { ErrorMessage } from "../../lib/errors.ts";
import { type Bytes, type SafeFileName, transferId } from "../../lib/ids.ts";
import { Assembler } from "../../lib/protocol/download/assembler.ts";
import type {
  AssemblerAction,
  AssemblerEvent,
  DiskOutcome,
  DiskStep,
  JobId,
} from "../../lib/protocol/download/assembler_steps.ts";
import type { JournalState } from "../../lib/protocol/download/journal.ts";
import type { TargetReply } from "../../lib/protocol/download/target_messages.ts";
import { CHUNK, contentOf } from "./assembler_bench.ts";
import { hashed } from "./virtual_link.ts";

type DiskAction = Extract<AssemblerAction, { job: JobId }>;
export type DiskActionKind = DiskAction["kind"];

export const BROKEN: ErrorMessage = { code: "disk", message: "it broke", hint: "" };

/** What an action's failure is told as; absent for what cannot fail, or says nothing. */
export const STEPS: Readonly<Partial<Record<DiskActionKind, DiskStep>>> = {
  search: "search",
  openPart: "open",
  begin: "begin",
  createJournal: "createJournal",
  saveJournal: "saveJournal",
  write: "write",
  read: "read",
  seal: "seal",
  publish: "publish",
  close: "close",
};

/** Kinds that others of their job may overtake. */
const UNORDERED: ReadonlySet<DiskActionKind> = new Set(["search", "read", "seal", "syncFolder"]);

export class ScriptedDisk {
  readonly machine = new Assembler();
  nowMs = 0;
  /** Kinds of actions that are not performed until {@linkcode release}. */
  readonly holds = new Set<DiskActionKind>();
  /** Kinds of actions that fail, for this transfer or for all. */
  readonly fails = new Set<DiskActionKind>();
  /** Whatever was done, by kind. */
  readonly done: string[] = [];
  readonly replies: TargetReply[] = [];
  /** What lies in the parts. */
  readonly parts = new Map<JobId, Bytes>();
  readonly openParts = new Set<JobId>();
  /** What an earlier run has left. */
  earlier: { readonly part: Bytes; readonly state: JournalState } | undefined;
  presentPath: string | undefined;
  recycledCount = 0;
  isStopped = false;
  readonly #held: DiskAction[] = [];

  step(event: AssemblerEvent): void {
    const events = [event];
    for (let next = events.shift(); next; next = events.shift()) {
      assert(!this.isStopped, "nothing is asked of what has stopped");
      for (const action of this.machine.handle(this.nowMs, next)) {
        const outcome = this.#take(action);
        if (outcome !== undefined) events.push(outcome);
      }
    }
  }

  /** Performs what was held back. */
  release(): void {
    this.holds.clear();
    for (let action = this.#held.shift(); action; action = this.#held.shift()) {
      const outcome = this.#perform(action);
      if (outcome !== undefined) this.step(outcome);
    }
  }

  open(file: Bytes, id = 1, mayPublish = false): void {
    this.step({
      kind: "open",
      transfer: transferId(id),
      outDir: "/out",
      name: "film.bin" as SafeFileName,
      content: contentOf(file),
      mtimeMs: 5,
      onTaken: "number",
      supersedes: true,
      mayPublish,
    });
  }

  layer(file: Bytes, id = 1): void {
    this.step({ kind: "layer", transfer: transferId(id), layer: hashed(file).layer });
  }

  publish(id = 1): void {
    this.step({ kind: "publish", transfer: transferId(id) });
  }

  abort(keep: boolean, id = 1): void {
    this.step({ kind: "abort", transfer: transferId(id), keep });
  }

  /** These chunks of `file`, in one message. */
  chunks(file: Bytes, chunks: readonly number[], id = 1): void {
    const all = chunks.map((chunk) => {
      const part = file.subarray(chunk * CHUNK, (chunk + 1) * CHUNK);
      const buffer = new Uint8Array(CHUNK);
      buffer.set(part);
      return { transfer: transferId(id), chunk, bytes: part.length, buffer };
    });
    this.step({ kind: "chunks", feed: 3, chunks: all });
  }

  /** A whole transfer from its opening to its end. */
  transfer(file: Bytes, order: readonly number[], id = 1): void {
    this.open(file, id);
    this.layer(file, id);
    this.publish(id);
    this.chunks(file, order, id);
  }

  /** Lets so much time pass. */
  pass(ms: number): void {
    this.nowMs += ms;
    if (this.machine.nextWakeupMs() <= this.nowMs) this.step({ kind: "wakeup" });
  }

  /** Kinds of the replies to one transfer. */
  repliesTo(id = 1): string[] {
    return this.replies.filter((reply) => reply.transfer === id).map((reply) => reply.kind);
  }

  #take(action: AssemblerAction): DiskOutcome | undefined {
    switch (action.kind) {
      case "reply":
        this.replies.push(action.reply);
        return undefined;
      case "recycle":
        assertEquals(action.feed, 3);
        this.recycledCount += action.chunks.length;
        return undefined;
      case "stopped":
        this.isStopped = true;
        return undefined;
      default:
        if (!this.holds.has(action.kind) && !this.#mustWait(action)) return this.#perform(action);
        this.#held.push(action);
        return undefined;
    }
  }

  /** What is done on the files of one job is done in order, what does not keep others waiting apart. */
  #mustWait({ job }: DiskAction): boolean {
    return this.#held.some((held) => held.job === job && !UNORDERED.has(held.kind));
  }

  #perform(action: DiskAction): DiskOutcome | undefined {
    const { job, kind } = action;
    this.done.push(kind);
    const during = STEPS[kind];
    if (kind === "close") this.#closePart(job);
    if (during !== undefined && this.fails.has(kind)) {
      return { kind: "failed", job, during, error: BROKEN };
    }
    switch (kind) {
      case "search":
        return { kind: "searched", job, path: this.presentPath };
      case "openPart":
        this.openParts.add(job);
        this.parts.set(job, this.earlier?.part.slice() ?? new Uint8Array(action.content.sizeBytes));
        return {
          ...{ kind: "opened", job, partPath: "/out/film.bin.part" },
          resumed: this.earlier?.state,
        };
      case "begin":
        return { kind: "begun", job };
      case "write":
        this.#part(job).set(action.bytes, action.position);
        return { kind: "wrote", job };
      case "read": {
        const end = action.position + action.lengthBytes;
        // Closed meanwhile: nobody is told.
        if (!this.openParts.has(job)) return undefined;
        return { kind: "read", job, bytes: this.#part(job).slice(action.position, end) };
      }
      case "seal":
        return { kind: "sealed", job };
      case "publish":
        this.#closePart(job);
        return { kind: "published", job, path: "/out/film.bin" };
      case "syncFolder":
        return { kind: "synced", job };
      case "close":
        return { kind: "closed", job };
      default:
        return undefined;
    }
  }

  #part(job: JobId): Bytes {
    assert(this.openParts.has(job), "a part is touched only while it is open");
    return this.parts.get(job)!;
  }

  #closePart(job: JobId): void {
    assert(this.openParts.delete(job), "a part is closed once, and only if it was opened");
  }
}
