/**
 * Resolves names and patterns against a listing: each file once, in the order given, the files of a
 * pattern in the order of their names. A file that cannot be fetched fails alone. Pure.
 */
import { ShoalError } from "../../errors.ts";
import { NAMES_PER_GET_MAX } from "../limits.ts";
import { isMarked, marked, unmarked } from "../../marked_name.ts";
import { parseFileName } from "../../names.ts";
import type { FailedEvent, NoticeEvent } from "../events.ts";
import { NamePattern } from "../../name_pattern.ts";

/** What the caller named: a file, or files; or why that is not fetched. */
export type Wanted = string | NamePattern | FailedEvent;

interface WantedFiles {
  /** A name to fetch, or why one, or a pattern, is not fetched. */
  readonly items: readonly (string | FailedEvent)[];
  /** How many files each pattern matches, where it matches any. */
  readonly notices: readonly NoticeEvent[];
}

/**
 * Throws ShoalError `usage` for more files than one run takes.
 *
 * @param listed names that servers list, each once, not checked yet
 * @param isAskedByName whether a search would take this name for a name
 */
export function wantedFiles(
  wanted: readonly Wanted[],
  listed: readonly string[],
  isAskedByName: (name: string) => boolean,
): WantedFiles {
  const texts = wanted.filter((each) => typeof each === "string");
  const named = new Set(
    texts.filter((each) => isMarked(each) || isAskedByName(each)).map(unmarked),
  );
  const matched = wanted.map((each) =>
    each instanceof NamePattern ? listed.filter((name) => each.matches(name)) : []
  );
  const all = new Set([...texts.map(unmarked), ...matched.flat()]);
  if (all.size > NAMES_PER_GET_MAX) {
    throw new ShoalError(
      "usage",
      `that matches ${all.size} files, and one get takes at most ${NAMES_PER_GET_MAX}`,
      { hint: "Use narrower patterns, one after the other." },
    );
  }
  const folders = foldersOf(all);
  const told = new Set<string>();
  const items: (string | FailedEvent)[] = [];
  wanted.forEach((each, index) => {
    if (!(each instanceof NamePattern)) return void items.push(each);
    const files = matched[index]!;
    if (files.length === 0) items.push(failed(each.text, nothingMatches(each)));
    for (const name of files) {
      if (named.has(name) || told.has(name)) continue;
      told.add(name);
      const problem = problemOf(name) ?? clashOf(name, named, folders);
      items.push(problem === undefined ? typed(name, isAskedByName) : failed(name, problem));
    }
  });
  const notices = wanted.flatMap((each, index) => {
    const count = matched[index]!.length;
    return each instanceof NamePattern && count > 0 ? [matchNotice(each, count)] : [];
  });
  return { items, notices };
}

/**
 * The same where nobody could be asked for a listing: what is likely to be a name is searched for as
 * one, since servers of the classic protocol have no listing.
 */
export function wantedWithoutListing(
  wanted: readonly Wanted[],
  error: ShoalError,
  isAskedByName: (name: string) => boolean,
): WantedFiles {
  const items = wanted.map((each) => {
    if (!(each instanceof NamePattern)) return each;
    return each.isLikelyName ? typed(each.text, isAskedByName) : failed(each.text, error);
  });
  return { items, notices: [] };
}

export function failed(name: string, { code, message, hint }: ShoalError): FailedEvent {
  return { event: "failed", name, code, message, hint };
}

function nothingMatches({ text }: NamePattern): ShoalError {
  return new ShoalError("not_found", `no offered file matches '${text}'`);
}

function matchNotice({ text }: NamePattern, count: number): NoticeEvent {
  const files = count === 1 ? "1 file" : `${count} files`;
  return { event: "notice", level: "verbose", message: `'${text}' matches ${files}` };
}

function problemOf(name: string): ShoalError | undefined {
  const parsed = parseFileName(name);
  if (parsed.ok) return undefined;
  return new ShoalError(
    "bad_name",
    `'${name}' is listed but is not a valid name: ${parsed.problem}`,
  );
}

/** As one that a search takes for a name, whatever it looks like. */
function typed(name: string, isAskedByName: (name: string) => boolean): string {
  return isAskedByName(name) ? name : marked(name);
}

/** Files keep their names below the target folder, so this is the only way that two can clash. */
function clashOf(
  name: string,
  named: ReadonlySet<string>,
  folders: ReadonlyMap<string, string>,
): ShoalError | undefined {
  const below = folders.get(name);
  if (below !== undefined) return clash(name, below);
  // What was named itself is what is wanted most: it stays.
  const above = foldersAbove(name).find((folder) => named.has(folder));
  return above === undefined ? undefined : clash(above, name);
}

function clash(folder: string, name: string): ShoalError {
  return new ShoalError(
    "busy_target",
    `'${folder}' would be both a file and the folder of '${name}'`,
    {
      hint: "Fetch them one after the other, with different --out folders.",
    },
  );
}

/** Every folder that one of the names lies in, and such a name. */
function foldersOf(names: Iterable<string>): Map<string, string> {
  const folders = new Map<string, string>();
  for (const name of names) {
    for (const folder of foldersAbove(name)) folders.set(folder, name);
  }
  return folders;
}

function foldersAbove(name: string): string[] {
  const folders: string[] = [];
  for (let end = name.indexOf("/"); end !== -1; end = name.indexOf("/", end + 1)) {
    folders.push(name.slice(0, end));
  }
  return folders;
}
