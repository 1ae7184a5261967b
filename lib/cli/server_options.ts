/** What a server takes on its command line. */
import { ShoalError } from "../errors.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST } from "../limits.ts";
import { OFFERED_FILES_MAX } from "../app/limits.ts";
import { SERVE_DEFAULTS } from "../app/option_defaults.ts";
import { type Offered, offeredBy } from "./offered_paths.ts";
import {
  broadcastOption,
  fallingBack,
  LOG_OPTION,
  masterOption,
  NETWORK_OPTIONS,
  optional,
  type OptionValues,
  OUTPUT_OPTIONS,
  rateOption,
  requireFor,
  SIMULATION_OPTIONS,
  toggle,
  withDefault,
} from "./option_table.ts";
import { SECRET_OPTIONS } from "./secret_options.ts";
import type { Positionals } from "./parse.ts";
import { WEB_PORT_FIRST } from "../web/limits.ts";
import { sizeFlag } from "./units.ts";
import {
  ADDRESS,
  CLASSIC_CHUNK,
  ENTRIES,
  METRICS_PORT,
  PORT,
  SIZE,
  TEXT,
  WEB_PORT,
} from "./value_types.ts";

export const SERVER_POSITIONALS = {
  label: "[DIR|FILE|-]…",
  summary: "a folder, files from anywhere, - for standard input",
  countMin: 0,
  countMax: OFFERED_FILES_MAX,
  completes: "file",
  env: "SHOAL_DIR",
  fallback: "./data",
} satisfies Positionals;

export const SERVER_OPTIONS = {
  ...NETWORK_OPTIONS,
  ...SECRET_OPTIONS,
  // Scripts give every command the same network flags.
  broadcast: broadcastOption("join no IPv6 group; else ignored"),
  host: optional(ADDRESS, { label: "ADDRESS", summary: "listen only on this address" }),
  ...rateOption("send"),
  ...masterOption("register with this master"),
  "metrics-port": optional(METRICS_PORT, {
    label: "PORT",
    summary: "serve GET /metrics (Prometheus) and /healthz on this port",
  }),
  "metrics-host": fallingBack(ADDRESS, SERVE_DEFAULTS.metricsHost, {
    label: "ADDRESS",
    summary: "address to serve them on; 0.0.0.0 for all",
  }),
  web: toggle("show what is offered to browsers: list, search, downloads"),
  "web-port": optional(WEB_PORT, {
    label: "PORT",
    summary: `TCP port of that page (default: ${WEB_PORT_FIRST}, or the next free one)`,
  }),
  "web-host": optional(ADDRESS, {
    label: "ADDRESS",
    summary: "address of that page (default: as --host, or all)",
  }),
  name: optional(TEXT, {
    label: "NAME",
    summary: "offer standard input, or the only FILE, under this name",
  }),
  hidden: toggle("also offer files and folders that start with a dot"),
  classic: toggle("don't answer the classic protocol", SERVE_DEFAULTS.classic),
  "data-port": optional(PORT, {
    label: "PORT",
    summary: `UDP port of data (default: a free one from ${DATA_PORT_FIRST} to ${DATA_PORT_LAST})`,
  }),
  "tcp-port": optional(PORT, {
    label: "PORT",
    summary: `TCP port (default: the same number as --port, or a free one from ${DATA_PORT_FIRST})`,
  }),
  "allow-upload": toggle("let others upload into the folder with put"),
  "max-upload": fallingBack(SIZE, sizeFlag(SERVE_DEFAULTS.uploadBytesMax), {
    label: "SIZE",
    summary: "largest upload accepted",
  }),
  "upload-quota": optional(SIZE, {
    label: "SIZE",
    summary: "disk space for all uploads together",
  }),
  "quota-per-host": optional(SIZE, {
    label: "SIZE",
    summary: "disk space for the uploads of one host",
  }),
  "upload-entries": fallingBack(ENTRIES, String(SERVE_DEFAULTS.uploadEntriesMax), {
    label: "N",
    summary: "most files and folders from all uploads together",
  }),
  "entries-per-host": fallingBack(ENTRIES, String(SERVE_DEFAULTS.uploadEntriesPerHostMax), {
    label: "N",
    summary: "most files and folders from uploads of one host",
  }),
  "chunk-size": withDefault(CLASSIC_CHUNK, String(SERVE_DEFAULTS.classicChunkBytes), {
    label: "BYTES",
    summary: "chunk size of the classic protocol and the JSON dialect",
  }),
  "simulate-errors": toggle("drop, corrupt, duplicate and delay packets"),
  ...SIMULATION_OPTIONS,
  ...LOG_OPTION,
  ...OUTPUT_OPTIONS,
} as const;

/** What does nothing where nobody may upload. */
const UPLOAD_FLAGS = [
  "max-upload",
  "upload-quota",
  "quota-per-host",
  "upload-entries",
  "entries-per-host",
] as const;

/**
 * What such a command line offers, if its options go together. Throws ShoalError `usage` otherwise.
 *
 * @param stdin is called where standard input is offered
 */
export function offeredWith(
  options: OptionValues<typeof SERVER_OPTIONS>,
  paths: readonly string[],
  stdin: () => ReadableStream<Uint8Array>,
): Offered {
  const allowsUpload = options["allow-upload"];
  const hasMetrics = options["metrics-port"] !== undefined;
  requireFor("metrics-host", options["metrics-host"], "--metrics-port", hasMetrics);
  for (const flag of ["web-port", "web-host"] as const) {
    requireFor(flag, options[flag], "--web", options.web);
  }
  for (const flag of UPLOAD_FLAGS) requireFor(flag, options[flag], "--allow-upload", allowsUpload);
  for (const flag of ["error-rate", "seed"] as const) {
    requireFor(flag, options[flag], "--simulate-errors", options["simulate-errors"]);
  }
  const offered = offeredBy(paths, options.name, stdin);
  requireFor("hidden", options.hidden ? true : undefined, "a folder", offered.dir !== undefined);
  if (allowsUpload && offered.dir === undefined) {
    throw new ShoalError("usage", "--allow-upload needs a folder that uploads go to", {
      hint: "Name a folder as well.",
    });
  }
  return offered;
}
