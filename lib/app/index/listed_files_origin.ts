/**
 * Single files, each anywhere on the disk, offered under a name of its own. A link leads to what is offered: if it is
 * pointed elsewhere, that is another file under the same name.
 */
import { basename } from "@std/path/basename";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Disk } from "../../io/files/disk.ts";
import { type Inspected, inspectFile, type ScannedFile } from "../../io/files/folder_scan.ts";
import { displayName } from "../../names.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import type { FileToOffer } from "../options.ts";
import { offeredName } from "./offered_name.ts";
import type { Origin, OriginScan } from "./origin.ts";

type FilePlace = Extract<ContentPlace, { kind: "file" }>;

interface Listed {
  /** As it was given. */
  readonly path: string;
  /** Where that led when somebody last looked. */
  place: FilePlace;
}

export class ListedFilesOrigin implements Origin {
  readonly names: readonly SafeFileName[];
  readonly uploadDir = undefined;
  readonly isFinal = false;
  readonly #disk: Disk;
  readonly #files = new Map<SafeFileName, Listed>();

  /** @throws ShoalError `usage` for what is no regular file that may be read, `bad_name` */
  constructor(disk: Disk, files: readonly FileToOffer[]) {
    this.#disk = disk;
    this.names = files.map(({ path, name }) => offeredName(name ?? basename(path)));
    files.forEach(({ path }, index) => {
      requireReadable(disk, path);
      this.#files.set(this.names[index]!, { path, place: placeOf(disk.realPath(path)) });
    });
  }

  async *scan({ onLeftOut, signal }: OriginScan): AsyncGenerator<ScannedFile> {
    for (const name of this.names) {
      if (signal.aborted) return;
      const found = this.inspect(name);
      if (found.kind === "file") yield { name, signature: found.signature };
      else {
        const why = found.kind === "leftOut" ? found.why : "there is no such file any more";
        onLeftOut(`${displayName(this.#files.get(name)!.path)} is skipped: ${why}`);
      }
    }
  }

  inspect(name: SafeFileName): Inspected {
    const file = this.#files.get(name);
    if (file === undefined) return { kind: "nothing" };
    try {
      file.place = placeOf(this.#disk.realPath(file.path));
    } catch {
      return { kind: "nothing" };
    }
    return inspectFile(this.#disk, file.place.dir, file.place.name);
  }

  placeOf(name: SafeFileName): ContentPlace {
    return this.#files.get(name)!.place;
  }

  keyOf(name: SafeFileName): string {
    const { place } = this.#files.get(name)!;
    return pathOf(place);
  }

  nameOf(key: string): SafeFileName | undefined {
    for (const [name, { place }] of this.#files) if (pathOf(place) === key) return name;
    return undefined;
  }

  /** The regular scans see what becomes of them. */
  watch(): () => void {
    return () => {};
  }

  close(): void {}
}

function placeOf(path: string): FilePlace {
  return { kind: "file", dir: dirname(path), name: basename(path) };
}

function pathOf({ dir, name }: FilePlace): string {
  return join(dir, name);
}

function requireReadable(disk: Disk, path: string): void {
  const opened = disk.openRegular(path, "follow");
  if (opened.ok) return opened.file.close();
  const problem = {
    missing: "does not exist",
    folder: "is a folder: only one folder can be offered",
    special: "is not a regular file",
    unreadable: "cannot be read",
  }[opened.problem];
  throw new ShoalError("usage", `${displayName(path)} ${problem}`, {
    hint: "Name files that are there, and at most one folder.",
    cause: opened.message,
  });
}
