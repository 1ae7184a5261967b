/** `get NAME…`: fetch files from every server that has them. */
import type { MeantCode } from "../app/codes/meant_code.ts";
import type { CodeGetEvent, DoneEvent, FailedEvent, FolderEvent } from "../app/events.ts";
import { namePattern } from "../name_pattern.ts";
import { ShoalError } from "../errors.ts";
import { unmarked } from "../marked_name.ts";
import { nowMs } from "../io/system/deno_clock.ts";
import { NAMES_PER_GET_MAX } from "../app/limits.ts";
import { GET_DEFAULTS } from "../app/option_defaults.ts";
import { displayName } from "../names.ts";
import { codeMeantBy, isWanted } from "./code_argument.ts";
import { STANDARD_OUTPUT } from "./data_output.ts";
import { defineCommand, given, networkOptions } from "./command.ts";
import { exitCodeOf } from "./exit_code.ts";
import { checkWanted } from "./wanted_names.ts";
import { expandedHint, idleWithOutput, placeOf } from "./get_place.ts";
import { summaryLines } from "./get_summary.ts";
import {
  DIALECT_OPTION,
  idleInSearch,
  isOverTcp,
  masterOption,
  mastersOf,
  NETWORK_OPTIONS,
  oneServer,
  optional,
  OUTPUT_OPTIONS,
  rateOption,
  retryOption,
  searchOptions,
  toggle,
  withDefault,
} from "./option_table.ts";
import { idleSecrets, SECRET_OPTIONS, secretLayers } from "./secret_options.ts";
import { countText } from "./units.ts";
import { WaitedTime } from "./waited_time.ts";
import { FILE, FOLDER, FROM_INPUT, JOBS, MTU, RATE, SHA256 } from "./value_types.ts";

