/** `server [DIR]`: offer a folder until told to stop. */
import { EXIT, ShoalError } from "../errors.ts";
import {
  CLASSIC_CHUNK_BYTES_DEFAULT,
  DATA_PORT_FIRST,
  DATA_PORT_LAST,
  DISCOVERY_PORT,
} from "../limits.ts";
import { defineCommand, given, networkOptions } from "./command.ts";
import {
  broadcastOption,
  NETWORK_OPTIONS,
  optional,
  OUTPUT_OPTIONS,
  rateOption,
  SIMULATION_OPTIONS,
  toggle,
  withDefault,
} from "./options.ts";
import { ADDRESS, CLASSIC_CHUNK } from "./value_types.ts";

export const serverCommand = defineCommand({
  command: "server",
  summary: "offer the files below a folder",
  positionals: {
    label: "[DIR]",
    summary: "the folder",
    countMin: 0,
    countMax: 1,
    env: "SHOAL_DIR",
    fallback: "./data",
  },
  options: {
    ...NETWORK_OPTIONS,
    // Scripts give every command the same network flags.
    broadcast: broadcastOption("without effect here: a server only answers"),
    host: optional(ADDRESS, { label: "ADDRESS", summary: "listen on this address only" }),
    ...rateOption("send"),
    hidden: toggle("offer names that start with a dot, too"),
    classic: toggle("don't answer the classic protocol", true),
    "chunk-size": withDefault(CLASSIC_CHUNK, String(CLASSIC_CHUNK_BYTES_DEFAULT), {
      label: "BYTES",
      summary: "size of a classic chunk",
    }),
    "simulate-errors": toggle("lose, corrupt, double and delay datagrams on purpose"),
    ...SIMULATION_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  notes: [
    `Open UDP ${DISCOVERY_PORT} and ${DATA_PORT_FIRST}-${DATA_PORT_LAST} in the firewall of this machine.`,
    "Everyone on the network can fetch what is offered; nothing is encrypted.",
  ],
  examples: [
    { line: "server", says: "offer ./data" },
    { line: "server ~/Videos --rate 400mbit", says: "offer a folder, and leave room for others" },
    { line: "server --simulate-errors --error-rate 0.2", says: "see how a client copes" },
  ],
  async perform(options, [dir = ""], { app, reporter, signal }) {
    const simulates = options["simulate-errors"];
    const server = await app.serve({
      ...networkOptions(options, signal),
      dir,
      classic: options.classic,
      classicChunkBytes: options["chunk-size"],
      hidden: options.hidden,
      errorRate: simulates ? options["error-rate"] : 0,
      onEvent: (event) => reporter.report(event),
      ...given({ host: options.host, rateBytesPerS: options.rate, seed: options.seed }),
    });
    try {
      await server.closed;
    } catch (thrown) {
      if (ShoalError.from(thrown).code !== "interrupted") throw thrown;
    }
    reporter.say("Stopped.");
    return signal.aborted ? EXIT.interrupted : EXIT.done;
  },
});
