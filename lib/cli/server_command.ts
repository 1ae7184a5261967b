/** `server [DIR] [FILE…] [-]`: offer a folder, files or standard input until it is stopped. */
import { EXIT, ShoalError } from "../errors.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST, DISCOVERY_PORT, GIB } from "../limits.ts";
import { OFFERED_FILES_MAX } from "../app/limits.ts";
import { SERVE_DEFAULTS } from "../app/option_defaults.ts";
import { defineCommand, given, networkOptions } from "./command.ts";
import {
  broadcastOption,
  errorRateOf,
  fallingBack,
  LOG_OPTION,
  masterOption,
  mastersOf,
  NETWORK_OPTIONS,
  optional,
  OUTPUT_OPTIONS,
  rateOption,
  requireFor,
  SIMULATION_OPTIONS,
  toggle,
  withDefault,
} from "./option_table.ts";
import { offeredBy } from "./offered_paths.ts";
import { ADDRESS, CLASSIC_CHUNK, ENTRIES, METRICS_PORT, PORT, SIZE, TEXT } from "./value_types.ts";

export const serverCommand = defineCommand({
  command: "server",
  summary: "offer a folder, files or standard input",
  otherNames: ["serve", "share", "offer", "host", "send"],
  isService: true,
  positionals: {
    label: "[DIR|FILE|-]…",
    summary: "a folder, files from anywhere, - for standard input",
    countMin: 0,
    countMax: OFFERED_FILES_MAX,
    completes: "file",
    env: "SHOAL_DIR",
    fallback: "./data",
  },
  options: {
    ...NETWORK_OPTIONS,
    // Scripts give every command the same network flags.
    broadcast: broadcastOption("join no IPv6 group; a server only answers"),
    host: optional(ADDRESS, { label: "ADDRESS", summary: "listen only on this address" }),
    ...rateOption("send"),
    ...masterOption("register with this master"),
    "metrics-port": optional(METRICS_PORT, {
      label: "PORT",
      summary: "serve GET /metrics (Prometheus) and /healthz on this port",
    }),
    "metrics-host": fallingBack(ADDRESS, SERVE_DEFAULTS.metricsHost, {
      label: "ADDRESS",
      summary: "address of that port; 0.0.0.0 is for all",
    }),
    name: optional(TEXT, {
      label: "NAME",
      summary: "offer standard input, or the one FILE, under this name",
    }),
    hidden: toggle("also offer what starts with a dot in the folder"),
    classic: toggle("don't answer the classic protocol", SERVE_DEFAULTS.classic),
    "data-port": optional(PORT, {
      label: "PORT",
      summary:
        `UDP port of data (default: a free one from ${DATA_PORT_FIRST} to ${DATA_PORT_LAST})`,
    }),
    "tcp-port": optional(PORT, {
      label: "PORT",
      summary: "TCP port (default: the same number as --port, or a free one)",
    }),
    "allow-upload": toggle("let others upload into the folder with put"),
    "max-upload": fallingBack(SIZE, `${SERVE_DEFAULTS.uploadBytesMax / GIB}GiB`, {
      label: "SIZE",
      summary: "largest upload accepted",
    }),
    "upload-quota": optional(SIZE, {
      label: "SIZE",
      summary: "what all uploads together may take on the disk",
    }),
    "quota-per-host": optional(SIZE, {
      label: "SIZE",
      summary: "what uploads of one host may take on the disk",
    }),
    "upload-entries": fallingBack(ENTRIES, String(SERVE_DEFAULTS.uploadEntriesMax), {
      label: "N",
      summary: "files and folders that all uploads together may leave",
    }),
    "entries-per-host": fallingBack(ENTRIES, String(SERVE_DEFAULTS.uploadEntriesPerHostMax), {
      label: "N",
      summary: "files and folders that uploads of one host may leave",
    }),
    "chunk-size": withDefault(CLASSIC_CHUNK, String(SERVE_DEFAULTS.classicChunkBytes), {
      label: "BYTES",
      summary: "chunk size of the classic protocol and the JSON dialect",
    }),
    "simulate-errors": toggle("drop, corrupt, duplicate and delay packets on purpose"),
    ...SIMULATION_OPTIONS,
    ...LOG_OPTION,
    ...OUTPUT_OPTIONS,
  },
  notes: [
    `Open UDP ${DISCOVERY_PORT} and ${DATA_PORT_FIRST}-${DATA_PORT_LAST} in the firewall of this machine, and TCP ${DISCOVERY_PORT} for put and get --tcp.`,
    "Standard input is kept in a file of the cache folder, which is removed with the server, and is\n" +
    "offered when it has ended. Files are offered under the last part of their paths; no two may have\n" +
    "one name.",
    "Everyone on the network can fetch what is offered. Nothing is encrypted.",
  ],
  examples: [
    { line: "server", says: "offer ./data" },
    {
      line: "server ~/Videos --rate 400mbit",
      says: "offer a folder, and leave bandwidth for others",
    },
    { line: "server disk.iso ~/notes.txt", says: "offer files alone" },
    { line: "server - --name backup.tar", says: "offer what another program writes: tar c . | …" },
    { line: "server --allow-upload --max-upload 4gb", says: "accept uploads" },
    { line: "server --simulate-errors --error-rate 0.2", says: "try out how a client copes" },
  ],
  async perform(options, paths, { app, pipes, reporter, signal }) {
    const simulates = options["simulate-errors"];
    const { "allow-upload": allows, "max-upload": uploadBytesMax, "error-rate": errorRate } =
      options;
    const { "metrics-port": metricsPort, "metrics-host": metricsHost } = options;
    requireFor("metrics-host", metricsHost, "--metrics-port", metricsPort !== undefined);
    requireFor("max-upload", uploadBytesMax, "--allow-upload", allows);
    requireFor("upload-quota", options["upload-quota"], "--allow-upload", allows);
    const perHost = options["quota-per-host"];
    requireFor("quota-per-host", perHost, "--allow-upload", allows);
    const { "upload-entries": entriesMax, "entries-per-host": entriesPerHostMax } = options;
    requireFor("upload-entries", entriesMax, "--allow-upload", allows);
    requireFor("entries-per-host", entriesPerHostMax, "--allow-upload", allows);
    requireFor("error-rate", errorRate, "--simulate-errors", simulates);
    requireFor("seed", options.seed, "--simulate-errors", simulates);
    const offered = offeredBy(paths, options.name, () => pipes.stdin());
    requireFor("hidden", options.hidden ? true : undefined, "a folder", offered.dir !== undefined);
    if (allows && offered.dir === undefined) {
      throw new ShoalError("usage", "--allow-upload needs a folder that uploads go to", {
        hint: "Name a folder as well.",
      });
    }
    const server = await app.serve({
      ...networkOptions(options, signal),
      ...offered,
      classic: options.classic,
      classicChunkBytes: options["chunk-size"],
      hidden: options.hidden,
      allowUpload: allows,
      ...mastersOf(options.master),
      errorRate: errorRateOf(options, simulates),
      onEvent: (event) => reporter.report(event),
      ...given({
        host: options.host,
        metricsPort,
        metricsHost,
        rateBytesPerS: options.rate,
        seed: options.seed,
        dataPort: options["data-port"],
        tcpPort: options["tcp-port"],
        uploadBytesMax,
        uploadQuotaBytes: options["upload-quota"],
        uploadQuotaPerHostBytes: perHost,
        uploadEntriesMax: entriesMax,
        uploadEntriesPerHostMax: entriesPerHostMax,
      }),
    });
    await server.closed;
    reporter.say("Stopped.");
    return EXIT.done;
  },
});