export const getCommand = defineCommand({
  command: "get",
  summary: "fetch files from every server that has them",
  otherNames: ["fetch", "receive", "recv", "download", "pull"],
  positionals: {
    label: "NAME…|CODE",
    summary:
      "a name, a glob ('photos/*.jpg'), a folder (photos/), a content (sha256:HEX), or the code of a send",
    countMin: 0,
    countMax: NAMES_PER_GET_MAX,
  },
  options: {
    out: withDefault(FOLDER, "./downloads", {
      label: "DIR",
      env: "SHOAL_OUT",
      summary: "where files go, or the file to write",
    }),
    output: optional(FILE, {
      label: "FILE",
      short: "o",
      summary: "write the file to this path instead of into --out; - for stdout",
    }),
    force: toggle("replace a different file of the same name instead of adding (2)"),
    links: toggle("keep symbolic links that stay inside the folder as links"),
    check: toggle("reread and verify what an earlier get of the folder wrote"),
    mirror: toggle(
      "make a folder the same here: replace what differs, remove what no server has",
    ),
    delete: toggle("the same as --mirror"),
    "dry-run": toggle(
      "say what would be fetched, replaced and removed in a folder; do nothing",
    ),
    "portable-names": toggle("write a:b as a%3Ab and so on, for file systems that don't allow it"),
    sparse: toggle("write blocks of zeros instead of leaving holes in the file", true),
    pack: toggle("don't let servers pack files on the way, even where that is faster", true),
    code: optional(FROM_INPUT, {
      label: "-",
      summary: "ask for the code of a send, or read it from standard input",
    }),
    yes: toggle("fetch what a code leads to without asking"),
    share: toggle("give nothing to others who fetch the same file at the same time", true, {
      env: "SHOAL_SHARE",
    }),
    "share-rate": optional(RATE, {
      label: "RATE",
      summary: `give others no more than this, such as ${RATE.example}`,
    }),
    sha256: optional(SHA256, { label: "HEX", summary: "fetch only this content" }),
    ...searchOptions(GET_DEFAULTS),
    ...masterOption("also ask this master (not over TCP)"),
    ...retryOption(GET_DEFAULTS.retries),
    jobs: withDefault(JOBS, String(GET_DEFAULTS.jobs), {
      label: "N",
      summary: "files to fetch at the same time",
    }),
    mtu: optional(MTU, {
      label: "BYTES",
      summary: "largest data datagram to ask for (1400, and more where it passes whole)",
    }),
    tcp: toggle("use TCP, with one --server, where UDP is blocked"),
    ...DIALECT_OPTION,
    ...NETWORK_OPTIONS,
    ...SECRET_OPTIONS,
    ...rateOption("fetch"),
    ...OUTPUT_OPTIONS,
  },
  notes: [
    "What an interrupted get has fetched is kept: the same command resumes, and fetches only what is\n" +
    "missing or different.",
    "Globs and folders match what `list` shows. * and ? stay within one folder, ** does not; [a-z]\n" +
    "matches one of these, [!a-z] anything else. Quote globs, or the shell expands them itself. A file\n" +
    "whose name is the glob itself is fetched, too. With --tcp, md5:HEX works as well. Put ./ before a\n" +
    "name that looks like something else: ./-x, ./sha256:x.",
    "A number and two words, as in 7-guidance-apollo, are the code of a `send`: what it leads to is\n" +
    "shown, and fetched once you say so (--yes for scripts). A code on the command line can be seen by\n" +
    "others on this machine; --code - asks for it instead. A file of such a name is ./NAME.",
    "HEX may be the first 8 digits or more, as `list` shows them. Short digits can be forged: if several\n" +
    "contents match, get takes the one that most addresses list, with a warning, or fails with code 2.\n" +
    "Only all 64 digits pin a content.",
    "With -o - the file goes to stdout in order, each chunk verified first, and messages go to stderr. If\n" +
    "the whole is not what was offered, the last chunk is kept back and the exit code is 4.",
    "--mirror names everything it removes. It removes nothing if a listing could not be read, if servers\n" +
    "list different names, or if anything failed. What no server would offer stays: hidden names,\n" +
    "unfinished downloads, devices, and folders with such things in them. Links are not followed.",
    "Exit codes: 0 done; 1 failed, or only some files were downloaded; 2 wrong usage; 3 no server has\n" +
    "it; 4 not verified, or servers disagree; 5 local disk; 130 interrupted. If names fail in different\n" +
    "ways, the code is 1.",
  ],
  examples: [
    { line: "get example.txt", says: "into ./downloads" },
    {
      line: "get photos/a.jpg photos/b.jpg --out ~/Pictures",
      says: "several files, into another folder",
    },
    { line: "get disk.iso -o /tmp/image", says: "under another name" },
    { line: "get backup.tar -o - | tar x", says: "into another program, as it arrives" },
    { line: "get '**/*.jpg' docs/", says: "every picture, and a whole folder" },
    { line: "get 7-guidance-apollo", says: "what somebody sends who has told you this code" },
    { line: "get --mirror site/ --dry-run", says: "what a mirror would change" },
    { line: "get disk.iso --tcp --server 192.168.1.7", says: "where UDP is blocked" },
    { line: "get disk.iso --server 192.168.1.7", says: "where broadcasts don't arrive" },
  ],
  idle: (options) => [
    ...idleInSearch(options),
    ...idleSecrets(options),
    ...(options.dialect === "ascii"
      ? [
        { flags: ["jobs"], where: "in the ASCII dialect, which sends one file at a time" },
        {
          flags: ["links", "check", "mirror", "delete", "dry-run"],
          where: "in the ASCII dialect, which knows no folders",
        },
      ]
      : []),
    ...(options.share ? [] : [{ flags: ["share-rate"], where: "with --no-share" }]),
    ...idleWithOutput(options),
  ],
  async perform(options, names, { app, args, pipes, reporter, signal, again }) {
    const isTcp = isOverTcp(options);
    const code = await codeMeantBy(options, names, { app, args, pipes, signal });
    if (code === undefined) checkWanted(names, options.sha256, isTcp);
    const server = isTcp ? oneServer(options.server) : "";
    // A code seals by itself; masters are spoken to as always.
    const isSealing = code === undefined || options.master.length > 0;
    const sealing = isSealing ? await secretLayers(options, { app, pipes, reporter, signal }) : {};
    reporter.say(code === undefined ? opening(names, options) : openingByCode(code, options));
    const startMs = nowMs();
    const waited = new WaitedTime(startMs);
    const folders: FolderEvent[] = [];
    let givenBytes = 0;
    const common = {
      names,
      ...(code === undefined ? placeOf(options, names, pipes) : {}),
      force: options.force,
      links: options.links,
      check: options.check,
      ...((options.mirror || options.delete) && { mirror: true }),
      ...(options["dry-run"] && { dryRun: true }),
      sparse: options.sparse,
      portableNames: options["portable-names"],
      timeoutMs: options.timeout,
      retries: options.retries,
      jobs: options.jobs,
      onEvent: (event: CodeGetEvent) => {
        if (event.event === "folder") folders.push(event);
        if (event.event === "given") givenBytes += event.bytes;
        if (event.event !== "offered") waited.note(nowMs(), event);
        reporter.report(event);
      },
      ...sealing,
      ...given({ sha256: options.sha256 }),
    };
    const overUdp = {
      ...networkOptions(options, signal),
      ...given({ waitMs: options.wait, rateBytesPerS: options.rate }),
      servers: options.server,
      ...mastersOf(options.master),
      ...given({ mtuBytes: options.mtu }),
      pack: options.pack,
    };
    const results = await (code !== undefined
      ? app.getByCode({
        ...withoutNames(common),
        ...overUdp,
        code: code.text,
        outDir: options.out,
        onIncoming: (incoming) =>
          isWanted(incoming, options.out, options.yes, { pipes, reporter, signal }),
      })
      : isTcp
      ? app.getOverTcp({
        ...common,
        signal,
        server,
        port: options.port,
        dialect: options.dialect,
        ...given({ rateBytesPerS: options.rate }),
      })
      : app.get({
        ...common,
        ...overUdp,
        ...(options.sweep && { sweep: true }),
        share: options.share,
        ...given({ shareRateBytesPerS: options["share-rate"] }),
      }));
    const done = results.filter((result): result is DoneEvent => result.event === "done");
    const failed = results.filter((result): result is FailedEvent => result.event === "failed");
    const times = {
      activeS: (nowMs() - startMs - waited.ms) / 1000,
      pausedS: waited.pausedMs / 1000,
      givenBytes,
    };
    const summary = options["dry-run"] ? [] : summaryLines(
      ...[done, failed, folders, times, options.verbose] as const,
    );
    for (const line of summary) reporter.say(line);
    const hint = expandedHint(failed);
    if (hint !== undefined) reporter.report({ event: "notice", level: "warning", message: hint });
    if (signal.aborted && done.length < results.length) {
      throw options.output === STANDARD_OUTPUT
        ? new ShoalError("interrupted", "interrupted: the output is incomplete", {
          hint: `From the start: ${again}`,
        })
        : new ShoalError("interrupted", "interrupted; what arrived is kept", {
          // A code is not repeated where it may be kept.
          hint: code === undefined
            ? `To resume: ${again}`
            : "The same command resumes, as long as `send` runs there.",
        });
    }
    return exitCodeOf(failed, done.length);
  },
});

/** Its number is no secret. */
function openingByCode({ number }: MeantCode, { server }: { readonly server: readonly string[] }) {
  const where = server.length === 0 ? "" : ` at ${displayName(server.join(", "))}`;
  return `Looking for who sends under the number ${number}${where}`;
}

/** What a code leads to has names of its own. */
function withoutNames<Common extends { readonly names: readonly string[] }>(common: Common) {
  const { names: _, ...rest } = common;
  return rest;
}

function opening(
  names: readonly string[],
  { server: servers, sha256 }: {
    readonly server: readonly string[];
    readonly sha256: string | undefined;
  },
): string {
  const what = wantedText(names, sha256 === undefined);
  return servers.length === 0
    ? `Broadcasting request for ${what}`
    : `Asking ${displayName(servers.join(", "))} for ${what}`;
}

/** How many files a pattern stands for is known later. */
function wantedText(names: readonly string[], mayBePatterns: boolean): string {
  const [name = ""] = names;
  const hasPattern = mayBePatterns && names.some((each) => namePattern(each) !== undefined);
  if (names.length > 1) return countText(names.length, hasPattern ? "name" : "file");
  return `${hasPattern ? "files" : "file"}: ${displayName(unmarked(name))}`;
}
