/** What can be offered, or sent by a code. */

/** A file to offer, wherever it lies. */
export interface FileToOffer {
  /** A regular file, or a link to one. */
  readonly path: string;
  /** What it is offered under; the last part of the path by default. */
  readonly name?: string;
}

/** A folder to offer under a name of its own. */
export interface FolderToOffer {
  /** A folder, or a link to one. */
  readonly path: string;
  /** What stands in front of the names in it, without a slash; the last part of the path by default. */
  readonly name?: string;
}

/** Bytes to offer that lie in no file. */
export interface ContentToOffer {
  /** What they are offered under. */
  readonly name: string;
  /** They are copied. */
  readonly bytes: Uint8Array;
}

/** Bytes to offer that can be read only once. */
export interface StreamToOffer {
  /** What they are offered under. */
  readonly name: string;
  /** Read to its end, into a file in the cache folder that is removed with the server, and offered from then on. */
  readonly stream: ReadableStream<Uint8Array>;
}
