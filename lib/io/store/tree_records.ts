/**
 * What earlier runs have written of a folder, and how it looked when they had: what still looks so need not be read
 * to be known. Losing a record costs time and nothing else, so nothing here fails.
 */
import type { FileSignature, HashHex } from "../../ids.ts";
import type { FileAttributes } from "../../wire/manifest.ts";

export interface RecordedFile {
  readonly path: string;
  readonly sha256: HashHex;
  readonly signature: FileSignature;
  /** What its servers said, which its disk may not hold so exactly. */
  readonly given?: FileAttributes;
}

/** By the name in the folder. */
export interface TreeRecord {
  readonly size: number;
  get(name: string): RecordedFile | undefined;
  set(name: string, file: RecordedFile): void;
  delete(name: string): boolean;
  entries(): Iterable<[string, RecordedFile]>;
}

export interface TreeRecords {
  /** Where manifests are kept; `undefined` where there is no folder for that. */
  readonly manifestsDir: string | undefined;
  /** @param folder the absolute path of what is fetched into */
  read(folder: string): TreeRecord;
  write(folder: string, record: TreeRecord): void;
}
