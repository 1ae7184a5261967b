/** Files that the user named, opened and read with readable errors. */
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { ClientHost } from "../../io/net/client_driver.ts";
import type { ClientStepOf } from "../../protocol/session/client_dialogue.ts";
import {
  type FileIdentity,
  type OpenProblem,
  type RegularFile,
  sameIdentity,
} from "../../io/files/regular_file.ts";
import type { Disk } from "../../io/files/disk.ts";
import { displayName } from "../../names.ts";

/** Throws ShoalError `usage` when there is no regular file at `path` that may be read. */
export function openLocalFile(disk: Disk, path: string): RegularFile {
  const opened = disk.openRegular(path, "follow");
  if (!opened.ok) throw problemError(path, opened.problem, opened.message);
  return opened.file;
}

/** A file that is sent: what is read of it is of one and the same file, or nothing is. */
export class FileToSend implements Required<Pick<ClientHost, "read" | "confirm">> {
  readonly identity: FileIdentity;
  readonly #path: string;
  readonly #file: RegularFile;
  #buffer: Bytes = new Uint8Array(0);

  /** Throws ShoalError `usage` or `disk`. */
  constructor(disk: Disk, path: string) {
    this.#path = path;
    this.#file = openLocalFile(disk, path);
    this.identity = identityOf(this.#file, path);
  }

  get sizeBytes(): number {
    return this.identity.signature.sizeBytes;
  }

  /** Throws ShoalError `disk` if there are fewer bytes. */
  read({ offset, lengthBytes, headerBytes }: ClientStepOf<"read">): Bytes {
    const wholeBytes = headerBytes + lengthBytes;
    if (this.#buffer.length < wholeBytes) this.#buffer = new Uint8Array(wholeBytes);
    if (this.#file.readAt(this.#buffer, headerBytes, lengthBytes, offset) < lengthBytes) {
      throw new ShoalError(
        "disk",
        `${displayName(this.#path)} was truncated while it was being read`,
      );
    }
    return this.#buffer.subarray(0, wholeBytes);
  }

  /** Throws ShoalError `changed` if the file is another than it was. */
  confirm(): void {
    requireUnchanged(this.#file, this.#path, this.identity);
  }

  close(): void {
    this.#file.close();
  }
}

/** What the file is now. Throws ShoalError `disk` when that cannot be told. */
function identityOf(file: RegularFile, path: string): FileIdentity {
  const identity = file.identity();
  if (identity !== undefined) return identity;
  throw new ShoalError("disk", `cannot examine ${displayName(path)}`);
}

/** Throws ShoalError `changed` if the file is another than it was: what was read of it is of neither. */
function requireUnchanged(file: RegularFile, path: string, before: FileIdentity): void {
  if (sameIdentity(file.identity(), before)) return;
  throw new ShoalError("changed", `${displayName(path)} changed while it was being sent`, {
    hint: "Run the same command again when nothing is writing to it.",
  });
}

const PROBLEMS: Readonly<Record<OpenProblem, { readonly says: string; readonly hint: string }>> = {
  missing: { says: "does not exist", hint: "Check the path: names are case-sensitive." },
  folder: { says: "is a folder", hint: "Name files, not folders." },
  special: { says: "is not a regular file", hint: "Only regular files can be uploaded or hashed." },
  unreadable: { says: "cannot be read", hint: "Check the file's permissions." },
};

function problemError(path: string, problem: OpenProblem, cause: string): ShoalError {
  const { says, hint } = PROBLEMS[problem];
  return new ShoalError("usage", `${displayName(path)} ${says}`, { hint, cause });
}
