/** `master`: a registry for networks that broadcasts do not cross. */
import { EXIT } from "../errors.ts";
import { MASTER_DEFAULTS } from "../app/option_defaults.ts";
import { defineCommand, given } from "./command.ts";
import {
  fallingBack,
  LOG_OPTION,
  optional,
  OUTPUT_OPTIONS,
  requireFor,
  withDefault,
} from "./option_table.ts";
import { idleSecrets, SECRET_OPTIONS, secretLayers } from "./secret_options.ts";
import { ADDRESS, METRICS_PORT, PORT, STORE } from "./value_types.ts";

export const masterCommand = defineCommand({
  command: "master",
  summary: "keep a registry for networks with several subnets",
  otherNames: ["tracker", "registry"],
  isService: true,
  positionals: { label: "", summary: "", countMin: 0, countMax: 0 },
  options: {
    port: withDefault(PORT, String(MASTER_DEFAULTS.port), {
      label: "PORT",
      short: "p",
      summary: "TCP port",
    }),
    host: optional(ADDRESS, { label: "ADDRESS", summary: "listen only on this address" }),
    store: optional(STORE, {
      label: "STORE",
      summary: "memory, sqlite:PATH or redis://HOST:PORT (default sqlite:, a cache file)",
    }),
    "metrics-port": optional(METRICS_PORT, {
      label: "PORT",
      summary: "serve GET /metrics (Prometheus) and /healthz on this port",
    }),
    "metrics-host": fallingBack(ADDRESS, MASTER_DEFAULTS.metricsHost, {
      label: "ADDRESS",
      summary: "address to serve them on; 0.0.0.0 for all",
    }),
    ...SECRET_OPTIONS,
    ...LOG_OPTION,
    ...OUTPUT_OPTIONS,
  },
  notes: [
    "Servers register with `server --master HOST`; `list` and `get` ask with --master HOST. Files\n" +
    "go straight from servers to clients.",
    "Masters that share a redis:// store share one registry.",
  ],
  examples: [
    { line: "master", says: "on any host that servers and clients can reach" },
    { line: "master --store redis://10.0.0.9:6379", says: "one of several that share a store" },
  ],
  idle: idleSecrets,
  async perform(options, _, { app, pipes, reporter, signal }) {
    const { "metrics-port": metricsAt, "metrics-host": metricsHost } = options;
    requireFor("metrics-host", metricsHost, "--metrics-port", metricsAt !== undefined);
    const sealing = await secretLayers(options, { app, pipes, reporter, signal });
    const running = await app.master({
      port: options.port,
      signal,
      onEvent: (event) => reporter.report(event),
      ...sealing,
      ...given({ host: options.host, store: options.store, metricsPort: metricsAt, metricsHost }),
    });
    const { port, metricsPort, store, sealed } = running;
    reporter.report({ event: "mastering", port, store, ...given({ metricsPort, sealed }) });
    await running.closed;
    reporter.say("Stopped.");
    return EXIT.done;
  },
});
