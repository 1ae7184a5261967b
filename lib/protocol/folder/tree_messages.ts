/**
 * Messages about the files of a folder on their way into a target: `openTree → treeOpened → treeWritten* → finishTree →
 * treeWritten* → treeFinished`, or `treeFailed` at any point; `abortTree → treeFinished` ends it from the asking side. What is
 * whole by then stays.
 */
import type { ErrorMessage } from "../../errors.ts";
import type {
  FileSignature,
  HashHex,
  ModificationTime,
  SafeFileName,
  TransferId,
} from "../../ids.ts";

/** A file of a folder, where it goes. */
export interface TreeTarget extends ModificationTime {
  /** Below the folder that files go to. */
  readonly name: SafeFileName;
  readonly isExecutable: boolean;
  /** Whether what has that name may be replaced; otherwise the file gets a name beside it. */
  readonly isReplaced: boolean;
}

/** Files one behind another in a unit, each with the names that it is to have. */
interface TreeTargetUnit {
  readonly parts: readonly {
    readonly sizeBytes: number;
    readonly sha256: HashHex;
    /** Whether its root, by which the unit is proved, is the SHA-256. */
    readonly isProved: boolean;
    readonly targets: readonly TreeTarget[];
  }[];
}

export type TreeRequest =
  /** A folder's files, by unit; answered by `treeOpened`. */
  | {
    readonly kind: "openTree";
    readonly transfer: TransferId;
    readonly outDir: string;
    /** Eight hex digits that tell it from others. */
    readonly tag: string;
    readonly units: readonly TreeTargetUnit[];
    readonly emptyFiles: readonly TreeTarget[];
    /** What all of it is in, if that is not `outDir`: it is there even if nothing is in it. */
    readonly root: SafeFileName | undefined;
    readonly folders: readonly (Pick<TreeTarget, "name"> & ModificationTime)[];
    readonly links: readonly (Pick<TreeTarget, "name"> & { readonly target: string })[];
    /** Bytes of all units. */
    readonly neededBytes: number;
  }
  /** No more units come than so many, some of which may still be on their way: publish all, and say `treeFinished`. */
  | { readonly kind: "finishTree"; readonly transfer: TransferId; readonly unitCount: number }
  | { readonly kind: "abortTree"; readonly transfer: TransferId };

/** What became of a file of a folder. */
export type TreeFileOutcome =
  | {
    readonly name: SafeFileName;
    readonly path: string;
    /** As it looks now, for whoever asks later whether it was touched. */
    readonly signature: FileSignature | undefined;
  }
  | { readonly name: SafeFileName; readonly error: ErrorMessage };

export type TreeReply =
  | { readonly kind: "treeOpened"; readonly transfer: TransferId }
  /** Files, folders and links that are there now, under their names, or that cannot be. */
  | {
    readonly kind: "treeWritten";
    readonly transfer: TransferId;
    readonly files: readonly TreeFileOutcome[];
  }
  | { readonly kind: "treeFinished"; readonly transfer: TransferId }
  /** The disk is full, or refuses everything. */
  | { readonly kind: "treeFailed"; readonly transfer: TransferId; readonly error: ErrorMessage };

const TREE_REPLIES: ReadonlySet<string> = new Set<TreeReply["kind"]>([
  "treeOpened",
  "treeWritten",
  "treeFinished",
  "treeFailed",
]);

/** Whether a reply is about a folder. */
export function isTreeReply<T extends { readonly kind: string }>(
  reply: T,
): reply is Extract<T, TreeReply> {
  return TREE_REPLIES.has(reply.kind);
}
