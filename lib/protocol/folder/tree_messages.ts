/**
 * Messages about the files of a folder on their way into a target: `openTree → treeOpened → treeWritten* → finishTree →
 * treeWritten* → treeFinished`, or `treeFailed` at any point; `abortTree → treeFinished` ends it from the asking side. What is
 * whole by then stays.
 */
import type { ErrorMessage } from "../../errors.ts";
import type { ModificationTime, SafeFileName, TransferId } from "../../ids.ts";
import type { TreeColumns, TreeTarget, WrittenColumns } from "./tree_columns.ts";

export type TreeRequest =
  /** A folder's files, by unit; answered by `treeOpened`. */
  | {
    readonly kind: "openTree";
    readonly transfer: TransferId;
    readonly outDir: string;
    /** Eight hex digits that tell it from others. */
    readonly tag: string;
    /** The files and their units; those that no unit brings are empty. */
    readonly files: TreeColumns;
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

/** A file that cannot be there, by the number of its target; or a folder or a link, which may. */
export type TreeOutcome =
  | { readonly number: number; readonly error: ErrorMessage }
  | { readonly name: SafeFileName; readonly path: string }
  | { readonly name: SafeFileName; readonly error: ErrorMessage };

export type TreeReply =
  | { readonly kind: "treeOpened"; readonly transfer: TransferId }
  /** Files that are there now, under their names; and what else is, or cannot be. */
  | {
    readonly kind: "treeWritten";
    readonly transfer: TransferId;
    readonly files: WrittenColumns;
    readonly others: readonly TreeOutcome[];
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
