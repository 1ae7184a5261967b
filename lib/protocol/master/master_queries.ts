/** A client's questions to a master (docs/PROTOCOL.md, "Master"): who has this, what is there? */
import { withoutScope } from "../../address.ts";
import type { SafeFileName } from "../../ids.ts";
import { parseFileName } from "../../names.ts";
import { SIMILAR_NAMES_MAX } from "../../wire/limits.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import { type ClientDialogue, perform } from "../session/client_dialogue.ts";
import type { JsonSession } from "../session/json_session.ts";
import { LISTING_FILES_MAX, LOCATE_QUERIES_MAX, REGISTRY_PAGE_FILES } from "./limits.ts";
import { locatedIn } from "./master_messages.ts";
import { letterSet, similarNames } from "../serve/similar_names.ts";
import type { LocatedFile, LocateQuery } from "./registry_store.ts";

/**
 * Who has the files that are looked for, query by query.
 *
 * @param except addresses that are not to be told of
 * @throws ShoalError `refused`, `stalled`, `network`
 */
export function* locateFiles(
  session: JsonSession,
  queries: readonly LocateQuery[],
  except: readonly string[] = [],
): ClientDialogue<LocatedFile[][]> {
  const found: LocatedFile[][] = [];
  for (let at = 0; at < queries.length; at += LOCATE_QUERIES_MAX) {
    found.push(...yield* located(session, queries.slice(at, at + LOCATE_QUERIES_MAX), except));
  }
  return found;
}

/** Everything that a master knows of, page by page, over as many connections as it takes. */
export class RegistryListing {
  readonly #onFiles: (files: readonly LocatedFile[]) => void;
  #after: SafeFileName | undefined;
  #fileCount = 0;

  constructor(onFiles: (files: readonly LocatedFile[]) => void) {
    this.#onFiles = onFiles;
  }

  /** @throws ShoalError `refused`, `stalled`, `network` */
  *read(session: JsonSession): ClientDialogue {
    let isFull = true;
    while (this.#fileCount <= LISTING_FILES_MAX) {
      const after = this.#after;
      const request = { command: "list", ...(after !== undefined && { after }) };
      // One that tells little each time, and that more follows, could be asked for ever.
      const page: JsonObject = yield* isFull ? session.ask(request) : session.askOn(request);
      const files = filesIn(page["files"]);
      if (page["status"] !== "files" || files === undefined) throw session.nonsense();
      this.#onFiles(files);
      const next = page["next"] as SafeFileName | undefined;
      if (next === undefined) return;
      if (files.length === 0 || next === after) throw session.nonsense();
      this.#after = next;
      this.#fileCount += files.length;
      isFull = files.length >= REGISTRY_PAGE_FILES;
      if (isFull) yield* perform("advance", {});
    }
    throw session.nonsense();
  }
}

/**
 * Who has files below a folder: those of one page of them.
 *
 * @param after the name after which the page begins, from the one before; the first page if it is not given
 * @returns `next` to ask for the page after it, if there is one
 * @throws ShoalError `refused`, `stalled`, `network`
 */
export function* filesBelow(
  session: JsonSession,
  folder: SafeFileName | undefined,
  after: SafeFileName | undefined,
): ClientDialogue<{ readonly files: LocatedFile[]; readonly next: SafeFileName | undefined }> {
  const request = {
    command: "list",
    ...(folder !== undefined && { prefix: `${folder}/` }),
    ...(after !== undefined && { after }),
  };
  const { status, files: listed, next } = yield* session.ask(request);
  const files = filesIn(listed);
  if (status !== "files" || files === undefined) throw session.nonsense();
  const parsed = typeof next === "string" ? parseFileName(next) : undefined;
  return { files, next: parsed?.ok ? parsed.name : undefined };
}

/**
 * Names like one that nobody has: of the first page, and of one that begins near where it would stand, so that a large
 * registry costs no more than a small one.
 *
 * @throws ShoalError `refused`, `stalled`, `network`
 */
export function* namesLike(
  session: JsonSession,
  wanted: SafeFileName,
): ClientDialogue<SafeFileName[]> {
  const names = new Set<SafeFileName>();
  const near = parseFileName(wanted.slice(0, Math.ceil(wanted.length / 2)));
  for (const after of [undefined, ...near.ok ? [near.name] : []]) {
    const request = { command: "list", ...(after !== undefined && { after }) };
    const page: JsonObject = yield* session.ask(request);
    const files = filesIn(page["files"]);
    if (page["status"] !== "files" || files === undefined) throw session.nonsense();
    for (const { name } of files) names.add(name);
    if (page["next"] === undefined) break;
  }
  const sorted = [...names].sort().map((name) => ({ name, letters: letterSet(name) }));
  return similarNames(wanted, sorted, SIMILAR_NAMES_MAX);
}

function* located(
  session: JsonSession,
  queries: readonly LocateQuery[],
  except: readonly string[],
): ClientDialogue<LocatedFile[][]> {
  // The answer is in the order of the names, then of the contents.
  const names = queries.filter((query) => query.by === "name");
  const contents = queries.filter((query) => query.by === "sha256");
  const request: JsonObject = {
    command: "locate",
    names: names.map(({ name }) => name),
    sha256: contents.map(({ sha256 }) => sha256),
    ...(except.length > 0 && { except: except.map(withoutScope) }),
  };
  const { status, found } = yield* session.ask(request);
  const isWhole = status === "located" && Array.isArray(found) && found.length === queries.length;
  if (!isWhole) throw session.nonsense();
  const answers = new Map<LocateQuery, LocatedFile[]>();
  [...names, ...contents].forEach((query, i) => answers.set(query, filesIn(found[i]) ?? []));
  return queries.map((query) => answers.get(query)!);
}

function filesIn(value: unknown): LocatedFile[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const files = value.map(locatedIn).filter((file) => file !== undefined);
  return files.length === value.length ? files : undefined;
}
