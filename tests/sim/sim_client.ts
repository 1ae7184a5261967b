/** One run of a client's process in a simulated world: `get` as it ships, over a virtual runtime. */
import type { Endpoint } from "../../lib/address.ts";
import { type Bytes, type Content, sameContent, type ServerId, serverId } from "../../lib/ids.ts";
import { channelPort } from "../../lib/io/system/worker_port.ts";
import { Bitmap } from "../../lib/protocol/base/bitmap.ts";
import type { LayerNews } from "../../lib/protocol/download/layer_fetch.ts";
import type { Provider } from "../../lib/protocol/download/provider.ts";
import { chunkCountFor } from "../../lib/protocol/merkle/merkle.ts";
import { placeOf } from "./sim_addresses.ts";
import { PUSHER, runPush } from "./push_driver.ts";
import type { TellNews } from "../../lib/app/client/get_extension.ts";
import { getIn } from "../../lib/app/client/get_files.ts";
import type { GetOptions } from "../../lib/app/options.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../../lib/app/events.ts";
import { RECEIVERS_MAX } from "../../lib/protocol/download/limits.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { ClientWatch } from "./client_watch.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import type { Scenario } from "./scenario.ts";
import { simContent } from "./sim_contents.ts";
import { FILE_NAME } from "./sim_index.ts";
import type { VirtualClock } from "./virtual_clock.ts";
import { type ProcessOptions, VirtualProcess } from "./virtual_process.ts";

/** The worker of a source that sends datagrams … */
const RECEIVER = "receiver.ts";
/** … of one that pushes … */
const PUSH = "push.ts";
/** … and of any. */
const SOURCES = [RECEIVER, "stream_receiver.ts", PUSH];

const PUSHED: LayerNews = {
  kind: "confirmed",
  server: PUSHER.id,
  party: PUSHER.endpoint.address,
  routes: [{ kind: "push", endpoint: PUSHER.endpoint, rttMs: 0 }],
  mode: "push",
};

/** A worker starts within this. */
const START_MS_MAX = 40;

export const OUT_DIR = "/simulated";
export const BROADCAST = "255.255.255.255";

export interface ClientWorld {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly disk: MemoryDisk;
  readonly scenario: Scenario;
  readonly send: (port: number, to: Endpoint, datagram: Bytes) => void;
  readonly connect: NonNullable<ProcessOptions["connect"]>;
  readonly seal?: ProcessOptions["seal"];
  /** The servers that its user may name. */
  readonly hosts: readonly string[];
  readonly onEvent: (event: GetEvent) => void;
  /** A chunk that its source calls proved. */
  readonly onChunk: (chunk: number, bytes: Bytes) => void;
  readonly onBlamed: (server: ServerId, what: string) => void;
  /** Something was decided: the books may be looked at. */
  readonly onStep: () => void;
}

export class SimClient {
  readonly startedMs: number;
  /** How the download ended. */
  ended: DoneEvent | FailedEvent | undefined;
  endedMs = Infinity;
  /** Whether nothing is left of it that could still do anything. */
  isClosed = false;
  /** What the run as a whole broke of. */
  failure: unknown;
  readonly #world: ClientWorld;
  readonly #watch: ClientWatch;
  readonly #process: VirtualProcess;

