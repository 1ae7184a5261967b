/** What a server gives bytes of: a content, and where they lie. */
import type { FileSignature, HashHex, SafeFileName } from "../../ids.ts";
import type { BundleFiles } from "./bundle_files.ts";

/** What names a content in a request. */
export interface ContentRef {
  readonly root: HashHex;
  readonly sizeBytes: number;
}

/**
 * Where the bytes of something that is offered lie. Plain data, so that it reaches whichever worker reads them;
 * `lib/io/files/content_reader.ts` opens it.
 */
export type ContentPlace =
  | {
    readonly kind: "file";
    /** Absolute path of a folder that the file must not lead out of. */
    readonly dir: string;
    /** Its name below that, which may be another one than it is offered under. */
    readonly name: string;
  }
  /** Files one behind another: those of a bundle. */
  | { readonly kind: "bundle"; readonly files: BundleFiles }
  /** A file of which chunks come in any order, told by what does not change meanwhile. */
  | {
    readonly kind: "part";
    /** Absolute, without links. */
    readonly path: string;
    readonly device: number;
    readonly inode: number;
    /** One bit per chunk, least significant first: what is on the disk. Whoever writes the file sets more of them. */
    readonly held: Uint8Array<SharedArrayBuffer>;
  }
  /** Memory that all threads share. It is not written to any more. */
  | { readonly kind: "memory"; readonly bytes: Uint8Array<SharedArrayBuffer> };

/** Something offered as it was indexed: anything else in its place is a change. */
export interface ServedFile extends FileSignature {
  /** What it is offered under. */
  readonly name: SafeFileName;
  readonly place: ContentPlace;
}

/** A content, and what has it. */
export interface LocatedContent extends ContentRef {
  readonly file: ServedFile;
}

/** The same for equal contents and no others. */
export function keyOf(ref: ContentRef): string {
  return `${ref.root}:${ref.sizeBytes}`;
}
