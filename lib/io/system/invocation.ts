/**
 * How this program was called, as somebody would type it again: `shoal` where a launcher started it,
 * otherwise the very line. A command and its arguments follow it.
 */
import { fromFileUrl } from "@std/path/from-file-url";
import { isGranted } from "./permissions.ts";

/** Set by what starts the program for somebody who typed something else: launchers and tasks. */
const STARTED_AS = "SHOAL_STARTED_AS";
const TASK = "deno task";
/** The folder in which a task was typed; tasks themselves run in the project's. */
const TASK_FOLDER = "INIT_CWD";

/** What is known of the start of a process. */
interface StartFacts {
  /** What the launcher says was typed. */
  readonly startedAs: string | undefined;
  /** Whether `npx` fetched the Deno that runs this: there may be no other. */
  readonly isUnderNpx: boolean;
  readonly denoVersion: string;
  /** The words of the process that somebody started, where the system tells. */
  readonly words: readonly string[] | undefined;
  /** Those of them that are ours. */
  readonly args: readonly string[];
  readonly mainPath: string;
  /** The permission set of `deno.json` that it runs with, if it seems to. */
  readonly permissionSet: string | undefined;
}

/** `permissionSets` are the names of those in `deno.json`: each is for the command of its name. */
export function invocation(permissionSets: readonly string[]): string {
  const startedAs = environment(STARTED_AS);
  const mayReadAll = isGranted({ name: "read" });
  return invocationFrom({
    startedAs,
    isUnderNpx: environment("npm_command") === "exec",
    denoVersion: Deno.version.deno,
    words: mayReadAll ? typedWords(startedAs) : undefined,
    args: Deno.args,
    mainPath: relativeToFolder(decodeURIComponent(new URL(Deno.mainModule).pathname)),
    permissionSet: mayReadAll ? undefined : permissionSets.find((name) => name === Deno.args[0]),
  });
}

/** The same from facts: no look at the process. */
export function invocationFrom(facts: StartFacts): string {
  const { startedAs, words = [], args, mainPath, permissionSet } = facts;
  const own = words.slice(0, Math.max(0, words.length - args.length));
  const installed = installedName(own) ?? bundledName(facts);
  if (!startedAs && installed !== undefined) return installed;
  const isWhole = own.length > 1 && args.every((arg, i) => arg === words[own.length + i]);
  if (isWhole) return [denoOf(facts, own[0]), ...own.slice(1).map(shellWord)].join(" ");
  if (startedAs === TASK) return `${denoOf(facts)} task`;
  if (startedAs) return startedAs;
  const permissions = permissionSet === undefined ? "-A" : `-P=${permissionSet}`;
  return `${denoOf(facts)} run ${permissions} ${shellWord(mainPath)}`;
}

/** How this process can be started again from any folder. */
interface ProcessStart {
  /** Without its arguments. */
  readonly words: readonly string[];
  /** Of what is in the environment, what Deno is told by launchers. */
  readonly environment: Readonly<Record<string, string>>;
  /** The current one. */
  readonly folder: string;
  /** Whether all that is needed lies beside the main module, so that Deno's cache may be any. */
  readonly isBundled: boolean;
}

export function processStart(): ProcessStart {
  const main = new URL(Deno.mainModule);
  const path = fromFileUrl(main);
  const words = wordsOf(Deno.pid) ?? [];
  // Deno, its flags, and the main module, which may be relative.
  const flags = words.slice(1, words.length - Deno.args.length - 1);
  const variables = ["DENO_NO_UPDATE_CHECK", "DENO_NO_PACKAGE_JSON"].flatMap((name) => {
    const value = environment(name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    words: [Deno.execPath(), ...(flags.length > 0 ? flags : ["run", "-A"]), path],
    environment: Object.fromEntries(variables),
    folder: Deno.cwd(),
    isBundled: path.endsWith(".js"),
  };
}

/** Makes relative paths the user's: a task is typed in another folder than it runs in. */
export function enterUsersFolder(): void {
  const folder = environment(STARTED_AS) === TASK ? environment(TASK_FOLDER) : undefined;
  if (folder) Deno.chdir(folder);
}

/** `text` as a POSIX shell reads it back. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `undefined` too where the variable may not be read. */
export function environment(variable: string): string | undefined {
  return isGranted({ name: "env", variable }) ? Deno.env.get(variable) : undefined;
}

function denoOf({ isUnderNpx, denoVersion }: StartFacts, typed = "deno"): string {
  if (isUnderNpx) return `npx --yes deno@${denoVersion}`;
  return shellWord(typed);
}

/** What `deno install` calls what it made, which runs Deno with a configuration beside itself. */
function installedName(words: readonly string[]): string | undefined {
  const config = words[words.indexOf("--config") + 1] ?? "";
  return /[\\/]bin[\\/]\.([^\\/]+)[\\/]deno\.json$/.exec(config)?.[1];
}

/** The bundle is not started by hand: where nothing is known, it was by something that is called like it. */
function bundledName({ words, mainPath }: StartFacts): string | undefined {
  return words === undefined ? /(?:^|[\\/])(shoal)\.js$/.exec(mainPath)?.[1] : undefined;
}

/** A task is the child of what was typed; what a launcher starts has words of the launcher's own. */
function typedWords(startedAs: string | undefined): readonly string[] | undefined {
  if (startedAs && startedAs !== TASK) return undefined;
  return wordsOf(startedAs === TASK ? Deno.ppid : Deno.pid);
}

function wordsOf(processId: number): readonly string[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  try {
    return Deno.readTextFileSync(`/proc/${processId}/cmdline`).split("\0").slice(0, -1);
  } catch {
    return undefined;
  }
}

function relativeToFolder(path: string): string {
  const folder = isGranted({ name: "read", path: "." }) ? `${Deno.cwd()}/` : undefined;
  return folder !== undefined && path.startsWith(folder) ? path.slice(folder.length) : path;
}
