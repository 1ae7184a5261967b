/**
 * `get` as the library offers it: names, and globs and folders over what is listed. The patterns of a
 * run are resolved at once, by one listing, before any name is searched for.
 */
import { ShoalError } from "../../errors.ts";
import {
  LIST_DEFAULTS,
  type ResolvedGetOptions,
  type ResolvedTcpGetOptions,
  resolveGet,
  resolveTcpGet,
} from "../option_defaults.ts";
import { denoRuntime, type Runtime } from "../../io/runtime.ts";
import { unmarked } from "../../marked_name.ts";
import { parseFileName } from "../../names.ts";
import type { GetExtension } from "./get_extension.ts";
import type { DoneEvent, FailedEvent, FileEvent, GetEvent, ListEvent } from "../events.ts";
import { requireAll } from "../files_error.ts";
import { getOverDatagrams, getOverStream } from "./get.ts";
import { requireFolderNames, requireOneFile } from "../get_target.ts";
import { listIn } from "../list/list.ts";
import { NamePattern, namePattern } from "../../name_pattern.ts";
import type { GetOptions, GetResult, ListResult, TcpGetOptions } from "../options.ts";
import { getByAscii } from "../session/ascii_get.ts";
import { fetchMeant } from "./meant_folders.ts";
import { presentFiles } from "./present_files.ts";
import { questionOf } from "./stream_search.ts";
import { listOverTcpIn } from "../list/tcp_list.ts";
import type { RunOutset } from "./run_totals.ts";
import { requireOwnDialect, tellingOfSeal } from "../sealed_events.ts";
import { resolveShortHash, shortDigits, type ShortHash, shortHashOf } from "./short_hash.ts";
import { failed, type Wanted, wantedFiles, wantedWithoutListing } from "./wanted_files.ts";

/**
 * Fetches files by name, content, glob or folder from every server that has them. Each is verified before it
 * appears in the folder, and resumes where an earlier run stopped.
 *
 * @param options what to fetch, and where to
 * @returns where each file is, and what it is: all that were asked for, in their order; of a pattern or a folder, one
 * for each file
 * @throws {FilesError} if a file failed; those that did not are there all the same, and it has the results of both
 * @throws {ShoalError} `usage` or `bad_name` for names or hosts that cannot be asked for, `network` if no
 * socket can be opened
 *
 * @example Fetch every text file
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { get, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 *
 * const [file] = await get({
 *   names: ["*.txt"],
 *   outDir: await Deno.makeTempDir(),
 *   port: server.ready.port,
 *   broadcast: ["127.255.255.255"], // this machine alone; leave it out to ask the whole network
 * });
 * assertEquals(await Deno.readTextFile(file!.path), "hello");
 * await server.close();
 * ```
 */
export async function get(options: GetOptions): Promise<readonly DoneEvent[]> {
  return requireAll(await getSettled(options));
}

/**
 * The same, without rejecting for a file that failed: what became of each stands beside the others, as with
 * `Promise.allSettled`.
 *
 * @param options what to fetch, and where to
 * @returns one event per file, `done` or `failed`
 * @throws {ShoalError} as {@linkcode get} does before anything is asked for
 *
 * @example Go on without what failed
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { getSettled, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 *
 * const results = await getSettled({
 *   names: ["notes.txt", "missing.txt"],
 *   outDir: await Deno.makeTempDir(),
 *   port: server.ready.port,
 *   broadcast: ["127.255.255.255"],
 * });
 * const failed = results.filter((result) => result.event === "failed");
 * assertEquals(failed.map(({ name, code }) => [name, code]), [["missing.txt", "not_found"]]);
 * await server.close();
 * ```
 */
