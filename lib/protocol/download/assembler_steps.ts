/** Events and actions of the assembler. */
import type { ErrorMessage } from "../../errors.ts";
import type { Bytes, Content, ModificationTime, TransferId } from "../../ids.ts";
import type { Bitmap } from "../base/bitmap.ts";
import type { JournalState } from "./journal.ts";
import type { OnTaken, TargetReply, TargetRequest } from "./target_messages.ts";

/** One life of a transfer: ids of transfers may come again, numbers of jobs never do. */
export type JobId = number;

/** A verified chunk: the first `bytes` bytes of `buffer`. */
export interface VerifiedChunk {
  readonly transfer: TransferId;
  readonly chunk: number;
  readonly bytes: number;
  readonly buffer: Bytes;
}

export type OpenRequest = Extract<TargetRequest, { kind: "open" }>;

/** What an action on the disk was for. */
export type DiskStep =
  | ("search" | "open" | "begin" | "createJournal" | "saveJournal")
  | ("write" | "read" | "seal" | "publish" | "close");

/** What others want of the assembler. */
type AssemblerOrder =
  | TargetRequest
  /** Chunks from a feed; `recycle` gives their buffers back to it. */
  | {
    readonly kind: "chunks";
    readonly feed: number;
    readonly chunks: readonly VerifiedChunk[];
  }
  | { readonly kind: "wakeup" }
  | { readonly kind: "stop" };

/** What became of an action on the disk. */
export type DiskOutcome =
  | { readonly kind: "searched"; readonly job: JobId; readonly path: string | undefined }
  | {
    readonly kind: "opened";
    readonly job: JobId;
    readonly partPath: string;
    /** What the journal of an earlier run says; absent where there is none of this content. */
    readonly resumed: JournalState | undefined;
  }
  /** The part is one that another job writes: both need one path, or two that the disk takes for one. */
  | { readonly kind: "blocked"; readonly job: JobId; readonly by: JobId }
  | { readonly kind: "begun"; readonly job: JobId }
  | { readonly kind: "wrote"; readonly job: JobId }
  /** `bytes` may be fewer than were asked for, and are the driver's again afterwards. */
  | { readonly kind: "read"; readonly job: JobId; readonly bytes: Uint8Array }
  | { readonly kind: "sealed"; readonly job: JobId }
  | { readonly kind: "published"; readonly job: JobId; readonly path: string }
  | { readonly kind: "synced"; readonly job: JobId }
  | { readonly kind: "closed"; readonly job: JobId }
  | {
    readonly kind: "failed";
    readonly job: JobId;
    readonly during: DiskStep;
    readonly error: ErrorMessage;
  };

export type AssemblerEvent = AssemblerOrder | DiskOutcome;

export type AssemblerAction =
  | { readonly kind: "reply"; readonly reply: TargetReply }
  /** Make the folders and look for the file itself: `searched`. */
  | { readonly kind: "search"; readonly job: JobId; readonly request: OpenRequest }
  | { readonly kind: "cancelSearch"; readonly job: JobId }
  /** The file is there: remove what an earlier run left beside it. Ends the job. */
  | { readonly kind: "removeLeftovers"; readonly job: JobId; readonly supersedes: boolean }
  /** Open and lock the part file, and read its journal: `opened` or `blocked`. */
  | { readonly kind: "openPart"; readonly job: JobId; readonly content: Content }
  /** Make sure of the space, after emptying the part where it `clears`: `begun`. */
  | {
    readonly kind: "begin";
    readonly job: JobId;
    readonly clears: boolean;
    readonly neededBytes: number;
  }
  /** Write a journal afresh; only a failure is told. */
  | {
    readonly kind: "createJournal";
    readonly job: JobId;
    readonly content: Content;
    readonly state: JournalState;
  }
  /** Bring the journal up to date; only a failure is told. */
  | { readonly kind: "saveJournal"; readonly job: JobId; readonly written: Bitmap }
  /** `wrote`. */
  | {
    readonly kind: "write";
    readonly job: JobId;
    readonly bytes: Uint8Array;
    readonly position: number;
  }
  /** Read once other work has had its turn: `read`. */
  | {
    readonly kind: "read";
    readonly job: JobId;
    readonly position: number;
    readonly lengthBytes: number;
  }
  /** Set the time and bring the part to the disk for good: `sealed`. It may be closed meanwhile. */
  | { readonly kind: "seal"; readonly job: JobId; readonly modified: ModificationTime }
  /** Give the part its name: `published`. */
  | { readonly kind: "publish"; readonly job: JobId; readonly onTaken: OnTaken }
  /** Make the new name survive a power cut: `synced`. */
  | { readonly kind: "syncFolder"; readonly job: JobId }
  /**
   * The file has its name: remove the journal, if there is one, and what there is of other contents if it supersedes
   * them. Ends the job.
   */
  | { readonly kind: "removeJournal"; readonly job: JobId; readonly supersedes: boolean }
  /** Give up the part: kept with its journal up to date, or both removed. Ends the job: `closed`. */
  | {
    readonly kind: "close";
    readonly job: JobId;
    readonly keeps: boolean;
    readonly written: Bitmap | undefined;
  }
  | {
    readonly kind: "recycle";
    readonly feed: number;
    readonly chunks: readonly VerifiedChunk[];
  }
  /** Nothing is in hand any more. */
  | { readonly kind: "stopped" };
