/**
 * `master`: a registry for networks that broadcasts do not cross. Servers register, clients ask; the
 * files themselves never pass through it.
 */
import { type Clock, type Wakeup, wallMs } from "../../io/system/clock.ts";
import { runMasterDialogue } from "../../io/workers/master_host.ts";
import { type Metric, MetricsPort } from "../../io/net/metrics_port.ts";
import { descriptorLimit } from "../../io/system/descriptor_limit.ts";
import { denoRuntime, type Runtime } from "../../io/runtime.ts";
import { SessionListener } from "../../io/net/session_listener.ts";
import type { RequestPace } from "../../io/net/request_pace.ts";
import type { SessionConnection } from "../../io/net/session_connection.ts";
import {
  MASTER_CONNECTIONS_MAX,
  MASTER_DESCRIPTORS_SHARE,
  MASTER_PAGES_AT_ONCE,
  MASTER_REQUESTS_PER_S,
  MASTER_WORK_PER_S,
  REGISTRY_KEEP_MS,
  REGISTRY_SWEEP_MS,
} from "./limits.ts";
import { ShoalError } from "../../errors.ts";
import { refusalOf } from "../../wire/session_codes.ts";
import { encodeMessage } from "../../wire/session_json.ts";
import { serveMaster } from "../../protocol/master/master_session.ts";
import { AnswerTurns } from "../../protocol/session/answer_turns.ts";
import { sealOf } from "../../messages/transport_config.ts";
import { ConcurrencyLimit } from "../../protocol/base/concurrency_limit.ts";
import type { RegistryStore } from "../../protocol/master/registry_store.ts";
import { type ResolvedMasterOptions, resolveMaster } from "../option_defaults.ts";
import type { Master, MasterOptions } from "../options.ts";
import { openStore, shownStore } from "./registry_stores.ts";

/**
 * Runs a master: a registry for networks that broadcasts do not cross. Servers register with it, clients ask it
 * who has what; the files themselves go straight from servers to clients.
 *
 * @param options where to listen, and where to keep the registry
 * @returns the running master, with the port it listens on
 * @throws {ShoalError} `usage` for a store it does not know, `disk` or `network` if the store cannot be opened,
 * `port_in_use` or `network` if a port cannot be opened
 *
 * @example Keep a registry in memory
 * ```ts
 * import { assert } from "@std/assert";
 * import { master } from "@shoal/shoal";
 *
 * const running = await master({ host: "127.0.0.1", port: 0, store: "memory" });
 * assert(running.port > 0);
 * await running.close();
 * ```
 */
export async function master(options: MasterOptions = {}): Promise<Master> {
  return await masterIn(denoRuntime(), options);
}

/** What a master needs of the platform. */
export type MasterRuntime = Pick<Runtime, "clock" | "random" | "net">;

/** The same on a platform that is handed in; a store outside memory is this machine's. */
export async function masterIn(
  runtime: MasterRuntime,
  given: MasterOptions,
): Promise<Master> {
  const options = resolveMaster(given);
  const store = await openStore(runtime, options.store, options.port);
  try {
    return new MasterRun(runtime, options, store);
  } catch (error) {
    await store.end();
    throw error;
  }
}

const STORE_UNAVAILABLE = "the store of this master cannot be reached now";

class MasterRun implements Master {
  readonly closed: Promise<void>;
  readonly #options: ResolvedMasterOptions;
  readonly #store: RegistryStore;
  readonly #listener: SessionListener;
  readonly #metrics: MetricsPort | undefined;
  readonly #runtime: MasterRuntime;
  readonly #clock: Clock;
  readonly #sweeper: Wakeup;
  readonly #ended = Promise.withResolvers<void>();
  readonly #answers = new Map<string, { count: number; seconds: number }>();
  readonly #pages = new ConcurrencyLimit(MASTER_PAGES_AT_ONCE);
  readonly #turns = new AnswerTurns();
  #connections = 0;
  #isStopping = false;
  #isStoreLost = false;
  #sweeping: Promise<void> = Promise.resolve();

