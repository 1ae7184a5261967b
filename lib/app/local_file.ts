/** Opens files that the user named, and says in words what is wrong with them. */
import { ShoalError } from "../errors.ts";
import { type OpenProblem, openRegularFile, type RegularFile } from "../io/regular_file.ts";
import { displayName } from "../names.ts";

/** Throws ShoalError `usage` when there is no regular file at `path` that may be read. */
export function openLocalFile(path: string): RegularFile {
  const opened = openRegularFile(path, "follow");
  if (!opened.ok) throw problemError(path, opened.problem, opened.message);
  return opened.file;
}

const PROBLEMS: Readonly<Record<OpenProblem, { readonly says: string; readonly hint: string }>> = {
  missing: { says: "does not exist", hint: "Look at the path: names are told apart by case." },
  folder: { says: "is a folder", hint: "Name files, not folders." },
  special: { says: "is not a regular file", hint: "Only regular files will do." },
  unreadable: { says: "cannot be read", hint: "Look at the file's permissions." },
};

function problemError(path: string, problem: OpenProblem, cause: string): ShoalError {
  const { says, hint } = PROBLEMS[problem];
  return new ShoalError("usage", `${displayName(path)} ${says}`, { hint, cause });
}
