/** Checks the names of a `get` before anything is sent. */
import { SHOWN_CHARACTERS_MAX } from "./limits.ts";
import { SHORT_HASH_DIGITS_MIN } from "../app/limits.ts";
import { namePattern } from "../name_pattern.ts";
import { ShoalError } from "../errors.ts";
import { isMarked, marked, unmarked } from "../marked_name.ts";
import { displayName, type NameProblem, parseFileName } from "../names.ts";
import { shellWord } from "../io/system/invocation.ts";
import { SHA256 } from "./value_types.ts";

const CONTENT_PREFIX = "sha256:";
const MD5_PREFIX = "md5:";

/**
 * Throws ShoalError `usage` or `bad_name`.
 *
 * @param isTcp whether a session is asked, which knows MD5s as well
 */
export function checkWanted(
  names: readonly string[],
  sha256: string | undefined,
  isTcp = false,
): void {
  if (sha256 !== undefined && names.length > 1) {
    throw new ShoalError("usage", `--sha256 is for one name, not for ${names.length}`, {
      hint: "Run `get` once for each, or name contents as sha256:HEX.",
    });
  }
  const wanted = new Set<string>();
  const plain = new Set<string>();
  const checkPlain = (typed: string): void => {
    const pattern = sha256 === undefined ? namePattern(typed) : undefined;
    checkFileName(pattern?.name ?? unmarked(typed), names.length > 1 ? typed : undefined);
    if (pattern === undefined) plain.add(unmarked(typed));
  };
  for (const typed of names) {
    const name = unmarked(typed);
    const isContent = !isMarked(typed) &&
      [CONTENT_PREFIX, MD5_PREFIX].some((prefix) => name.startsWith(prefix));
    if (!isContent) checkPlain(typed);
    else if (name.startsWith(CONTENT_PREFIX)) checkContentName(name, sha256);
    else checkMd5Name(name, isTcp);
    const key = isContent ? name : marked(name);
    if (wanted.has(key)) {
      throw new ShoalError("usage", `${displayName(name)} is named twice`, {
        hint: "Name each file once.",
      });
    }
    wanted.add(key);
  }
  checkFolders(plain);
}

function checkContentName(name: string, sha256: string | undefined): void {
  const digest = name.slice(CONTENT_PREFIX.length);
  if (SHA256.read(digest) === undefined) {
    throw new ShoalError(
      "usage",
      `${displayName(name)} is not sha256: and ${SHORT_HASH_DIGITS_MIN} to 64 hexadecimal digits`,
      {
        hint: "Copy the digits from `list` or `hash`.",
      },
    );
  }
  if (sha256 !== undefined) {
    throw new ShoalError("usage", "--sha256 and a sha256:HEX name say the same thing twice", {
      hint: "Leave one of them out.",
    });
  }
}

function checkMd5Name(name: string, isTcp: boolean): void {
  if (!/^[0-9a-f]{32}$/i.test(name.slice(MD5_PREFIX.length))) {
    throw new ShoalError("usage", `${displayName(name)} is not md5: and 32 hexadecimal digits`, {
      hint: "Copy the id from the output of `put` or of an older server.",
    });
  }
  if (isTcp) return;
  throw new ShoalError("usage", "an MD5 can only be looked up over TCP", {
    hint: "Add --tcp and --server HOST, or name the file, or its sha256:HEX.",
  });
}

/** @param other what was typed, if it stands beside other names: it may be where these are to go */
function checkFileName(name: string, other: string | undefined): void {
  const parsed = parseFileName(name);
  if (parsed.ok) return;
  const message = `${shortened(name)}: ${PROBLEM_TEXT[parsed.problem]}`;
  const isPath = other !== undefined && PATH_PROBLEMS.has(parsed.problem);
  throw new ShoalError("bad_name", message, {
    ...(isPath && { hint: `To say where files go: --out ${shellWord(other)}` }),
  });
}

/** What paths of this machine are, and no names of a server. */
const PATH_PROBLEMS: ReadonlySet<NameProblem> = new Set([
  "absolute",
  "backslash",
  "dot component",
  "drive letter",
]);

/**
 * Files keep their names below the target folder, so this is the only way that two can clash. What patterns
 * match is not known yet: there it is a failure of the one file.
 */
function checkFolders(wanted: ReadonlySet<string>): void {
  for (const name of wanted) {
    for (let end = name.indexOf("/"); end !== -1; end = name.indexOf("/", end + 1)) {
      const folder = name.slice(0, end);
      if (!wanted.has(folder)) continue;
      throw new ShoalError(
        "usage",
        `${shortened(folder)} would be both a file and the folder of ${shortened(name)}`,
        { hint: "Fetch them one after the other, with different --out folders." },
      );
    }
  }
}

const PROBLEM_TEXT: Readonly<Record<NameProblem, string>> = {
  "empty": "a name may not be empty",
  "too long": "the name is too long",
  "component too long": "a part of the name is too long",
  "too deep": "the name has too many folders",
  "absolute": "a name may not start with a slash",
  "backslash": "a name may not contain a backslash",
  "control character": "a name may not contain a control character",
  "not valid text": "the name is not valid text",
  "dot component": "a name may not contain . or .. as a part",
  "empty component": "a name may not contain two slashes in a row, or end with one",
  "drive letter": "a name may not start with a drive letter",
  "reserved device name": "a part of the name is a reserved Windows device name",
};

function shortened(name: string): string {
  const shown = displayName(name.slice(0, SHOWN_CHARACTERS_MAX));
  return name.length > SHOWN_CHARACTERS_MAX ? `${shown}…` : shown;
}
