/**
 * A folder, or a selection, as one zip that is made while it is read: nothing of it lies on a disk, and its length is known beforehand. A file that
 * is not what it was when the archive began ends the stream with an error, so that what was sent is no archive.
 */
import type { OfferedFile, OfferedTo, Offering } from "../app/offering.ts";
import { ShoalError } from "../errors.ts";
import type { Bytes } from "../ids.ts";
import { HTTP_PIECE_BYTES } from "../io/net/limits.ts";
import type { Clock } from "../io/system/clock.ts";
import { displayName } from "../names.ts";
import { crc32 } from "../wire/crc32.ts";
import {
  type ZipDirectory,
  zipEnd,
  zipEndBytes,
  zipEntry,
  zipEntryBytes,
  zipFileHead,
  zipFileTail,
  zippedBytes,
} from "../wire/zip.ts";
import { API_PAGE_FILES_MAX, ARCHIVED_FILES_MAX } from "./limits.ts";

export interface Archive {
  readonly files: readonly OfferedFile[];
  /** Files that were left out, as they are still being written. */
  readonly leftOutCount: number;
  /** What is cut off the front of their names. */
  readonly prefixLength: number;
  /** Of the whole archive. */
  readonly lengthBytes: number;
  readonly directory: ZipDirectory;
}

/**
 * All files below one of these folders, or of one of these names, each once. Files that are still being written are left out.
 *
 * Throws ShoalError: `not_found` for a name that is not offered, `usage` for more than one archive can have, `changed` where
 * everything is still being written.
 *
 * @param names of files; of folders with a slash at the end, the one of everything empty
 * @param work resolves when so many files may be listed
 */
export async function plannedArchive(
  offering: Offering,
  names: readonly string[],
  prefixLength: number,
  work: (files: number) => Promise<void>,
): Promise<Archive> {
  const files = new Map<string, OfferedFile>();
  const leftOut = new Set<string>();
  const add = (file: OfferedFile): void => {
    if (file.state === "settling") return void leftOut.add(file.name);
    files.set(file.name, file);
    if (files.size <= ARCHIVED_FILES_MAX) return;
    throw new ShoalError("usage", `one archive has at most ${ARCHIVED_FILES_MAX} files`);
  };
  for (const name of names) {
    if (name !== "" && !name.endsWith("/")) {
      const file = offering.find({ name });
      if (file === undefined) throw nothingOffered(name);
      add(file);
      continue;
    }
    const folder = name === "" ? {} : { folder: name.slice(0, -1) };
    if (offering.fileCount(folder.folder) === 0) throw nothingOffered(name);
    let after: string | undefined;
    do {
      const page = offering.files({
        ...folder,
        ...(after !== undefined && { after }),
        countMax: API_PAGE_FILES_MAX,
      });
      await work(page.length);
      page.forEach(add);
      after = page.length < API_PAGE_FILES_MAX ? undefined : page.at(-1)?.name;
    } while (after !== undefined);
  }
  if (files.size === 0) throw new ShoalError("changed", "all of it is still being written");
  return planned([...files.values()], leftOut.size, prefixLength);
}

function planned(
  files: readonly OfferedFile[],
  leftOutCount: number,
  prefixLength: number,
): Archive {
  let offset = 0;
  let directoryBytes = 0;
  for (const file of files) {
    const zipped = zippedAs(file, prefixLength);
    directoryBytes += zipEntryBytes(zipped, offset);
    offset += zippedBytes(zipped);
  }
  const directory = { fileCount: files.length, offset, lengthBytes: directoryBytes };
  const lengthBytes = offset + directoryBytes + zipEndBytes(directory);
  return { files, leftOutCount, prefixLength, directory, lengthBytes };
}

/**
 * The archive itself, read at the pace of who takes it.
 *
 * @param to who that is, and what it is told to be sent
 */
export function archiveStream(
  offering: Offering,
  archive: Archive,
  to: OfferedTo,
  clock: Pick<Clock, "yieldToEvents">,
): ReadableStream<Bytes> {
  return streamOf(partsOf(offering, archive, to, clock));
}

/** Each part is good until the next one is asked for. */
async function* partsOf(
  offering: Offering,
  { files, prefixLength, directory }: Archive,
  to: OfferedTo,
  clock: Pick<Clock, "yieldToEvents">,
): AsyncGenerator<Bytes> {
  const sums = new Uint32Array(files.length);
  for (const [i, file] of files.entries()) {
    const zipped = zippedAs(file, prefixLength);
    yield zipFileHead(zipped);
    for await (const piece of bytesOf(offering, file, to)) {
      sums[i] = crc32(piece, sums[i]);
      yield piece;
      // Whoever takes it as fast as it comes must not keep everybody else waiting.
      await clock.yieldToEvents();
    }
    yield zipFileTail(zipped, sums[i]!);
  }
  let offset = 0;
  for (const [i, file] of files.entries()) {
    const zipped = zippedAs(file, prefixLength);
    yield zipEntry(zipped, sums[i]!, offset);
    offset += zippedBytes(zipped);
  }
  yield zipEnd(directory);
}

async function* bytesOf(
  offering: Offering,
  planned: OfferedFile,
  to: OfferedTo,
): AsyncGenerator<Bytes> {
  const { file, stream } = offering.open(planned.name, undefined, to);
  const isSame = file.sizeBytes === planned.sizeBytes &&
    (planned.sha256 === undefined || file.sha256 === planned.sha256);
  const reader = stream.getReader({ mode: "byob" });
  try {
    if (!isSame) {
      throw new ShoalError("changed", `${displayName(planned.name)} is another file now`);
    }
    const roomBytes = Math.max(1, Math.min(HTTP_PIECE_BYTES, file.sizeBytes));
    for (let buffer = new ArrayBuffer(roomBytes);;) {
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done || value === undefined) return;
      yield value;
      buffer = value.buffer;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Many small parts are one piece. */
function streamOf(parts: AsyncGenerator<Bytes>): ReadableStream<Bytes> {
  let part: Bytes = new Uint8Array(0);
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      // Every read brings a buffer, or is given one.
      const request = controller.byobRequest!;
      const view = request.view!;
      const target: Bytes = new Uint8Array(
        view.buffer as ArrayBuffer,
        view.byteOffset,
        view.byteLength,
      );
      let at = 0;
      let isOver = false;
      while (at < target.length) {
        if (part.length === 0) {
          const { value, done } = await parts.next();
          isOver = done ?? false;
          if (isOver) break;
          part = value!;
        }
        const taken = part.subarray(0, target.length - at);
        target.set(taken, at);
        at += taken.length;
        part = part.subarray(taken.length);
      }
      if (isOver && at === 0) controller.close();
      request.respond(at);
    },
    autoAllocateChunkSize: HTTP_PIECE_BYTES,
    async cancel() {
      await parts.return(undefined);
    },
  });
}

function zippedAs(file: OfferedFile, prefixLength: number) {
  const { sizeBytes, modifiedMs, isExecutable } = file;
  return { name: file.name.slice(prefixLength), sizeBytes, modifiedMs, isExecutable };
}

function nothingOffered(name: string): ShoalError {
  return new ShoalError("not_found", `${displayName(name)} is not offered`);
}
