/** `put FILE…`: upload files to one server. */
import type { FailedEvent } from "../app/events.ts";
import { EXIT, ShoalError } from "../errors.ts";
import { NAMES_PER_GET_MAX } from "../app/limits.ts";
import { PUT_DEFAULTS } from "../app/option_defaults.ts";
import { defineCommand, given } from "./command.ts";
import { exitCodeOf } from "./exit_code.ts";
import {
  NETWORK_OPTIONS,
  optional,
  OUTPUT_OPTIONS,
  rateOption,
  requireFor,
  retryOption,
  withDefault,
} from "./option_table.ts";
import { idleSecrets, SECRET_OPTIONS, secretLayers } from "./secret_options.ts";
import { DIALECT, HOST, SECONDS } from "./value_types.ts";

export const putCommand = defineCommand({
  command: "put",
  summary: "upload files to a server that allows it",
  otherNames: ["upload", "push"],
  positionals: {
    label: "FILE…",
    summary: "files to upload",
    countMin: 1,
    countMax: NAMES_PER_GET_MAX,
    completes: "file",
  },
  options: {
    server: optional(HOST, { label: "HOST[:PORT]", summary: "server to upload to; required" }),
    dialect: withDefault(DIALECT, PUT_DEFAULTS.dialect, {
      label: "NAME",
      summary: "protocol to speak: shoal, ascii, or json (keeps nothing)",
    }),
    timeout: withDefault(SECONDS, String(PUT_DEFAULTS.timeoutMs / 1000), {
      label: "SECONDS",
      summary: "how long an attempt waits for the server",
    }),
    ...retryOption(PUT_DEFAULTS.retries),
    port: { ...NETWORK_OPTIONS.port, summary: "TCP port, unless --server names one" },
    ...SECRET_OPTIONS,
    ...rateOption("send"),
    ...OUTPUT_OPTIONS,
  },
  notes: [
    "The server must run with --allow-upload. It verifies each upload and offers it at once.",
    "What an interrupted put has sent is kept for an hour: the same command resumes.",
  ],
  examples: [
    {
      line: "put notes.txt --server 192.168.1.7",
      says: "prints the digests when it is stored",
    },
    { line: "put film.mkv --server 192.168.1.7:9999 --dialect ascii", says: "to an older server" },
  ],
  idle: idleSecrets,
  async perform(options, files, { app, pipes, reporter, signal, again }) {
    const { server } = options;
    if (server === undefined) {
      throw new ShoalError("usage", "put needs --server", {
        hint: "Name the server, as in --server 192.168.1.7",
      });
    }
    requireFor("rate", options.rate, "another --dialect", options.dialect !== "json");
    const results = await app.put({
      files,
      server,
      port: options.port,
      dialect: options.dialect,
      timeoutMs: options.timeout,
      retries: options.retries,
      signal,
      onEvent: (event) => reporter.report(event),
      ...await secretLayers(options, { app, pipes, reporter, signal }),
      ...given({ rateBytesPerS: options.rate }),
    });
    const failed = results.filter((result): result is FailedEvent => result.event === "failed");
    if (signal.aborted && failed.length > 0) {
      throw new ShoalError("interrupted", "interrupted; what arrived is kept for an hour", {
        hint: `To resume: ${again}`,
      });
    }
    return failed.length === 0 ? EXIT.done : exitCodeOf(failed);
  },
});
