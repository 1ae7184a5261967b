/**
 * Messages about the target of one transfer: its part file, its journal, and the name that it gets.
 *
 * One transfer: `open → present | opened → layer?, publish? → unproved* → finished | unverified`, or
 * `transferFailed` at any point; `abort → aborted` ends it from the asking side.
 */
import type { ErrorMessage } from "../../errors.ts";
import type { Bytes, Content, ModificationTime, SafeFileName, TransferId } from "../../ids.ts";

/** What is done where a different file has the name: this one gets a number, that one is replaced, or it fails. */
export type OnTaken = "number" | "replace" | "refuse";

export type TargetRequest =
  | ModificationTime & {
    readonly kind: "open";
    readonly transfer: TransferId;
    readonly outDir: string;
    readonly name: SafeFileName;
    readonly content: Content;
    readonly onTaken: OnTaken;
    /**
     * Whether the name was asked for, and this is what it means: what earlier runs have left of other contents of it is of
     * no more use then.
     */
    readonly supersedes: boolean;
    /** Whether it is certain already that this content is the one that is meant, as `publish` says. */
    readonly mayPublish: boolean;
  }
  /**
   * The whole piece layer, proved against the root, whether fetched or brought along by `opened`. A file of one
   * chunk needs none unless an earlier run has left something of it.
   */
  | { readonly kind: "layer"; readonly transfer: TransferId; readonly layer: Bytes }
  /** This content is the one that is meant: publish it once it is whole. Follows `opened`, if at all. */
  | { readonly kind: "publish"; readonly transfer: TransferId }
  /**
   * From now on one bit per chunk, least significant first, is set in memory that others share: of what is on the disk and proved.
   * Follows `opened`, if at all.
   */
  | {
    readonly kind: "share";
    readonly transfer: TransferId;
    readonly held: Uint8Array<SharedArrayBuffer>;
  }
  /** Stop, keep what is verified (part file and journal up to date), and forget the transfer. */
  | { readonly kind: "abort"; readonly transfer: TransferId; readonly keep: boolean };

export type TargetReply =
  /** An identical file is there already: nothing to fetch. */
  | { readonly kind: "present"; readonly transfer: TransferId; readonly path: string }
  | {
    readonly kind: "opened";
    readonly transfer: TransferId;
    /** One bit per chunk, least significant first: what an earlier run has written. */
    readonly have: Bytes;
    readonly haveBytes: number;
    /** The piece layer from the journal, proved; absent when it must be fetched. */
    readonly layer?: Bytes;
    readonly partPath: string;
    /** Chunks from this one on are not to be fetched yet, where that matters: `window` says when. */
    readonly endChunk?: number;
  }
  /** Chunks up to this one may be fetched now. */
  | { readonly kind: "window"; readonly transfer: TransferId; readonly endChunk: number }
  /** Chunks that an earlier run marked as written and that fail their proof: fetch them. */
  | { readonly kind: "unproved"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  /** Verified, synced, renamed. */
  | { readonly kind: "finished"; readonly transfer: TransferId; readonly path: string }
  /** Every chunk was proved and yet the whole is not what was offered: distrust the group. */
  | { readonly kind: "unverified"; readonly transfer: TransferId }
  | { readonly kind: "transferFailed"; readonly transfer: TransferId; readonly error: ErrorMessage }
  | { readonly kind: "aborted"; readonly transfer: TransferId };
