/** `get NAME…`: fetch files from every server that has them. */
import type { DoneEvent, FailedEvent, GetEvent } from "../app/events.ts";
import { ShoalError } from "../errors.ts";
import { nowMs } from "../io/clock.ts";
import {
  JOBS_DEFAULT,
  MTU_BYTES_DEFAULT,
  NAMES_PER_GET_MAX,
  TIMEOUT_MS_DEFAULT,
} from "../limits.ts";
import { displayName } from "../names.ts";
import { defineCommand, given, networkOptions } from "./command.ts";
import { exitCodeOf } from "./exit_code.ts";
import { checkWanted } from "./wanted_names.ts";
import { summaryLines } from "./get_summary.ts";
import {
  DIALECT_OPTION,
  NETWORK_OPTIONS,
  oneServer,
  optional,
  OUTPUT_OPTIONS,
  rateOption,
  RETRY_OPTION,
  searchOptions,
  toggle,
  withDefault,
} from "./options.ts";
import { countText } from "./units.ts";
import { JOBS, MTU, SHA256, TEXT } from "./value_types.ts";

export const getCommand = defineCommand({
  command: "get",
  summary: "fetch files from every server that has them",
  positionals: {
    label: "NAME…",
    summary: "what to fetch: a name, or sha256:HEX for a content (with --tcp also md5:HEX)",
    countMin: 1,
    countMax: NAMES_PER_GET_MAX,
  },
  options: {
    out: withDefault(TEXT, "./downloads", {
      label: "DIR",
      env: "SHOAL_OUT",
      summary: "where files go",
    }),
    force: toggle("replace a different file of that name"),
    sha256: optional(SHA256, { label: "HEX", summary: "fetch this content and no other" }),
    ...searchOptions(TIMEOUT_MS_DEFAULT),
    ...RETRY_OPTION,
    jobs: withDefault(JOBS, String(JOBS_DEFAULT), {
      label: "N",
      summary: "files that are fetched at a time",
    }),
    mtu: withDefault(MTU, String(MTU_BYTES_DEFAULT), {
      label: "BYTES",
      summary: "size of a data datagram",
    }),
    tcp: toggle("over TCP from the one --server, where UDP does not pass"),
    ...DIALECT_OPTION,
    ...NETWORK_OPTIONS,
    ...rateOption("fetch"),
    ...OUTPUT_OPTIONS,
  },
  notes: [
    "What an interrupted get has fetched is kept; the same command goes on from there.",
    "Exit codes: 0 done; 1 failed; 2 wrong usage; 3 no server has it; 4 not verified, or servers\n" +
    "disagree; 5 local disk; 130 interrupted. Names that fail in different ways make 1.",
  ],
  examples: [
    { line: "get example.txt", says: "into ./downloads" },
    { line: "get photos/a.jpg photos/b.jpg --out ~/Pictures", says: "several, elsewhere" },
    { line: "get disk.iso --tcp --server 192.168.1.7", says: "where UDP does not pass" },
    { line: "get disk.iso --server 192.168.1.7", says: "where broadcast does not reach" },
  ],
  async perform(options, names, { app, reporter, signal, again }) {
    const isTcp = options.tcp || options.dialect !== "shoal";
    checkWanted(names, options.sha256, isTcp);
    const server = isTcp ? oneServer(options.server) : "";
    reporter.say(opening(names, options.server));
    const startMs = nowMs();
    const common = {
      names,
      outDir: options.out,
      force: options.force,
      timeoutMs: options.timeout,
      retries: options.retries,
      onEvent: (event: GetEvent) => reporter.report(event),
      ...given({ sha256: options.sha256 }),
    };
    const results = await (isTcp
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
        ...networkOptions(options, signal),
        servers: options.server,
        jobs: options.jobs,
        mtuBytes: options.mtu,
        ...given({ rateBytesPerS: options.rate }),
      }));
    const done = results.filter((result): result is DoneEvent => result.event === "done");
    for (const line of summaryLines(done, (nowMs() - startMs) / 1000)) reporter.say(line);
    if (signal.aborted && done.length < results.length) {
      throw new ShoalError("interrupted", "interrupted; what arrived is kept", {
        hint: `Go on from there with: ${again}`,
      });
    }
    return exitCodeOf(results.filter((result): result is FailedEvent => result.event === "failed"));
  },
});

function opening(names: readonly string[], servers: readonly string[]): string {
  const [name = ""] = names;
  const what = names.length === 1 ? `file: ${displayName(name)}` : countText(names.length, "file");
  return servers.length === 0
    ? `Broadcasting request for ${what}`
    : `Asking ${displayName(servers.join(", "))} for ${what}`;
}