  constructor(runtime: MasterRuntime, options: ResolvedMasterOptions, store: RegistryStore) {
    const { clock, net } = runtime;
    this.#runtime = runtime;
    this.#clock = clock;
    this.#sweeper = clock.timer(() => this.#sweep());
    this.#options = options;
    this.#store = store;
    this.closed = this.#ended.promise;
    this.closed.catch(() => {});
    const { host, port, layers, metricsPort, metricsHost } = options;
    this.#listener = new SessionListener({
      clock,
      net,
      host,
      ports: [port],
      layers,
      portName: "the port of a Shoal master",
      speaksLines: false,
      connectionsMax: MASTER_CONNECTIONS_MAX,
      descriptorsShare: MASTER_DESCRIPTORS_SHARE,
      requestsPerS: MASTER_REQUESTS_PER_S,
      workPerS: MASTER_WORK_PER_S,
      talk: (connection, refusal, pace) => this.#talk(connection, refusal, pace),
      onProblem: (message) => this.#tell("warning", message),
      onFailure: (error) => this.#end(error),
    });
    try {
      this.#metrics = metricsPort === undefined ? undefined : new MetricsPort({
        clock,
        net,
        host: metricsHost,
        port: metricsPort,
        read: () => this.#read(),
        onProblem: (message) => this.#tell("warning", message),
      });
    } catch (error) {
      this.#listener.hangUp();
      throw error;
    }
    const { connectionsMax } = this.#listener;
    if (connectionsMax < MASTER_CONNECTIONS_MAX) this.#tell("warning", limitedText(connectionsMax));
    this.#sweep();
    options.signal?.addEventListener("abort", () => void this.close(), { once: true });
    if (options.signal?.aborted) void this.close();
  }

  get store(): string {
    return shownStore(this.#options.store, this.#options.port);
  }

  get sealed(): string | undefined {
    return sealOf(this.#options.layers);
  }

  get port(): number {
    return this.#listener.port;
  }

  get metricsPort(): number | undefined {
    return this.#metrics?.port;
  }

  close(): Promise<void> {
    if (!this.#isStopping) void this.#end();
    return this.closed;
  }

  async #talk(
    connection: SessionConnection,
    refusal: string | undefined,
    pace: RequestPace,
  ): Promise<void> {
    if (refusal !== undefined) {
      return await connection.send(encodeMessage(refusalOf("crowded", refusal)));
    }
    this.#connections += 1;
    try {
      const { peerAddress, localAddress } = connection;
      await runMasterDialogue(serveMaster(peerAddress, localAddress), connection, {
        runtime: this.#runtime,
        store: this.#store,
        pages: this.#pages,
        turns: this.#turns,
        onAnswered: (command, ms) => this.#count(command, ms),
        isStopping: () => this.#isStopping,
      }, pace);
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error;
      // The store is unavailable: clients ask elsewhere, and servers come back.
      this.#tellStore(error);
      // Where the store is, and what is wrong with it, is for the log alone.
      await connection.send(encodeMessage(refusalOf("unavailable", STORE_UNAVAILABLE)));
    } finally {
      this.#connections -= 1;
    }
  }

  #count(command: string, ms: number): void {
    if (!COMMANDS.has(command)) return;
    let answers = this.#answers.get(command);
    if (answers === undefined) this.#answers.set(command, answers = { count: 0, seconds: 0 });
    answers.count += 1;
    answers.seconds += ms / 1000;
  }

  #sweep(): void {
    this.#sweeping = this.#store.sweep(wallMs(this.#clock) - REGISTRY_KEEP_MS).then(
      () => this.#tellStore(undefined),
      (error) => this.#tellStore(ShoalError.from(error)),
    );
    if (!this.#isStopping) this.#sweeper.set(this.#clock.nowMs() + REGISTRY_SWEEP_MS);
  }

  /** Once when the store is lost, and once when it is back. */
  #tellStore(error: ShoalError | undefined): void {
    const isLost = error !== undefined;
    if (isLost === this.#isStoreLost || this.#isStopping) return;
    this.#isStoreLost = isLost;
    if (isLost) this.#tell("warning", `the store is unavailable: ${error.message}`);
    else this.#tell("info", "the store is available again");
  }

  async #read(): Promise<Metric[]> {
    const { servers, files } = await this.#store.stats(wallMs(this.#clock));
    const answers = [...this.#answers];
    const byCommand = (value: (each: { count: number; seconds: number }) => number) =>
      answers.map(([name, each]) => ({ label: ["command", name], value: value(each) } as const));
    return [
      gauge("shoal_master_servers", "Servers with a lease that holds.", servers),
      gauge("shoal_master_files", "Files of those servers.", files),
      gauge("shoal_master_connections", "Open connections.", this.#connections),
      {
        name: "shoal_master_requests_total",
        help: "Requests that were answered.",
        type: "counter",
        values: byCommand(({ count }) => count),
      },
      {
        name: "shoal_master_request_seconds_total",
        help: "Time from a request to its answer.",
        type: "counter",
        values: byCommand(({ seconds }) => seconds),
      },
    ];
  }

  async #end(error?: ShoalError): Promise<void> {
    this.#isStopping = true;
    this.#sweeper.clear();
    this.#listener.hangUp();
    await this.#listener.closed();
    await this.#metrics?.close();
    await this.#sweeping;
    await this.#store.end();
    if (error === undefined) this.#ended.resolve();
    else this.#ended.reject(error);
  }

  #tell(level: "info" | "warning", message: string): void {
    this.#options.onEvent?.({ event: "notice", level, message });
  }
}

/** Only these become labels: anybody may send anything. */
const COMMANDS = new Set([
  ...["register", "update", "renew", "unregister", "list", "locate", "stats"],
]);

/** Reported once, where the system allows less than a master is made for. */
function limitedText(connectionsMax: number): string {
  return `no more than ${connectionsMax} connections at a time: ` +
    `this process may have ${descriptorLimit()} files open (ulimit -n)`;
}

function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: "gauge", values: [{ value }] };
}
