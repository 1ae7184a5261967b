/** What an index offers, for whoever shows it: pages of it, and bytes by ranges, read in this thread. */
import { type Bytes, type HashHex, hashHex, type SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { type ContentReader, openContent } from "../../io/files/content_reader.ts";
import type { Disk } from "../../io/files/disk.ts";
import { displayName, parseFileName } from "../../names.ts";
import type { CatalogueEntry } from "../../protocol/serve/catalogue.ts";
import type { ReadPart } from "./transfer_report.ts";
import type { LiveIndex } from "../index/live_index.ts";
import { OFFERED_PIECE_BYTES } from "../limits.ts";
import { resolveOffered } from "../option_defaults.ts";
import type {
  OfferedBytes,
  OfferedFile,
  OfferedFolder,
  OfferedQuery,
  OfferedRange,
  OfferedTo,
} from "../offering.ts";

type Index = Pick<LiveIndex, "catalogue" | "placeOf" | "prioritise" | "recheck" | "refresh">;

interface OfferedContentOptions {
  /** Tells the revisions of this run from those of others. */
  readonly revisionPrefix: string;
  /** So much was read for somebody. */
  readonly onRead: (part: ReadPart) => void;
}

export class OfferedContent {
  readonly #disk: Disk;
  readonly #index: Index;
  readonly #options: OfferedContentOptions;
  /** What is being read: the index may not be closed under it. */
  readonly #open = new Set<Reading>();

  constructor(disk: Disk, index: Index, options: OfferedContentOptions) {
    this.#disk = disk;
    this.#index = index;
    this.#options = options;
  }

  get revision(): string {
    return `${this.#options.revisionPrefix}.${this.#index.catalogue.version}`;
  }

  files(query?: OfferedQuery): OfferedFile[] {
    const { folder, after, countMax } = resolveOffered(query);
    const { catalogue } = this.#index;
    if (folder === undefined) {
      return catalogue.page(after as SafeFileName | undefined, countMax).map(described);
    }
    const name = parsed(folder);
    if (name === undefined) return [];
    // A page that begins before the folder begins with it; nothing that is in it comes before its own name and a slash.
    const start = after !== undefined && after > `${name}/` ? after : `${name}/`;
    return catalogue.page(start as SafeFileName, countMax)
      .filter((entry) => entry.name.startsWith(`${name}/`)).map(described);
  }

  entries(query?: OfferedQuery): (OfferedFile | OfferedFolder)[] {
    const { folder, after, countMax } = resolveOffered(query);
    const name = folder === undefined ? undefined : parsed(folder);
    if (folder !== undefined && name === undefined) return [];
    return this.#index.catalogue.children(name, after, countMax).map((child) =>
      child.kind === "file" ? described(child.entry) : { name: child.name, fileCount: child.files }
    );
  }

  fileCount(folder?: string): number {
    if (folder === undefined) return this.#index.catalogue.size;
    const name = parsed(folder);
    return name === undefined ? 0 : this.#index.catalogue.countBelow(name);
  }

  find(what: { readonly name: string } | { readonly sha256: string }): OfferedFile | undefined {
    const entry = "name" in what
      ? this.#entryOf(what.name)
      : this.#index.catalogue.findBySha256(digest(what.sha256));
    return entry && described(entry);
  }

  open(name: string, range?: OfferedRange, to?: OfferedTo): OfferedBytes {
    const known = this.#entryOf(name);
    // Somebody asks for it: it is looked at again, and hashed before others.
    if (known !== undefined) this.#index.refresh(known);
    const entry = this.#entryOf(name);
    if (entry === undefined) {
      throw new ShoalError("not_found", `${displayName(name)} is not offered`);
    }
    if (entry.state === "settling") {
      throw new ShoalError("changed", `${displayName(name)} is still being written`);
    }
    if (entry.state === "pending") this.#index.prioritise(entry.name, "");
    const { sizeBytes } = entry.signature;
    const { offset, lengthBytes } = range ?? { offset: 0, lengthBytes: sizeBytes };
    const isInside = Number.isSafeInteger(offset) && Number.isSafeInteger(lengthBytes) &&
      offset >= 0 && lengthBytes >= 0 && offset + lengthBytes <= sizeBytes;
    if (!isInside) throw new ShoalError("usage", `${displayName(name)} has no such range`);
    const opened = openContent(this.#disk, this.#index.placeOf(entry.name), entry.signature);
    if (!opened.ok) {
      this.#index.recheck(entry.name);
      const isMissing = opened.reason === "missing";
      const what = isMissing ? "is not there any more" : "is not what it was a moment ago";
      throw new ShoalError(isMissing ? "not_found" : "changed", `${displayName(name)} ${what}`);
    }
    // Who goes on, or looks for a place in it, fetches no other file.
    let begins = offset === 0;
    const reading = new Reading(opened.reader, offset, offset + lengthBytes, {
      onRead: (bytes) => {
        if (to !== undefined) {
          this.#options.onRead({ to, name: entry.name, sizeBytes, bytes, begins });
        }
        begins = false;
      },
      onEnd: (error) => {
        this.#open.delete(reading);
        if (error !== undefined) this.#index.recheck(entry.name);
      },
    });
    this.#open.add(reading);
    return { file: described(entry), stream: reading.stream };
  }

  /** Ends all reading: what is still being read fails. */
  close(): void {
    for (const each of this.#open) each.fail(new ShoalError("interrupted", "the server stops"));
  }

  #entryOf(name: string): CatalogueEntry | undefined {
    const safe = parsed(name);
    return safe && this.#index.catalogue.lookUp(safe);
  }
}

interface ReadingWatch {
  onRead(bytes: number): void;
  onEnd(error: ShoalError | undefined): void;
}

/** A part of something open, as a stream that is read at the pace of who takes it. */
class Reading {
  readonly stream: ReadableStream<Bytes>;
  readonly #reader: ContentReader;
  readonly #end: number;
  readonly #watch: ReadingWatch;
  #at: number;
  #isOver = false;
  #controller: ReadableByteStreamController | undefined;

  constructor(
    reader: ContentReader,
    start: number,
    end: number,
    watch: ReadingWatch,
  ) {
    this.#reader = reader;
    this.#at = start;
    this.#end = end;
    this.#watch = watch;
    this.stream = new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: OFFERED_PIECE_BYTES,
      start: (controller) => void (this.#controller = controller),
      pull: (controller) => this.#pull(controller),
      cancel: () => this.#over(undefined),
    });
  }

  fail(error: ShoalError): void {
    if (this.#isOver) return;
    this.#controller?.error(error);
    this.#over(error);
  }

  #pull(controller: ReadableByteStreamController): void {
    // Every read brings a buffer, or is given one.
    const request = controller.byobRequest!;
    const view = request.view!;
    const target: Bytes = new Uint8Array(
      view.buffer as ArrayBuffer,
      view.byteOffset,
      view.byteLength,
    );
    const wanted = Math.min(target.length, this.#end - this.#at);
    const count = wanted === 0 ? 0 : this.#reader.readAt(target, 0, wanted, this.#at);
    // Read first and looked at afterwards: what was read of a file that is another by now is passed on to nobody.
    if (count < wanted || !this.#reader.isUnchanged()) {
      return this.fail(new ShoalError("changed", "the file changed while it was being read"));
    }
    this.#at += count;
    this.#watch.onRead(count);
    if (this.#at < this.#end) return request.respond(count);
    // A stream that ends without another byte is closed before the read that waits is answered.
    if (count === 0) controller.close();
    request.respond(count);
    if (count > 0) controller.close();
    this.#over(undefined);
  }

  #over(error: ShoalError | undefined): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reader.close();
    this.#watch.onEnd(error);
  }
}

function described({ name, signature, state, content }: CatalogueEntry): OfferedFile {
  return {
    name,
    sizeBytes: signature.sizeBytes,
    modifiedMs: signature.mtimeMs,
    isExecutable: signature.isExecutable ?? false,
    state,
    ...(content !== undefined && { sha256: content.sha256 }),
  };
}

function parsed(name: string): SafeFileName | undefined {
  const safe = parseFileName(name);
  return safe.ok ? safe.name : undefined;
}

function digest(text: string): HashHex {
  return hashHex(text.toLowerCase());
}
