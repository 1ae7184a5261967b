/**
 * `demo`: servers and a client on loopback, with simulated errors, and a report; or either half of the
 * existing round-trip tool.
 */
import type { NoticeEvent, ReportEvent } from "../app/events.ts";
import { EXIT, type ExitCode, ShoalError } from "../errors.ts";
import { denoRandom } from "../io/system/deno_random.ts";
import { DIALECT_PORT } from "../limits.ts";
import { DEMO_BYTES_DEFAULT, DEMO_BYTES_MAX, MAX_RETRIES_DEFAULT } from "../app/limits.ts";
import { ECHO_SERVER_DEFAULTS } from "../app/option_defaults.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import { type Context, defineCommand, given } from "./command.ts";
import { serverTable } from "./get_summary.ts";
import {
  errorRateOf,
  fallingBack,
  LOG_OPTION,
  optional,
  type OptionValues,
  OUTPUT_OPTIONS,
  requireFor,
  SIMULATION_OPTIONS,
  tristate,
  withDefault,
} from "./option_table.ts";
import { textTable } from "./text_table.ts";
import { countText, durationText, rateText, sizeFlag } from "./units.ts";
import {
  CLASSIC_CHUNK,
  DEMO_MODE,
  type DemoMode,
  FILE,
  HOST,
  KIBIBYTES,
  MAX_RETRIES,
  PORT,
  SIZE,
} from "./value_types.ts";

const OPTIONS = {
  mode: withDefault(DEMO_MODE, "demo", {
    label: "MODE",
    summary: "demo, or one half of the round-trip tool: server, client",
  }),
  size: fallingBack(SIZE, sizeFlag(DEMO_BYTES_DEFAULT), {
    label: "SIZE",
    summary: "size of the test file",
  }),
  "test-file-size": optional(KIBIBYTES, {
    label: "KB",
    summary: "the same, in units of 1024 bytes",
  }),
  "simulate-errors": tristate(
    "drop and damage packets on purpose (default: demo yes, --mode server no)",
  ),
  ...SIMULATION_OPTIONS,
  file: optional(FILE, { label: "PATH", summary: "the file for --mode client to send" }),
  host: withDefault(HOST, "localhost", {
    label: "HOST",
    summary: "where the server listens, or the client connects",
  }),
  port: withDefault(PORT, String(DIALECT_PORT), {
    label: "PORT",
    short: "p",
    summary: "TCP port of --mode server and --mode client",
  }),
  "chunk-size": withDefault(CLASSIC_CHUNK, String(ECHO_SERVER_DEFAULTS.chunkBytes), {
    label: "BYTES",
    summary: "chunk size of --mode server",
  }),
  "max-retries": withDefault(MAX_RETRIES, String(MAX_RETRIES_DEFAULT), {
    label: "N",
    summary: "how often --mode client tries again",
  }),
  ...LOG_OPTION,
  ...OUTPUT_OPTIONS,
} as const;

/** What only other modes have a use for. */
const IDLE_FLAGS: Readonly<Record<DemoMode, readonly (keyof typeof OPTIONS)[]>> = {
  demo: ["file", "host", "port", "chunk-size", "max-retries"],
  server: ["file", "size", "test-file-size", "max-retries"],
  // What the client sends must arrive: it is the server that damages what it sends back.
  client: ["size", "test-file-size", "chunk-size", "simulate-errors", "error-rate", "seed"],
};

type Options = OptionValues<typeof OPTIONS>;

export const demoCommand = defineCommand({
  command: "demo",
  summary: "try it on this machine alone, over a simulated bad network",
  otherNames: ["test", "try"],
  positionals: { label: "", summary: "", countMin: 0, countMax: 0 },
  options: OPTIONS,
  notes: [
    "Nothing leaves this machine and nothing is left on it, except received_NAME in --mode client.",
  ],
  examples: [
    { line: "demo", says: "a small file, some errors" },
    { line: "demo --size 100MB --error-rate 0.2", says: "a larger one, on a worse network" },
    { line: "demo --seed 7", says: "the same file and the same errors every time" },
    { line: "demo --mode server --simulate-errors", says: "the JSON server alone, on port 9999" },
    { line: "demo --mode client --file notes.txt", says: "its client" },
  ],
  idle: ({ mode }) => [
    { flags: IDLE_FLAGS[mode], where: `in --mode ${mode}` },
  ],
  async perform(options, _, context) {
    checkTogether(options);
    switch (options.mode) {
      case "demo":
        return await play(options, context);
      case "server":
        return await runServer(options, context);
      case "client":
        return await runClient(options, context);
    }
  },
});

