/** What a server offers, as whoever shows it to people sees it. */
import type { ServeEvent } from "./events.ts";

/** A file that is offered. */
export interface OfferedFile {
  /** Name with its folders, with forward slashes. */
  readonly name: string;
  /** Size in bytes. */
  readonly sizeBytes: number;
  /** When it was modified, in milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Whether its owner may run it. */
  readonly isExecutable: boolean;
  /** `settling` while it may still be growing, `pending` until it is hashed. */
  readonly state: "settling" | "pending" | "ready";
  /** SHA-256 of the content: 64 lowercase hexadecimal digits; absent unless it is `ready`. */
  readonly sha256?: string;
}

/** A folder in which something is offered. */
export interface OfferedFolder {
  /** Name with the folders that it is in, without a slash at the end. */
  readonly name: string;
  /** Files below it, at any depth. */
  readonly fileCount: number;
}

/** One page of what is offered. Names are in the order of their UTF-16 code units. */
export interface OfferedQuery {
  /** Only what is below this folder; everything by default. */
  readonly folder?: string;
  /** Only what comes after this name; everything by default. Of a folder, its name with a slash at the end. */
  readonly after?: string;
  /** At most so many; 1,000 by default. */
  readonly countMax?: number;
}

/** A part of a file. */
export interface OfferedRange {
  /** Where it begins, in bytes. */
  readonly offset: number;
  /** How long it is, in bytes. */
  readonly lengthBytes: number;
}

/** Who is sent what is read: it is told of as a transfer, like all that a server sends. */
export interface OfferedTo {
  /** IPv4 or IPv6 address of the client. */
  readonly address: string;
  /** Its port. */
  readonly port: number;
  /** The folder that is sent as one, of which this is a file, `.` for everything; absent for a file by itself. */
  readonly folder?: string;
}

/** A file that is open. */
export interface OfferedBytes {
  /** What it is. */
  readonly file: OfferedFile;
  /**
   * Its bytes, or those that were asked for. It ends after exactly so many, or fails with a {@linkcode ShoalError}: `changed` as soon as
   * the file is not what it was when it was opened. Reading it to its end or cancelling it closes the file.
   */
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
}

/** What a server offers, to look at and to read. */
export interface Offering {
  /** Another one after every change of what is offered. */
  readonly revision: string;

  /**
   * Files in the order of their names, those in folders as well.
   *
   * @param query which of them; the first 1,000 by default
   *
   * @example List what a server offers
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { serve } from "@shoal/shoal";
   *
   * const bytes = new TextEncoder().encode("hello");
   * const contents = ["a.txt", "notes/b.txt"].map((name) => ({ name, bytes }));
   * const server = await serve({ contents, cacheDir: await Deno.makeTempDir(), port: 0 });
   * assertEquals(server.files().map(({ name }) => name), ["a.txt", "notes/b.txt"]);
   * assertEquals(server.files({ folder: "notes" })[0]?.sizeBytes, 5);
   * await server.close();
   * ```
   */
  files(query?: OfferedQuery): OfferedFile[];

  /**
   * Files and folders of one folder, without what is below those, in the order of their names. A folder has its place
   * as if a slash were at the end of its name.
   *
   * @param query which folder; the first 1,000 at the top by default
   */
  entries(query?: OfferedQuery): (OfferedFile | OfferedFolder)[];

  /**
   * How many files there are below a folder.
   *
   * @param folder its name; all files by default
   */
  fileCount(folder?: string): number;

  /**
   * A file by its name, in whichever Unicode normal form, or by its SHA-256; `undefined` if there is none.
   *
   * @param what its name, or 64 hexadecimal digits
   */
  find(what: { readonly name: string } | { readonly sha256: string }): OfferedFile | undefined;

  /**
   * Opens a file. What is read of it costs those nothing who fetch over UDP or TCP.
   *
   * @param name its name
   * @param range the part of it that is wanted; all by default
   * @param to who is sent what is read; nobody is told of by default
   * @throws {ShoalError} `not_found` if there is none of that name now, `changed` if it is another by now or still being written,
   * `usage` for a range that is not in it
   *
   * @example Read the last bytes of a file
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { serve } from "@shoal/shoal";
   *
   * const contents = [{ name: "a.txt", bytes: new TextEncoder().encode("hello") }];
   * const server = await serve({ contents, cacheDir: await Deno.makeTempDir(), port: 0 });
   * const { file, stream } = server.open("a.txt", { offset: 3, lengthBytes: 2 });
   * assertEquals([file.sizeBytes, await new Response(stream).text()], [5, "lo"]);
   * await server.close();
   * ```
   */
  open(name: string, range?: OfferedRange, to?: OfferedTo): OfferedBytes;

  /**
   * Tells of everything that happens from now on, beside `onEvent` of the options.
   *
   * @param onEvent called for every event, in order
   * @returns ends it
   */
  watch(onEvent: (event: ServeEvent) => void): () => void;
}
