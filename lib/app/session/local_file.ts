/** Opens files that the user named, with readable errors. */
import { ShoalError } from "../../errors.ts";
import {
  type FileIdentity,
  type OpenProblem,
  openRegularFile,
  type RegularFile,
  sameIdentity,
} from "../../io/files/regular_file.ts";
import { displayName } from "../../names.ts";

/** Throws ShoalError `usage` when there is no regular file at `path` that may be read. */
export function openLocalFile(path: string): RegularFile {
  const opened = openRegularFile(path, "follow");
  if (!opened.ok) throw problemError(path, opened.problem, opened.message);
  return opened.file;
}

/** What the file is now. Throws ShoalError `disk` when that cannot be told. */
export function identityOf(file: RegularFile, path: string): FileIdentity {
  const identity = file.identity();
  if (identity !== undefined) return identity;
  throw new ShoalError("disk", `cannot examine ${displayName(path)}`);
}

/** Throws ShoalError `changed` if the file is another than it was: what was read of it is of neither. */
export function requireUnchanged(file: RegularFile, path: string, before: FileIdentity): void {
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
