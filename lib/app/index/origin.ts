/**
 * Where something to offer comes from: a folder, a list of files, memory. An index (`live_index.ts`) is made of one or
 * more of these and knows no kind of them. Another kind implements this, and says in a `ContentPlace` where its bytes lie.
 */
import type { FileSignature, SafeFileName } from "../../ids.ts";
import type { Inspected, ScannedFile } from "../../io/files/folder_scan.ts";
import type { TreeShape } from "../../wire/manifest.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";

/** What a look at everything needs, and tells. */
export interface OriginScan {
  /** Whether this very file is known to be readable. */
  isKnown(name: SafeFileName, signature: FileSignature): boolean;
  /** Called, at every scan, with what a user might miss: one line each. */
  onLeftOut(message: string): void;
  /** Called, at every scan, for each file or folder that is not offered because its name begins with a dot. */
  onHidden(): void;
  /** Called with each folder, each link that leads to something else that this origin has, and with what is left out. */
  onShape(shape: TreeShape): void;
  /** Ends the scan early. */
  readonly signal: AbortSignal;
}

export interface Origin {
  /** All that it will ever offer, where that is known beforehand: no other origin may offer those names. */
  readonly names: readonly SafeFileName[] | undefined;
  /** Absolute path of the folder that uploads may go to, if there is one. */
  readonly uploadDir: string | undefined;
  /** Whether what it offers never changes: then it is hashed without waiting, and not remembered for the next start. */
  readonly isFinal: boolean;
  /** All that it offers now. */
  scan(scan: OriginScan): AsyncIterable<ScannedFile>;
  /** What is under a name of its own now. */
  inspect(name: SafeFileName): Inspected;
  /** Where the bytes lie of what was last seen under this name. */
  placeOf(name: SafeFileName): ContentPlace;
  /** What its hashes are kept by: the same for the same file, whoever serves it, and for no other. */
  keyOf(name: SafeFileName): string;
  /** The other way round, if the key is one of its own. */
  nameOf(key: string): SafeFileName | undefined;
  /** Calls `onHint` when another scan may find something new, as far as that is noticed; returns what ends that. */
  watch(onHint: () => void): () => void;
  /** Gives up what it has. Nobody reads any more of it. */
  close(): void;
}
