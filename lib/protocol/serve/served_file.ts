/** What a server gives bytes of: a content, and the file that has it. */
import type { FileSignature, HashHex } from "../../ids.ts";

/** What names a content in a request. */
export interface ContentRef {
  readonly root: HashHex;
  readonly sizeBytes: number;
}

/** A file as it was indexed: reading anything else under its name is a change. */
export interface ServedFile extends FileSignature {
  /** Absolute path of the served folder. */
  readonly dir: string;
  /** Its name below that. */
  readonly name: string;
}

/** The same for equal contents and no others. */
export function keyOf(ref: ContentRef): string {
  return `${ref.root}:${ref.sizeBytes}`;
}