  /** @param run how often it was started before: each run has ports of its own */
  constructor(world: ClientWorld, run: number) {
    this.#world = world;
    const { clock, random, disk, scenario: { client } } = world;
    const { hopMs, joinMs, receiveBufferBytes } = client;
    const { push: spec, sizeBytes } = world.scenario;
    this.startedMs = clock.nowMs;
    this.#watch = new ClientWatch(world.onChunk, (content) => this.#isPushed(content));
    this.#process = new VirtualProcess({
      ...{ clock, random, disk, joinMs, receiveBufferBytes },
      hopMs: () => random.between(0, hopMs),
      startMs: () => random.between(0, START_MS_MAX),
      firstPort: 40_000 + 100 * run,
      ...{ send: world.send, connect: world.connect },
      ...(world.seal !== undefined && { seal: world.seal }),
      watch: this.#watch,
      moreWorkers: spec === undefined ? {} : {
        [PUSH]: (parent, runtime) =>
          runPush(channelPort(parent), runtime, { spec, file: simContent(sizeBytes, 0), random }),
      },
      onMainTurn: world.onStep,
    });
    clock.settle();
    this.#get().catch((error) => this.failure = error);
  }

  get isOver(): boolean {
    return this.#process.isOver;
  }

  get content(): Content | undefined {
    return this.#watch.content;
  }

  get verifiedCount(): number {
    return this.#watch.books.verifiedCount;
  }

  /** What is beyond its bounds, if anything is. */
  problem(): string | undefined {
    const receivers = this.#process.countOf(RECEIVER);
    if (receivers > RECEIVERS_MAX) return `${receivers} receivers`;
    return this.#watch.problem(this.#process.pendingOf(SOURCES) === 0);
  }

  arrive(port: number, datagram: Bytes, from: Endpoint): void {
    this.#process.arrive(port, datagram, from);
  }

  /** A part file was written to. */
  onWritten(): void {
    this.#process.takeTime("assembler.ts", this.#world.scenario.client.disk.writeMs);
  }

  /** Nothing of it happens any more, as if the process had been killed. */
  kill(): void {
    this.#process.end();
  }

  async #get(): Promise<void> {
    await getIn(this.#process.runtime, this.#options(), {
      kinds: this.#world.scenario.push ? { push: { worker: PUSH, config: null } } : {},
      lookUp: (content, tell) => this.#followLookUp(content, tell),
      onBegun: (coordinator) => this.#watch.books.follow(coordinator),
    });
    this.isClosed = true;
  }

  #isPushed(content: Content): boolean {
    const { push, sizeBytes } = this.#world.scenario;
    return push !== undefined && sameContent(content, simContent(sizeBytes, 0).content);
  }

  #options(): GetOptions {
    const { client, sizeBytes } = this.#world.scenario;
    const { timeoutMs, retries, isPinned, rateBytesPerS } = client;
    return {
      names: [FILE_NAME],
      outDir: OUT_DIR,
      broadcast: [BROADCAST],
      servers: client.namesServers ? this.#world.hosts : [],
      ...{ timeoutMs, retries, rateBytesPerS },
      ...(isPinned && { sha256: simContent(sizeBytes, 0).content.sha256 }),
      onEvent: (event) => this.#onEvent(event),
    };
  }

  /**
   * Whom layer fetches call liars is told to nobody outside. And what no datagram says yet is said here: who has
   * chunks only, and that somebody pushes them.
   */
  #followLookUp(content: Content, tell: TellNews): TellNews {
    if (this.#isPushed(content)) tell(PUSHED);
    return (news) => {
      if (news.kind === "lost" && news.reason === "lying") {
        this.#world.onBlamed(news.server, "called a liar");
      }
      tell(this.#withHeld(news));
    };
  }

  #withHeld(news: LayerNews): LayerNews {
    return news.kind === "confirmed" ? { ...news, ...this.#heldBy(news) } : news;
  }

  #heldBy({ routes }: Provider): Pick<Provider, "holds"> {
    const { servers, sizeBytes } = this.#world.scenario;
    const endpoint = routes[0]?.endpoint;
    const range = endpoint && servers[placeOf(endpoint.address).index]?.holds;
    if (range === undefined) return {};
    const holds = new Bitmap(chunkCountFor(sizeBytes));
    for (let chunk = range[0]; chunk < range[1]; chunk++) holds.set(chunk);
    return { holds };
  }

  #onEvent(event: GetEvent): void {
    if (this.isOver) return;
    if (event.event === "done" || event.event === "failed") {
      this.ended ??= event;
      this.endedMs = Math.min(this.endedMs, this.#world.clock.nowMs);
    }
    if (event.event === "server" && event.state === "dropped") {
      this.#world.onBlamed(serverId(event.id), "dropped");
    }
    this.#world.onEvent(event);
  }
}
