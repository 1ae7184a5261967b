/**
 * A stream that can be read only once, such as standard input: it is written to a spool file, and offered when it has
 * ended, since nothing can be said of its content before.
 */
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Disk } from "../../io/files/disk.ts";
import { type Inspected, inspectFile, type ScannedFile } from "../../io/files/folder_scan.ts";
import { SpoolFile } from "../../io/files/spool_file.ts";
import { FILE_BYTES_MAX } from "../../limits.ts";
import { displayName } from "../../names.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import type { StreamToOffer } from "../options.ts";
import { offeredName } from "./offered_name.ts";
import type { Origin, OriginScan } from "./origin.ts";

export class StreamOrigin implements Origin {
  readonly names: readonly [SafeFileName];
  readonly uploadDir = undefined;
  readonly isFinal = true;
  readonly #disk: Disk;
  readonly #stream: ReadableStream<Uint8Array>;
  readonly #spool: SpoolFile;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #isWhole = false;
  #isClosed = false;
  #onHint = (): void => {};

  /**
   * @param folder where the spool file goes: its owner's alone
   * @param tag tells that file from all others
   * @throws ShoalError `bad_name`, `disk_full`, `not_writable`, `disk`
   */
  constructor(disk: Disk, { name, stream }: StreamToOffer, folder: string, tag: string) {
    this.#disk = disk;
    this.#stream = stream;
    this.names = [offeredName(name)];
    this.#spool = new SpoolFile(disk, folder, tag);
  }

  /**
   * Reads the stream to its end. Resolves with its length, or with `undefined` if it was closed before.
   *
   * @throws ShoalError `disk_full`, `disk`, and `changed` when the stream itself fails
   */
  async fill(): Promise<number | undefined> {
    if (this.#isClosed) return undefined;
    const reader = this.#reader = this.#stream.getReader();
    for (
      let bytes = await this.#next(reader);
      bytes !== undefined;
      bytes = await this.#next(reader)
    ) {
      if (this.#isClosed) return undefined;
      if (this.#spool.lengthBytes + bytes.length > FILE_BYTES_MAX) {
        throw new ShoalError("usage", `${displayName(this.names[0])} is too large to be offered`);
      }
      this.#spool.append(bytes);
    }
    if (this.#isClosed) return undefined;
    this.#isWhole = true;
    this.#onHint();
    return this.#spool.lengthBytes;
  }

  async *scan(_: OriginScan): AsyncGenerator<ScannedFile> {
    const [name] = this.names;
    const found = this.inspect(name);
    if (found.kind === "file") yield { name, signature: found.signature };
  }

  inspect(name: SafeFileName): Inspected {
    if (!this.#isWhole || name !== this.names[0]) return { kind: "nothing" };
    return inspectFile(this.#disk, this.#spool.folder, this.#spool.name);
  }

  placeOf(): ContentPlace {
    return { kind: "file", dir: this.#spool.folder, name: this.#spool.name };
  }

  keyOf(): string {
    return `${this.#spool.folder}/${this.#spool.name}`;
  }

  nameOf(key: string): SafeFileName | undefined {
    return key === this.keyOf() ? this.names[0] : undefined;
  }

  watch(onHint: () => void): () => void {
    this.#onHint = onHint;
    if (this.#isWhole) onHint();
    return () => {
      this.#onHint = () => {};
    };
  }

  close(): void {
    this.#isClosed = true;
    // What still writes is told that nobody reads; a stream that cannot be told ends with the process.
    void this.#reader?.cancel().catch(() => {});
    this.#spool.remove();
  }

  async #next(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | undefined> {
    try {
      return (await reader.read()).value;
    } catch (cause) {
      const [name] = this.names;
      throw new ShoalError("changed", `what was to become ${displayName(name)} broke off`, {
        cause,
        hint: "Nothing of it is offered. Start it again.",
      });
    }
  }
}