/** Throws ShoalError `usage` for options that contradict each other. */
function checkTogether(options: Options): void {
  const { mode, size, seed, "test-file-size": sizeKib, "error-rate": errorRate } = options;
  const isTwice = sizeKib !== undefined && size !== undefined;
  requireFor("size", isTwice ? size : undefined, "leaving --test-file-size out", false);
  const simulates = options["simulate-errors"] ?? mode === "demo";
  requireFor("error-rate", errorRate, "--simulate-errors", simulates || mode === "client");
  if (mode === "server") requireFor("seed", seed, "--simulate-errors", simulates);
}

async function play(options: Options, { app, reporter, signal }: Context): Promise<ExitCode> {
  const sizeBytes = options["test-file-size"] ?? options.size ?? OPTIONS.size.absentValue;
  if (sizeBytes > DEMO_BYTES_MAX) {
    throw new ShoalError("usage", `--size is at most ${sizeFlag(DEMO_BYTES_MAX)}`, {
      hint: "To try a larger file, offer it with `server` and fetch it with `get`.",
    });
  }
  const report = await app.demo({
    sizeBytes,
    errorRate: errorRateOf(options, options["simulate-errors"] ?? true),
    seed: options.seed ?? denoRandom.u32(),
    signal,
    onEvent: (event) => reporter.report(event),
  });
  for (const line of reportLines(report)) reporter.say(line);
  if (report.ok) return EXIT.done;
  throw new ShoalError("unverified", "the file that arrived is not the file that was offered", {
    hint: "This is a bug in Shoal: run it again with the same --seed and report what you see.",
  });
}

async function runServer(options: Options, { app, reporter, signal }: Context): Promise<ExitCode> {
  const { host, port } = options;
  const server = await app.serveEcho({
    host,
    port,
    chunkBytes: options["chunk-size"],
    errorRate: errorRateOf(options, options["simulate-errors"] ?? false),
    signal,
    onEvent: (event: NoticeEvent) => reporter.report(event),
    ...given({ seed: options.seed }),
  });
  reporter.say(`Server listening on ${displayName(host)}:${server.port}`);
  await server.closed;
  reporter.say("Stopped.");
  return EXIT.done;
}

async function runClient(options: Options, { app, reporter, signal }: Context): Promise<ExitCode> {
  const { file, host, port } = options;
  if (file === undefined) {
    throw new ShoalError("usage", "--mode client needs --file", {
      hint: "Name the file, as in --file notes.txt",
    });
  }
  const result = await app.echo({
    server: host,
    port,
    file,
    retriesMax: options["max-retries"],
    signal,
    onEvent: (event: NoticeEvent) => reporter.report(event),
  });
  const rounds = countText(result.rounds, "upload");
  reporter.say(
    `File ${displayName(result.path)} received: ${sizeText(result.sizeBytes)}, ${rounds}`,
  );
  reporter.say(`sha256  ${result.sha256}`);
  reporter.say("TRANSFER SUCCESSFUL");
  return EXIT.done;
}

/** What follows from the seed stands apart from what this run measured. */
function reportLines(report: ReportEvent): string[] {
  const { echo, seed, servers, seconds, size } = report;
  const giverCount = servers.filter(({ bytes }) => bytes > 0).length;
  const rate = seconds > 0 ? `, ${rateText(size / seconds)}` : "";
  const verdict = (expected: string, actual: string): string =>
    expected === actual ? "equal" : "DIFFERENT";
  const rows = [
    [
      "UDP",
      sizeText(size),
      "",
      verdict(report.expectedSha256, report.actualSha256),
      report.actualSha256,
    ],
    [
      "JSON dialect",
      sizeText(echo.size),
      `${countText(echo.chunks, "chunk")}, ${countText(echo.rounds, "round")}`,
      verdict(echo.expectedSha256, echo.actualSha256),
      echo.actualSha256,
    ],
  ];
  return [
    "",
    `Measured on this run: ${durationText(seconds)}${rate}, from ${
      countText(giverCount, "server")
    }`,
    ...serverTable(servers, true),
    "",
    `The same on every run with --seed ${seed}:`,
    ...textTable(["way", "size", "in", "SHA-256 is", "what came back"], rows),
    "",
    report.ok ? "TRANSFER SUCCESSFUL" : "TRANSFER FAILED",
  ];
}
