/**
 * One run of a client's process in a simulated world: a real download, with its offers, choice and
 * order of events, over the simulated search, crew and assembler.
 */
import {
  type Bytes,
  type Content,
  type Endpoint,
  type ServerId,
  type TransferId,
  transferId,
} from "../../lib/ids.ts";
import { DownloadDriver } from "../../lib/app/client/download_driver.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../../lib/app/events.ts";
import type { FindNews } from "../../lib/protocol/discovery/finder.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import type { ReceiverAction } from "../../lib/protocol/download/receiver.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import type { Scenario } from "./scenario.ts";
import { SimAssembler } from "./sim_assembler.ts";
import { simContent } from "./sim_contents.ts";
import { SimCrew } from "./sim_crew.ts";
import { SimSearch } from "./sim_search.ts";
import { FILE_NAME } from "./sim_server.ts";
import { Channel, type VirtualClock } from "./virtual_clock.ts";

export const OUT_DIR = "/simulated";

export interface ClientWorld {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly disk: MemoryDisk;
  readonly scenario: Scenario;
  readonly send: (port: number, to: Endpoint, datagram: Bytes) => void;
  readonly onEvent: (event: GetEvent) => void;
  readonly onChunk: (chunk: Extract<ReceiverAction, { kind: "chunk" }>) => void;
  readonly onBlamed: (server: ServerId, what: string) => void;
  /** Something was decided: the books may be looked at. */
  readonly onStep: () => void;
}

export class SimClient {
  readonly download: DownloadDriver;
  readonly startedMs: number;
  ended: DoneEvent | FailedEvent | undefined;
  readonly #crew: SimCrew;
  readonly #search: SimSearch;
  readonly #assembler: SimAssembler;
  readonly #firstPort: number;
  readonly #world: ClientWorld;
  readonly #adopted = new Map<TransferId, DownloadDriver>();
  #nextTransfer = 1;

  /** @param run how often it was started before: each run has ports of its own */
  constructor(world: ClientWorld, run: number) {
    this.#world = world;
    this.#firstPort = 40_000 + 100 * run;
    this.startedMs = world.clock.nowMs;
    const { clock, random, disk, scenario } = world;
    const { client, sizeBytes } = scenario;
    const replies = new Channel(clock, () => random.between(0, client.hopMs));
    this.#assembler = new SimAssembler({
      clock,
      disk,
      spec: client.disk,
      reply: (reply) =>
        replies.post(() => {
          if (!this.isOver) this.#adopted.get(reply.transfer)?.onTarget(reply);
          world.onStep();
        }),
    });
    this.#crew = new SimCrew({
      clock,
      random,
      spec: client,
      assembler: this.#assembler,
      send: (receiver, to, datagram) => world.send(this.#portOf(receiver), to, datagram),
      onNews: (news) => {
        if (news.kind !== "server") this.#adopted.get(news.transfer)?.onTransfer(news);
        else if (news.state === "dropped") this.download.onDropped(news.server);
      },
      onChunk: world.onChunk,
      onDropped: (server) => world.onBlamed(server, "dropped"),
      onStep: world.onStep,
    });
    this.#search = new SimSearch({
      clock,
      random,
      timeoutMs: client.timeoutMs,
      retries: client.retries,
      send: (to, datagram) => {
        if (!this.isOver) world.send(this.#firstPort, to, datagram);
      },
      onLying: (server) => world.onBlamed(server, "called a liar"),
    });
    const pinned = client.isPinned ? simContent(sizeBytes, 0).content.sha256 : undefined;
    this.download = new DownloadDriver(
      {
        clock: clock.clockOf(0, (work) => {
          if (!this.isOver) work();
        }),
        search: this.#search,
        pool: this.#crew,
        emit: (event) => this.#onEvent(event),
        acquire: (download, admit) => {
          const id = transferId(this.#nextTransfer++);
          this.#adopted.set(id, download);
          admit(id);
        },
        release: (transfer) => this.#adopted.delete(transfer),
        searchAgain: () => this.#find(),
        addresses: new Map(),
      },
      {
        name: FILE_NAME,
        query: { by: "name", name: FILE_NAME },
        outDir: OUT_DIR,
        force: false,
        retries: client.retries,
        ...(pinned !== undefined && { pinned }),
        looksAhead: true,
      },
    );
    this.#find();
  }

  get isOver(): boolean {
    return this.#crew.isClosed;
  }

  get progress() {
    return this.download.progress;
  }

  /** What it fetches, once it has begun to. */
  get content(): Content | undefined {
    return this.#crew.content;
  }

  get verifiedCount(): number {
    return this.#crew.books.verifiedCount;
  }

  /** Who it blames for nothing, and what else is beyond its bounds. */
  problem(): string | undefined {
    return this.#crew.problem();
  }

  arrive(port: number, datagram: Bytes, from: Endpoint): void {
    if (this.isOver) return;
    if (port === this.#firstPort) return this.#search.arrive(datagram, from);
    const index = port - this.#firstPort - 1;
    if (index >= 0 && index < 100) this.#crew.arrive(index, datagram, from);
  }

  /** Nothing of it happens any more, as if the process had been killed. */
  kill(): void {
    this.#crew.isClosed = true;
    this.#search.close();
    this.#assembler.close();
  }

  #find(): void {
    const { download } = this;
    const pinned = this.#world.scenario.client.isPinned
      ? simContent(this.#world.scenario.sizeBytes, 0).content.sha256
      : undefined;
    // In the order of the real thing: the handle is there when the first answer comes.
    const onNews = (news: FindNews): void => download.onFind(news);
    const find = this.#search.find([download.query], onNews, pinned);
    download.begin(find, 0);
  }

  #onEvent(event: GetEvent): void {
    // A timer of a process that is gone.
    if (this.isOver) return;
    if (event.event === "done" || event.event === "failed") this.ended ??= event;
    this.#world.onEvent(event);
  }

  #portOf(receiver: number): number {
    return this.#firstPort + 1 + receiver;
  }
}
