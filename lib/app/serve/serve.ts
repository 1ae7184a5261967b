/**
 * A server: the index of what it offers and what serves it (`serving.ts`), with what a server has beside that: classic
 * clients, masters, metrics, and events for its owner.
 */
import type { Content, SafeFileName, ServerId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { MetricsPort } from "../../io/net/metrics_port.ts";
import { randomServerId } from "../../io/system/random_source.ts";
import { checkInterfaces } from "../../io/net/network.ts";
import type { DatagramTransport } from "../../io/net/datagram_transport.ts";
import { denoRuntime, type Runtime } from "../../io/runtime.ts";
import {
  sealOf,
  type TransportConfig,
  transportConfig,
  withFaults,
} from "../../messages/transport_config.ts";
import { DATA_PORTS, HASH_BYTES, PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { STREAM_LOOK_MS } from "./limits.ts";
import { type ResolvedServeOptions, resolveServe, SERVE_DEFAULTS } from "../option_defaults.ts";
import { logNotice } from "../log_notice.ts";
import { secondsLeftField } from "../seconds_left.ts";
import { displayName } from "../../names.ts";
import { sizeText } from "../../sizes.ts";
import type { ReadyEvent, ServeEvent } from "../events.ts";
import { LiveIndex } from "../index/live_index.ts";
import { openOrigins } from "../index/open_origins.ts";
import type { StreamOrigin } from "../index/stream_origin.ts";
import type { ServeOptions, Server } from "../options.ts";
import { MasterLink } from "../master/master_link.ts";
import { ClassicService } from "./serve_classic.ts";
import { OfferedContent } from "./offered_content.ts";
import { ServerMetrics } from "./server_metrics.ts";
import { ownAddresses } from "./own_addresses.ts";
import { Serving } from "./serving.ts";

/** Digits of the server's id by which what it says of what it offers differs from what an earlier run has said. */
const REVISION_DIGITS = 8;
/** Each part draws its random numbers from the seed plus this; the sender, from the seed itself. */
const SEED_OFFSET = { classicFaults: 1, classicOrder: 2, responder: 3, sessions: 4 } as const;

/**
 * Offers a folder, single files, bytes in memory or a stream to everybody on the network, until it is closed or `signal` is aborted.
 * Resolves as soon as it answers; files that are still being hashed, and streams that are still being read, follow.
 *
 * @param options what to offer, and how
 * @returns the running server, with the ports it listens on
 * @throws {ShoalError} `folder` if the folder cannot be read, `usage` or `bad_name` if a file cannot be offered or two have one
 * name, `not_writable`, `disk_full` or `disk` if a stream cannot be kept, `port_in_use` or `network` if a port cannot
 * be opened, `interrupted` if `signal` is aborted before it answers
 *
 * @example Offer a folder on any free port
 * ```ts
 * import { assert } from "@std/assert";
 * import { serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 *
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 * assert(server.ready.files === 1);
 * await server.close();
 * ```
 */
export async function serve(options: ServeOptions): Promise<Server> {
  return await serveIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function serveIn(runtime: Runtime, given: ServeOptions): Promise<Server> {
  const options = resolveServe(given);
  const seed = options.seed ?? runtime.random.u32();
  const { port, host, tune, layers, errorRate, signal, onEvent } = options;
  const transport = transportConfig({ host, tune, layers });
  const choice = { only: options.interfaces, except: options.exceptInterfaces };
  checkInterfaces(choice, runtime.net.subnets());
  // To join a group is to send: whoever says where searches go has said where they do not.
  const group = options.broadcast === undefined ? { group: choice } : {};
  const discovery = runtime.net.openDatagrams(withFaults(
    { ...transport, ...group, ports: [port], share: true, answers: true },
    errorRate,
    seed + SEED_OFFSET.classicFaults,
  ));
  let service: Service | undefined;
  try {
    const { all: origins, streams } = await openOrigins(runtime, options);
    const index = await LiveIndex.start({
      runtime,
      origins,
      ...(options.cacheDir !== undefined && { cacheDir: options.cacheDir }),
      ...(signal !== undefined && { signal }),
      onChange: (name, lost) => service?.onIndexChange(name, lost),
      onNotice: (message) => onEvent?.({ event: "notice", level: "warning", message }),
    });
    service = new Service(runtime, { ...options, seed }, transport, discovery, index);
    const ready = await service.open();
    for (const stream of streams) void service.fill(stream);
    return service.server(ready);
  } catch (error) {
    await discovery.close();
    await service?.close();
    throw ShoalError.from(error);
  }
}

class Service {
  /** Settles when nothing of the server is left. */
  readonly closed: Promise<void>;
  readonly #runtime: Runtime;
  readonly #options: ResolvedServeOptions;
  readonly #port: number;
  readonly #index: LiveIndex;
  readonly #server: ServerId;
  readonly #classic: ClassicService | undefined;
  /** By which secret it is sealed, if it is. */
  readonly #seal: string | undefined;
  readonly #serving: Serving;
  readonly #ending = new AbortController();
  readonly #ended = Promise.withResolvers<void>();
  readonly #metrics = new ServerMetrics();
  readonly #offered: OfferedContent;
  readonly #watchers = new Set<(event: ServeEvent) => void>();
  #metricsPort: MetricsPort | undefined;
  #links: readonly MasterLink[] = [];
  #failure: ShoalError | undefined;
  #isTellingProgress = false;

  constructor(
    runtime: Runtime,
    options: ResolvedServeOptions & { readonly seed: number },
    transport: TransportConfig,
    discovery: DatagramTransport,
    index: LiveIndex,
  ) {
    this.#runtime = runtime;
    this.#server = randomServerId(runtime.random);
    this.#options = options;
    this.#index = index;
    this.#port = discovery.port;
    const { seed } = options;
    this.#seal = sealOf(options.layers);
    // It has no seal: who speaks it would be answered in clear, or not understood.
    if (options.classic && this.#seal === undefined) {
      this.#classic = this.#classicService(discovery, seed);
    }
    const serving = this.#serving = this.#serve(discovery, transport, seed);
    this.#offered = new OfferedContent(runtime.disk, index, {
      revisionPrefix: this.#server.slice(0, REVISION_DIGITS),
      onRead: (part) => serving.onRead(part),
    });
    this.closed = this.#ended.promise;
    // A caller that does not await the end must not crash on a failure.
    this.closed.catch(() => {});
    options.signal?.addEventListener("abort", this.close, { once: true });
  }

  /** Resolves when questions are answered and requests are served. */
  async open(): Promise<ReadyEvent> {
    const { dataPort, tcpPort, isTuned } = await this.#serving.open();
    this.#openMetrics();
    this.#register(dataPort);
    if (this.#options.signal?.aborted) throw new ShoalError("interrupted", "stopped");
    this.#detail(`data socket on port ${dataPort}: ${isTuned ? "joined datagrams" : "plain"}`);
    const { host } = this.#options;
    if (host !== SERVE_DEFAULTS.host) this.#tell(unheardNotice(host));
    const ready: ReadyEvent = {
      event: "ready",
      port: this.#port,
      dataPort,
      tcpPort,
      id: this.#server,
      ...(this.#index.uploadDir !== undefined && { dir: this.#index.uploadDir }),
      names: this.#index.names,
      files: this.#index.catalogue.size,
      hidden: this.#index.leftOut.hiddenCount,
      addresses: ownAddresses(host, this.#runtime.net.subnets(), {
        ...{ only: this.#options.interfaces, except: this.#options.exceptInterfaces },
      }),
      classic: this.#classic !== undefined,
      ...(this.#seal !== undefined && { sealed: this.#seal }),
    };
    this.#tell(ready);
    this.#tellUnusual();
    this.#tellProgress();
    return ready;
  }

  /** What its owner is given of it. */
  server(ready: ReadyEvent): Server {
    const offered = this.#offered;
    const { allowUpload, uploadBytesMax } = this.#options;
    return {
      ...{ ready, closed: this.closed, close: this.close },
      uploadBytesMax: allowUpload ? uploadBytesMax : 0,
      beginUpload: (upload) => this.#serving.beginUpload(upload),
      get revision() {
        return offered.revision;
      },
      files: (query) => offered.files(query),
      entries: (query) => offered.entries(query),
      fileCount: (folder) => offered.fileCount(folder),
      find: (what) => offered.find(what),
      open: (name, range, to) => offered.open(name, range, to),
      watch: (onEvent) => {
        this.#watchers.add(onEvent);
        return () => void this.#watchers.delete(onEvent);
      },
    };
  }

  /** Offers what a stream brings, once it has ended. */
  async fill(stream: StreamOrigin): Promise<void> {
    const [name] = stream.names;
    const info = (message: string): void => this.#tell({ event: "notice", level: "info", message });
    info(`Reading ${displayName(name)}: it will be offered when it is complete`);
    try {
      const sizeBytes = await stream.fill();
      if (sizeBytes !== undefined) {
        // Whoever asks before that is told that there is no such file.
        while (!this.#ending.signal.aborted && this.#index.catalogue.find(name) === undefined) {
          await this.#runtime.clock.sleep(STREAM_LOOK_MS, this.#ending.signal);
        }
        info(`Read ${sizeText(sizeBytes)}: offering ${displayName(name)}`);
      }
    } catch (error) {
      this.#fail(ShoalError.from(error));
    }
  }

  #openMetrics(): void {
    const { metricsPort: port, metricsHost: host } = this.#options;
    if (port === undefined) return;
    const read = () =>
      Promise.resolve(this.#metrics.read(this.#index.catalogue.size, this.#index.progress));
    const onProblem = (message: string): void => this.#detail(message);
    const { clock, net } = this.#runtime;
    this.#metricsPort = new MetricsPort({ clock, net, host, port, read, onProblem });
  }

  #register(port: number): void {
    this.#links = this.#options.masters.map((master) =>
      new MasterLink({
        master,
        server: this.#server,
        port,
        catalogue: this.#index.catalogue,
        runtime: this.#runtime,
        layers: this.#options.layers,
        seed: this.#runtime.random.u32(),
        onState: (isRegistered, message) =>
          this.#tell({
            event: "notice",
            level: isRegistered ? "info" : "warning",
            message: isRegistered
              ? `Registered with master ${message}`
              : `master: ${message}; trying again`,
          }),
      })
    );
  }

  /** What somebody should know who finds this server running. */
  #tellUnusual(): void {
    const { allowUpload, uploadBytesMax, errorRate } = this.#options;
    const notices = [
      ...(allowUpload ? [`Accepting uploads up to ${sizeText(uploadBytesMax)} each`] : []),
      ...(errorRate > 0
        ? [`Simulating errors: ${errorRate * 100} % of packets are dropped or damaged`]
        : []),
    ];
    for (const message of notices) this.#tell({ event: "notice", level: "info", message });
  }

  /** Ends everything; the same promise however often it is called. */
  readonly close = (): Promise<void> => {
    if (!this.#ending.signal.aborted) {
      this.#ending.abort();
      this.#end().then(
        () =>
          this.#failure === undefined ? this.#ended.resolve() : this.#ended.reject(this.#failure),
        (error) => this.#ended.reject(ShoalError.from(error)),
      );
    }
    return this.closed;
  };

  onIndexChange(name: SafeFileName, lost: Content | undefined): void {
    for (const link of this.#links) link.changed(name);
    if (lost !== undefined) this.#serving.forget(lost);
    this.#tellProgress();
  }

  async #end(): Promise<void> {
    this.#options.signal?.removeEventListener("abort", this.close);
    this.#classic?.close();
    await Promise.all(this.#links.map((link) => link.close()));
    await this.#metricsPort?.close();
    this.#offered.close();
    await this.#serving.close();
    await this.#index.close();
  }

  #fail(error: ShoalError): void {
    this.#failure ??= error;
    this.close();
  }

  // — What it is made of ————————————————————————————————————————————————————————————————————————

  #classicService(transport: DatagramTransport, seed: number): ClassicService {
    return new ClassicService({
      runtime: this.#runtime,
      transport,
      index: this.#index,
      chunkBytes: this.#options.classicChunkBytes,
      rateBytesPerS: this.#options.rateBytesPerS,
      seed: seed + SEED_OFFSET.classicOrder,
      hasProved: (address) => this.#serving.hasProved(address),
      onEvent: (event) => this.#tell(event),
      onRefused: (...refused) => this.#serving.tellRefused(...refused),
    });
  }

  #serve(discovery: DatagramTransport, transport: TransportConfig, seed: number): Serving {
    const { rateBytesPerS, errorRate, dataPort, tcpPort, allowUpload } = this.#options;
    const faulty = withFaults(transport, errorRate, seed);
    return new Serving({
      runtime: this.#runtime,
      index: this.#index,
      server: this.#server,
      tokenSecret: this.#runtime.random.bytes(HASH_BYTES),
      seed: seed + SEED_OFFSET.responder,
      discovery,
      interfaces: { only: this.#options.interfaces, except: this.#options.exceptInterfaces },
      transport: faulty,
      ...(dataPort !== undefined && { dataPort }),
      rateBytesPerS,
      sessions: {
        host: faulty.host,
        layers: faulty.layers,
        // Servers of one host share a UDP port, which they cannot with a TCP port.
        ports: tcpPort === undefined ? [this.#port, ...DATA_PORTS, 0] : [tcpPort],
        policy: {
          server: this.#server,
          allowsUpload: allowUpload,
          uploadBytesMax: this.#options.uploadBytesMax,
          chunkBytes: this.#options.classicChunkBytes,
          errorRate,
          seed: seed + SEED_OFFSET.sessions,
        },
        quota: {
          bytes: this.#options.uploadQuotaBytes,
          perPartyBytes: this.#options.uploadQuotaPerHostBytes,
          entries: this.#options.uploadEntriesMax,
          perPartyEntries: this.#options.uploadEntriesPerHostMax,
        },
        rateBytesPerS,
      },
      onSearched: (from) => this.#classic?.onSearched(from),
      onClassicRequest: (from, name) => this.#classic?.onRequest(from, name),
      onRequested: (name, client) => this.#tell({ event: "request", name, client, classic: false }),
      onSending: (name, client) => this.#tell({ event: "sending", name, client, classic: false }),
      onTransfer: (event) => this.#tell(event),
      onUploaded: ({ name, sizeBytes: size, sha256, md5 }, client) =>
        this.#tell({ event: "uploaded", name, client, size, sha256, md5 }),
      onRefused: ({ name, from, message, omitted }) =>
        this.#tell({ event: "refused", name, client: from, message, omitted }),
      onLog: (level, message) => this.#tell(logNotice(level, message)),
      onServed: (served) => this.#metrics.countServed(served),
      onDetail: (message) => this.#detail(message),
      onFailure: (error) => this.#fail(error),
    });
  }

  // — What it says ——————————————————————————————————————————————————————————————————————————————

  /** Reports progress while something is left to hash, and once when nothing is. */
  async #tellProgress(): Promise<void> {
    if (this.#isTellingProgress || this.#index.progress.filesLeft === 0) return;
    this.#isTellingProgress = true;
    for (let isLeft = true; isLeft && !this.#ending.signal.aborted;) {
      const { filesLeft, bytesLeft, rateBytesPerS } = this.#index.progress;
      const rate = Math.round(rateBytesPerS);
      const time = secondsLeftField(rate > 0 ? bytesLeft / rate : undefined);
      this.#tell({ event: "indexing", filesLeft, bytesLeft, rate, ...time });
      isLeft = filesLeft > 0;
      if (isLeft) await this.#runtime.clock.sleep(PROGRESS_INTERVAL_MS, this.#ending.signal);
    }
    this.#isTellingProgress = false;
  }

  #detail(message: string): void {
    this.#tell({ event: "notice", level: "verbose", message });
  }

  #tell(event: ServeEvent): void {
    this.#metrics.count(event);
    this.#options.onEvent?.(event);
    for (const each of this.#watchers) each(event);
  }
}

/** A socket that is bound to one address receives no broadcasts. */
function unheardNotice(host: string): ServeEvent {
  const message = `listening on ${host} only: broadcasts will not arrive, so clients need --server`;
  return { event: "notice", level: "info", message };
}
