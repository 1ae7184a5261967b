/** What a server takes from others, by whichever way it comes. */

/** A file that somebody begins to send. */
export interface UploadToBegin {
  /** What it is to be called, with its folders. */
  readonly name: string;
  /** Its size in bytes. */
  readonly sizeBytes: number;
  /** When it was modified, in milliseconds since 1970; now by default. */
  readonly modifiedMs?: number;
  /** Who sends it: an address that was proved, for whom what it leaves is counted. */
  readonly from: { readonly address: string; readonly port: number };
}

/** What became of an upload. */
export interface StoredUpload {
  /** What it is called now: another name than was asked for where another file had that. */
  readonly name: string;
  /** SHA-256 of its content: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /** Whether the identical file was there already, so that nothing was stored. */
  readonly present: boolean;
}

/** An upload that has begun. Its methods are called one after another. */
export interface OpenUpload {
  /** How many bytes of it are there: what is written next follows these. */
  readonly offset: number;
  /**
   * Takes what follows. It resolves when that is written, but not yet synced.
   *
   * @param bytes they change hands, and must be all of their buffer
   */
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  /**
   * Gives the file its name, once it is on the disk, if all of it has come.
   *
   * @param sha256 what it has to hash to: 64 hexadecimal digits; by default whatever it does
   */
  store(sha256?: string): Promise<StoredUpload>;
  /** Ends it without a name. What has come stays for an hour for whoever begins the same from the same address. */
  release(): Promise<void>;
}

/** What a server takes from others. */
export interface Receiving {
  /** Largest upload that is taken, in bytes; 0 where none is. */
  readonly uploadBytesMax: number;

  /**
   * Begins an upload into the folder, or goes on with one that was released: by the rules and within the quotas of all uploads.
   *
   * @param upload what it is to be, and who sends it
   * @throws {ShoalError} `refused` where none or no such is taken, `bad_name` for a name that could not be offered, `disk_full` where a quota or
   * the disk has no room, `not_writable` where its folder cannot be made
   *
   * @example Take a file
   * ```ts
   * import { assertEquals } from "@std/assert";
   * import { serve } from "@shoal/shoal";
   *
   * const dir = await Deno.makeTempDir();
   * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0, allowUpload: true });
   * const from = { address: "127.0.0.1", port: 1 };
   * const upload = await server.beginUpload({ name: "a.txt", sizeBytes: 5, from });
   * await upload.write(new TextEncoder().encode("hello"));
   * assertEquals((await upload.store()).name, "a.txt");
   * assertEquals(await Deno.readTextFile(`${dir}/a.txt`), "hello");
   * await server.close();
   * ```
   */
  beginUpload(upload: UploadToBegin): Promise<OpenUpload>;
}