export async function getSettled(options: GetOptions): Promise<GetResult> {
  return await getIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function getIn(
  runtime: Runtime,
  given: GetOptions,
  extension: GetExtension = {},
): Promise<GetResult> {
  const options = resolveGet(given);
  requireFolderNames(options);
  requireOneFile(runtime.disk, options);
  return await tellingOfSeal(options, (telling) => getResolved(runtime, telling, extension));
}

async function getResolved(
  runtime: Runtime,
  options: ResolvedGetOptions,
  extension: GetExtension,
): Promise<GetResult> {
  const { timeoutMs } = options;
  return await getWanted(runtime, { ...options, keepsPresent: keepsPresent(options) }, {
    takesFolders: true,
    fetch: (names, { pin, outset, ...listening }) => {
      const wanted = { ...options, ...pin, ...listening, names };
      return getOverDatagrams(wanted, runtime, extension, outset);
    },
    tellsFolders: true,
    isAskedByName: (name) => !name.startsWith("sha256:"),
    list: (isAll, onEvent) => {
      // Names may yet come from servers that list nothing: they don't wait long for those that do.
      const briefMs = Math.min(timeoutMs, LIST_DEFAULTS.timeoutMs);
      const patience = isAll ? {} : { timeoutMs: briefMs, retries: 1, waitMs: briefMs };
      return listIn(runtime, { ...options, ...patience, onEvent });
    },
  });
}

/**
 * The same as {@linkcode get} over TCP, from one server: for networks that drop UDP, and for servers of the older ASCII
 * protocol.
 *
 * @param options what to fetch, from whom, and where to
 * @returns where each file is, and what it is
 * @throws {FilesError} if a file failed
 * @throws {ShoalError} `usage` or `bad_name` for names or hosts that cannot be asked for
 *
 * @example Fetch one file from one server
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { getOverTcp, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 *
 * const [file] = await getOverTcp({
 *   names: ["notes.txt"],
 *   outDir: await Deno.makeTempDir(),
 *   server: `127.0.0.1:${server.ready.tcpPort}`,
 * });
 * assertEquals(file?.size, 5);
 * await server.close();
 * ```
 */
export async function getOverTcp(options: TcpGetOptions): Promise<readonly DoneEvent[]> {
  return requireAll(await getOverTcpSettled(options));
}

/**
 * The same, without rejecting for a file that failed.
 *
 * @param options what to fetch, from whom, and where to
 * @returns one event per file, `done` or `failed`
 * @throws {ShoalError} as {@linkcode getOverTcp} does before anything is asked for
 *
 * @example See why a file failed
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { getOverTcpSettled, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 *
 * const [result] = await getOverTcpSettled({
 *   names: ["missing.txt"],
 *   outDir: await Deno.makeTempDir(),
 *   server: `127.0.0.1:${server.ready.tcpPort}`,
 * });
 * assertEquals(result?.event === "failed" && result.code, "not_found");
 * await server.close();
 * ```
 */
export async function getOverTcpSettled(options: TcpGetOptions): Promise<GetResult> {
  return await getOverTcpIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function getOverTcpIn(runtime: Runtime, given: TcpGetOptions): Promise<GetResult> {
  const options = resolveTcpGet(given);
  requireFolderNames(options);
  requireOneFile(runtime.disk, options);
  requireOwnDialect(options);
  return await tellingOfSeal(options, (telling) => getResolvedOverTcp(runtime, telling));
}

async function getResolvedOverTcp(
  runtime: Runtime,
  options: ResolvedTcpGetOptions,
): Promise<GetResult> {
  const { dialect } = options;
  if (dialect === "json") {
    throw new ShoalError("usage", "the JSON dialect cannot fetch files", {
      hint: "It knows uploads only: `put --dialect json`.",
    });
  }
  if (dialect === "ascii" && options.sink !== undefined) {
    throw new ShoalError("usage", "the ASCII dialect verifies a file only when it is complete", {
      hint: "Fetch it into a file.",
    });
  }
  if (dialect === "ascii" && (options.mirror || options.dryRun)) {
    throw new ShoalError("usage", "the ASCII dialect knows no folders", {
      hint: "Leave the dialect out, where the server is one of Shoal.",
    });
  }
  return await getWanted(runtime, { ...options, keepsPresent: keepsPresent(options) }, {
    takesFolders: dialect !== "ascii",
    tellsFolders: false,
    fetch: async (names, { pin, outset, ...listening }) => {
      const wanted = { ...options, ...pin, ...listening, names };
      if (dialect !== "ascii") return await getOverStream(wanted, runtime, outset);
      return (await getByAscii(runtime, wanted)).map((event) => [event]);
    },
    isAskedByName: (name) => questionOf(name)["name"] !== undefined,
    list: (_, onEvent) => listOverTcpIn(runtime, { ...options, onEvent }),
  });
}

/** Whether a file of that name is left as it is: not where it would be replaced, nor where it has another name here. */
function keepsPresent(
  { force, portableNames }: { readonly force: boolean; readonly portableNames: boolean },
): boolean {
  return !force && !portableNames;
}

/** A way to servers. */
interface Way {
  /** What became of each name, of which a folder's are several. */
  fetch(names: readonly string[], known: Known): Promise<readonly GetResult[]>;
  /** Whether servers say of a name that it is that of a folder. */
  readonly tellsFolders: boolean;
  /** Whether it takes folders as they are. */
  readonly takesFolders: boolean;
  /** @param isAll whether nothing can be fetched without the listing */
  list(isAll: boolean, onEvent: (event: ListEvent) => void): Promise<ListResult>;
  isAskedByName(name: string): boolean;
}

/** What is known before anything is searched for. */
interface Known {
  /** The whole of a SHA-256 that was given in part. */
  readonly pin?: { readonly sha256: string };
  readonly outset?: RunOutset;
  /** Who hears of it, if not the caller. */
  readonly onEvent?: (event: GetEvent) => void;
}

type Common = Pick<GetOptions, "names" | "sha256" | "outDir" | "onEvent" | "signal"> & {
  /** What is there already is kept, if it is what is wanted. */
  readonly keepsPresent: boolean;
};

async function getWanted(runtime: Runtime, options: Common, way: Way): Promise<GetResult> {
  const digits = options.sha256 === undefined ? undefined : shortDigits(options.sha256);
  if (digits !== undefined) return await getByDigits(options, way, digits);
  const wanted = wantedOf(options).map((each) =>
    way.takesFolders && each instanceof NamePattern && each.isFolder ? each.text : each
  );
  if (wanted.every((each) => typeof each === "string")) {
    tellCount(options, wanted.length);
    return (await fetchNames(options, way, options.names, {})).flat();
  }
  const { files, items, notices } = await resolved(wanted, way, options.onEvent);
  for (const notice of notices) options.onEvent?.(notice);
  tellCount(options, items.length);
  const failures = items.filter((item): item is FailedEvent => typeof item !== "string");
  for (const failure of failures) options.onEvent?.(failure);
  const present = await presentOf(runtime, options, items, files);
  const ended = (item: string | FailedEvent): DoneEvent | FailedEvent | undefined =>
    typeof item === "string" ? present.get(item) : item;
  const names = items.filter((item): item is string => ended(item) === undefined);
  const sizes = new Map(files.map(({ name, size }) => [name, size]));
  const outset = { sizes, ended: [...present.values(), ...failures] };
  const fetched = names.length === 0 ? [] : await fetchNames(options, way, names, { outset });
  let next = 0;
  return items.flatMap((item) => ended(item) ?? fetched[next++]!);
}

/** A name without its slash may be that of a folder, unless it goes to one file. */
async function fetchNames(
  { onEvent, outDir, sha256 }: Common,
  way: Way,
  names: readonly string[],
  known: Known,
): Promise<readonly GetResult[]> {
  if (!way.takesFolders || outDir === undefined || sha256 !== undefined) {
    return await way.fetch(names, known);
  }
  return await fetchMeant(names, {
    fetch: (names, onEvent) => way.fetch(names, { ...known, onEvent }),
    onEvent,
    isTold: way.tellsFolders,
  });
}

/** Whoever shows it knows from the beginning that there are many. */
function tellCount({ onEvent }: Common, files: number): void {
  if (files < 2) return;
  const counts = { files, filesDone: 0, filesFailed: 0, bytes: 0, rate: 0, fileRate: 0 };
  onEvent?.({ event: "total", ...counts });
}

/** One name, of a content of which the first digits are known. */
async function getByDigits(options: Common, way: Way, digits: string): Promise<GetResult> {
  const { onEvent, names: [name, ...others] } = options;
  if (name === undefined || others.length > 0) {
    throw new ShoalError("usage", "sha256 is for one name");
  }
  const short = { text: name, digits, name: unmarked(name) };
  const listing = await listed(way, true, onEvent);
  const found = listing instanceof ShoalError ? listing : resolveShortHash(short, listing);
  if (found instanceof ShoalError) {
    const failure = failed(name, found);
    onEvent?.(failure);
    return [failure];
  }
  if (found.notice !== undefined) onEvent?.(found.notice);
  return (await way.fetch([name], { pin: { sha256: found.sha256 } })).flat();
}

/** What is wanted and was listed, and is there already: it is not searched for. */
async function presentOf(
  runtime: Runtime,
  { outDir, keepsPresent, signal, onEvent }: Common,
  items: readonly (string | FailedEvent)[],
  offered: readonly FileEvent[],
): Promise<ReadonlyMap<string, DoneEvent>> {
  // What goes elsewhere is one file, of no pattern.
  if (!keepsPresent || outDir === undefined) return new Map();
  const wanted = new Set(items);
  const onPresent = (event: DoneEvent): void => onEvent?.(event);
  return await presentFiles(
    runtime,
    { all: offered, wanted: offered.filter(({ name }) => wanted.has(name)) },
    { outDir, signal, onPresent },
  );
}

/** Throws ShoalError `bad_name`. Of a content that is given there is one file: its name is no pattern. */
function wantedOf({ names, sha256 }: Common): (string | NamePattern | ShortHash)[] {
  if (sha256 !== undefined) return [...names];
  return names.map((text) => {
    const short = shortHashOf(text);
    if (short !== undefined) return short;
    const pattern = namePattern(text);
    if (pattern === undefined) return text;
    const parsed = parseFileName(pattern.name);
    if (parsed.ok) return pattern;
    throw new ShoalError("bad_name", `not a valid file name: ${parsed.problem}`);
  });
}

async function resolved(
  wanted: readonly (string | NamePattern | ShortHash)[],
  way: Way,
  onEvent: Common["onEvent"],
) {
  const isAll = wanted.every((each) =>
    each instanceof NamePattern ? !each.isLikelyName : typeof each !== "string"
  );
  const files = await listed(way, isAll, onEvent);
  const named = wholeHashes(wanted, files, onEvent);
  if (files instanceof ShoalError) {
    return { files: [], ...wantedWithoutListing(named, files, way.isAskedByName) };
  }
  // Different contents of one name are listed apart.
  const names = new Set(files.map(({ name }) => name));
  return { files, ...wantedFiles(named, [...names].sort(), way.isAskedByName) };
}

/** Hashes that were given in part, as whole ones, each once. */
function wholeHashes(
  wanted: readonly (string | NamePattern | ShortHash)[],
  files: readonly FileEvent[] | ShoalError,
  onEvent: Common["onEvent"],
): Wanted[] {
  const taken = new Set(
    wanted.flatMap((each) => typeof each === "string" ? [each.toLowerCase()] : []),
  );
  return wanted.map((each) => {
    if (typeof each === "string" || each instanceof NamePattern) return each;
    const found = files instanceof ShoalError ? files : resolveShortHash(each, files);
    if (found instanceof ShoalError) return failed(each.text, found);
    const whole = `sha256:${found.sha256}`;
    if (taken.has(whole)) {
      return failed(each.text, new ShoalError("usage", `${whole} is named twice`));
    }
    taken.add(whole);
    if (found.notice !== undefined) onEvent?.(found.notice);
    return whole;
  });
}

/** What servers list, or why there is no listing. */
async function listed(
  way: Way,
  isAll: boolean,
  onEvent: Common["onEvent"],
): Promise<readonly FileEvent[] | ShoalError> {
  try {
    return await way.list(isAll, (event) => {
      const told = toldWhileListing(event);
      if (told !== undefined) onEvent?.(told);
    });
  } catch (thrown) {
    const error = ShoalError.from(thrown);
    if (error.code === "usage" || error.code === "internal") throw thrown;
    return error;
  }
}

/** What is said of a listing during a get, where what is waited for is not a name. */
function toldWhileListing(event: ListEvent): GetEvent | undefined {
  if (event.event === "file") return undefined;
  if (event.event !== "waiting") return event;
  const { message, attempt, attempts } = event;
  const times = attempts > 1 ? ` (attempt ${attempt} of ${attempts})` : "";
  return { event: "notice", level: "info", message: message + times };
}
