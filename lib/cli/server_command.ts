/** `server [DIR] [FILE…] [-]`: offer a folder, files or standard input until it is stopped. */
import { EXIT, ShoalError } from "../errors.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST, DISCOVERY_PORT } from "../limits.ts";
import { invocationOfOthers } from "./command_names.ts";
import { defineCommand, given, networkOptions } from "./command.ts";
import { errorRateOf, mastersOf } from "./option_table.ts";
import { showPage, webWithSecret } from "./web_page.ts";
import { readyLines } from "./ready_lines.ts";
import { idleSecrets, secretLayers } from "./secret_options.ts";
import { offeredWith, SERVER_OPTIONS, SERVER_POSITIONALS } from "./server_options.ts";

/** The last line of those that a server begins with; the classic tool has it, too. */
const WAITING_LINE = "Waiting for client to request";

export const serverCommand = defineCommand({
  command: "server",
  summary: "offer a folder, files or standard input",
  otherNames: ["serve", "share", "offer", "host"],
  isService: true,
  positionals: SERVER_POSITIONALS,
  options: SERVER_OPTIONS,
  notes: [
    `Open UDP ${DISCOVERY_PORT} and ${DATA_PORT_FIRST}-${DATA_PORT_LAST} in the firewall of this machine, and TCP ${DISCOVERY_PORT} for put and get --tcp.`,
    "Standard input is kept in a file of the cache folder, which is removed with the server, and is\n" +
    "offered once it is complete. Single files are offered under the last part of their paths, which\n" +
    "must differ.",
    "Everyone on the network can fetch what is offered, and read it on its way, unless there is a\n" +
    "secret: see `secret --help`. A server that has one answers nobody else, and no classic client.",
  ],
  examples: [
    { line: "server", says: "offer ./data" },
    {
      line: "server ~/Videos --rate 400mbit",
      says: "offer a folder, and leave bandwidth for others",
    },
    { line: "server disk.iso ~/notes.txt", says: "offer single files" },
    { line: "server - --name backup.tar", says: "offer what another program writes: tar c . | …" },
    { line: "server --allow-upload --max-upload 4gb", says: "accept uploads" },
    { line: "server ~/Photos --web", says: "show them to whoever has a browser and nothing else" },
    { line: "server --simulate-errors --error-rate 0.2", says: "see how a client copes" },
  ],
  idle: idleSecrets,
  async perform(options, paths, { app, pipes, reporter, signal, terminal }) {
    const offered = offeredWith(options, paths, () => pipes.stdin());
    const { "metrics-port": metricsPort, "metrics-host": metricsHost } = options;
    if (options.secret !== undefined && offered.streams !== undefined) {
      throw new ShoalError("usage", "--secret - reads standard input, which is offered", {
        hint: "Keep the secret in a file: `secret new`, or --secret-file.",
      });
    }
    const sealing = await secretLayers(options, { app, pipes, reporter, signal });
    if (options.web && sealing.layers !== undefined) throw webWithSecret();
    const server = await app.serve({
      ...networkOptions(options, signal),
      ...offered,
      ...sealing,
      classic: options.classic,
      classicChunkBytes: options["chunk-size"],
      hidden: options.hidden,
      allowUpload: options["allow-upload"],
      ...mastersOf(options.master),
      errorRate: errorRateOf(options, options["simulate-errors"]),
      onEvent: (event) => {
        reporter.report(event);
        if (event.event !== "ready") return;
        const invocation = invocationOfOthers(terminal.invocation);
        const lines = readyLines(event, invocation, options["allow-upload"]);
        for (const line of lines) reporter.say(line);
        if (!options.web) reporter.say(WAITING_LINE);
      },
      ...given({
        host: options.host,
        metricsPort,
        metricsHost,
        rateBytesPerS: options.rate,
        seed: options.seed,
        dataPort: options["data-port"],
        tcpPort: options["tcp-port"],
        uploadBytesMax: options["max-upload"],
        uploadQuotaBytes: options["upload-quota"],
        uploadQuotaPerHostBytes: options["quota-per-host"],
        uploadEntriesMax: options["upload-entries"],
        uploadEntriesPerHostMax: options["entries-per-host"],
      }),
    });
    if (options.web) {
      await showPage(server, options, { app, reporter, terminal });
      reporter.say(WAITING_LINE);
    }
    await server.closed;
    reporter.say("Stopped.");
    return EXIT.done;
  },
});
