/**
 * A server of a simulated world: what serves an index as it ships, sockets and workers included, behind one
 * address or two, over the index of its scenario; and what can happen to a server or be wrong with it.
 */
import type { Endpoint } from "../../lib/address.ts";
import { Serving } from "../../lib/app/serve/serving.ts";
import {
  type Bytes,
  type Content,
  hashHex,
  type ServerId,
  serverId,
  toHex,
} from "../../lib/ids.ts";
import { channelPort } from "../../lib/io/system/worker_port.ts";
import type { PackerReply, PackerRequest } from "../../lib/messages/packer_worker.ts";
import { pack } from "../../lib/protocol/base/zstd.ts";
import { rootOfBytes } from "../../lib/protocol/merkle/unit_root.ts";
import type { SenderReply, SenderRequest } from "../../lib/messages/sender_worker.ts";
import { DISCOVERY_PORT, PROGRESS_INTERVAL_MS } from "../../lib/limits.ts";
import { CHUNK_BYTES_MIN } from "../../lib/protocol/merkle/limits.ts";
import {
  QUESTIONS_FORWARDED_WORK_MAX,
  WANTS_MAX,
  WANTS_PER_FLOW_MAX,
} from "../../lib/protocol/serve/limits.ts";
import { SETTLE_MS } from "../../lib/app/index/limits.ts";
import type { CatalogueEntry } from "../../lib/protocol/serve/catalogue.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { placeOf } from "./sim_addresses.ts";
import type { Mishap, ServerSpec } from "./scenario.ts";
import { simContent } from "./sim_contents.ts";
import { CHANGED_VARIANT, FILE_NAME, FOLDER, SimIndex } from "./sim_index.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { Channel, type VirtualClock } from "./virtual_clock.ts";
import type { VirtualSeal } from "./virtual_seal.ts";
import { VirtualProcess } from "./virtual_process.ts";
import type { VirtualEnd } from "./virtual_channel.ts";
import type { VirtualListener } from "./virtual_stream.ts";
import { testTransport } from "../support/test_transport.ts";

const FILE_PATH = `${FOLDER}/${FILE_NAME}`;
/** What piles up at a server that does nothing. */
const BACKLOG_BYTES_MAX = 212_992;
const HASH_MS = 30;
const HOP_MS = 0.1;

export const DATA_PORT = 10530;

export type SendTo = (path: number, to: Endpoint, datagram: Bytes, fromPort: number) => void;

interface Arrival {
  readonly bytes: Bytes;
  readonly from: Endpoint;
  /** The port that it has come to. */
  readonly port: number;
}

/** What it offers that is not so. */
function offeredOf(spec: ServerSpec, sizeBytes: number, variant: number): Content {
  const { content } = simContent(sizeBytes, variant);
  if (spec.lie === "root") return { ...content, root: hashHex("6b".repeat(32)) };
  if (spec.lie === "sha256") {
    return { ...content, sha256: simContent(sizeBytes, 0).content.sha256 };
  }
  return content;
}

/** Packs what nobody asked for, at the length that it was asked for. */
function runLyingPacker(parent: VirtualEnd): void {
  const port = channelPort<PackerRequest, PackerReply>(parent);
  port.onMessage((request) => {
    if (request.kind !== "pack") return;
    const { job, lengthBytes } = request;
    const bytes = new Uint8Array(pack(new Uint8Array(lengthBytes)));
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    const root = hashHex(toHex(rootOfBytes(bytes)));
    port.post({ kind: "packed", job, pack: { root, bytes: shared } });
  });
  port.post({ kind: "ready" });
}

/** One run of a server's process. */
interface Process {
  readonly id: ServerId;
  readonly index: SimIndex;
  readonly virtual: VirtualProcess;
  readonly serving: Serving;
  /** Questions on their way to the main thread. */
  readonly toMain: Channel;
  /** Work of the questions that the main thread has not dealt with. */
  workWaiting: number;
  /** The most flows that ever waited, as far as was told. */
  flowsMax: number;
  isOver: boolean;
}

export class SimServer {
  readonly spec: ServerSpec;
  readonly #sizeBytes: number;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #send: SendTo;
  readonly #onCrash: () => void;
  readonly #seal: VirtualSeal | undefined;
  readonly #backlog: Arrival[] = [];
  readonly #disk = new MemoryDisk({ writeMs: 0 }, { onWrite() {}, onNamed() {} });
  #process: Process | undefined;
  #backlogBytes = 0;
  #stalledUntilMs = 0;
  /** Which file is on its disk. */
  variant: number | undefined;
  /** Every id that it ever had. */
  readonly ids = new Set<ServerId>();
  hasChanged = false;

  constructor(
    spec: ServerSpec,
    sizeBytes: number,
    world: {
      readonly clock: VirtualClock;
      readonly random: Random;
      readonly send: SendTo;
      readonly onCrash: () => void;
      readonly seal?: VirtualSeal;
    },
  ) {
    this.spec = spec;
    this.variant = spec.variant;
    this.#sizeBytes = sizeBytes;
    this.#clock = world.clock;
    this.#random = world.random;
    this.#send = world.send;
    this.#onCrash = world.onCrash;
    this.#seal = world.seal;
    this.#writeFile();
    this.#clock.at(spec.startsMs, () => this.#start());
    for (const mishap of spec.mishaps) this.#clock.at(mishap.atMs, () => this.#befall(mishap));
  }

  get isUp(): boolean {
    return this.#process !== undefined && this.#clock.nowMs >= this.#stalledUntilMs;
  }

  /** Whether it does what it should, as far as it goes. */
  get isHonest(): boolean {
    return this.spec.lie === undefined;
  }

  /** What it offers now; `undefined` for nothing. */
  get offered(): Content | undefined {
    return this.#process?.index.catalogue.find(FILE_NAME)?.content;
  }

  /** Who listens for streams on this port. */
  listenerOn(port: number): VirtualListener | undefined {
    return this.#process?.virtual.listenerOn(port);
  }

  arrive(arrival: Arrival): void {
    if (this.#process === undefined) return;
    if (this.isUp) return this.#take(this.#process, arrival);
    this.#backlogBytes += arrival.bytes.length;
    if (this.#backlogBytes <= BACKLOG_BYTES_MAX) this.#backlog.push(arrival);
  }

  // — What happens to it ————————————————————————————————————————————————————————————————————————

  #start(): void {
    if (this.#process !== undefined) return;
    const process = this.#process = this.#open();
    this.ids.add(process.id);
    if (this.variant === undefined) return;
    this.#index(process, Math.max(0, this.spec.readyMs - this.#clock.nowMs));
  }

  /** The file is found now, and hashed in a while. */
  #index(process: Process, afterMs: number, state: "settling" | "pending" = "pending"): void {
    const { signature } = this.#disk.identityAt(FILE_PATH)!;
    process.index.catalogue.put(FILE_NAME, signature, state);
    const { variant } = this;
    const ready = (): void => {
      if (process.isOver || this.variant !== variant) return;
      process.index.catalogue.ready(FILE_NAME, offeredOf(this.spec, this.#sizeBytes, variant!));
    };
    if (this.spec.lie === "hashing") return;
    if (afterMs === 0) return ready();
    this.#clock.after(afterMs, ready);
    process.index.hashBytesPerS = 1_000 * this.#sizeBytes / afterMs;
    const startedMs = this.#clock.nowMs;
    const progress = (): void => {
      const share = (this.#clock.nowMs - startedMs) / afterMs;
      if (process.isOver || this.variant !== variant || share >= 1) return;
      process.index.catalogue.progress(FILE_NAME, Math.floor(share * this.#sizeBytes));
      this.#clock.after(PROGRESS_INTERVAL_MS, progress);
    };
    if (afterMs > PROGRESS_INTERVAL_MS) progress();
  }

  #befall(mishap: Mishap): void {
    switch (mishap.kind) {
      case "crash":
        if (this.#process !== undefined) {
          this.#process.isOver = true;
          this.#process.virtual.end();
          this.#onCrash();
        }
        this.#process = undefined;
        this.#backlog.length = this.#backlogBytes = 0;
        if (mishap.forMs !== undefined) this.#clock.after(mishap.forMs, () => this.#start());
        return;
      case "stall":
        this.#stalledUntilMs = Math.max(this.#stalledUntilMs, this.#clock.nowMs + mishap.forMs);
        this.#clock.at(this.#stalledUntilMs, () => this.#wakeUp());
        return;
      case "change":
        if (this.variant === undefined || this.hasChanged) return;
        this.hasChanged = true;
        this.variant = CHANGED_VARIANT;
        this.#writeFile();
        this.#clock.after(mishap.seenMs, () => this.#onChangeSeen());
        return;
      default:
        mishap satisfies never;
    }
  }

  #wakeUp(): void {
    if (!this.isUp) return;
    const backlog = this.#backlog.splice(0);
    this.#backlogBytes = 0;
    for (const arrival of backlog) if (this.#process) this.#take(this.#process, arrival);
  }

  /** The folder's watch or a failed read has shown it: the old content is gone, the new one settles. */
  #onChangeSeen(): void {
    const process = this.#process;
    const entry = process?.index.catalogue.find(FILE_NAME);
    if (process === undefined || entry === undefined) return;
    if (entry.signature.mtimeMs === 1_000 + this.variant!) return;
    this.#forget(process, entry);
    this.#index(process, SETTLE_MS + HASH_MS, "settling");
  }

  // — What it is asked ——————————————————————————————————————————————————————————————————————————

  #take({ virtual, toMain }: Process, { bytes, from, port }: Arrival): void {
    if (port === DATA_PORT) return virtual.arrive(port, bytes, from);
    toMain.post(() => virtual.arrive(port, bytes, from));
  }

  /**
   * A chunk that a client found bad is read again. If it is not what was indexed, the file is looked at as a
   * whole, and given to nobody meanwhile; else it stays on offer.
   */
  #onStruck(process: Process, chunk: number): void {
    const entry = process.index.catalogue.find(FILE_NAME);
    if (process.isOver || entry?.content === undefined) return;
    const hasChanged = entry.signature.mtimeMs !== 1_000 + this.variant!;
    const isLie = this.spec.lie === "chunks" && this.spec.lieChunks.includes(chunk);
    if (!hasChanged && !isLie) return;
    this.#forget(process, entry);
    if (hasChanged) return this.#onChangeSeen();
    this.#index(process, HASH_MS);
  }

  // — What it is made of ————————————————————————————————————————————————————————————————————————

  #open(): Process {
    const clock = this.#clock;
    const random = this.#random;
    const { rateBytesPerS, bytesPerMs, answerMs, tcp } = this.spec;
    const id = serverId(toHex(random.bytes(16)));
    const tokenSecret = random.bytes(32);
    const seed = random.u32();
    const index = new SimIndex({
      onRecheck: () => this.#onChangeSeen(),
      onDoubt: (chunk) => this.#onStruck(process, chunk),
    });
    const virtual = new VirtualProcess({
      ...{ clock, random, disk: this.#disk, bytesPerMs },
      ...{ firstPort: DATA_PORT, joinMs: 0, receiveBufferBytes: BACKLOG_BYTES_MAX },
      hopMs: (toMain) => HOP_MS + (toMain ? answerMs : 0),
      startMs: () => 0,
      pausedUntilMs: () => this.#stalledUntilMs,
      send: (port, to, datagram) => this.#send(pathOf(to), to, datagram, port),
      listens: tcp !== undefined,
      ...(this.#seal !== undefined && { seal: this.#seal }),
      ...(this.spec.lie === "packs" && { moreWorkers: { "packer.ts": runLyingPacker } }),
      watch: {
        onPosted: (message) => {
          const said = message as SenderReply | SenderRequest;
          if (said.kind === "question") process.workWaiting += said.work;
          if (said.kind === "handled") process.workWaiting -= said.work;
        },
        onDelivered() {},
      },
    });
    const { runtime } = virtual;
    const nothing = (): void => {};
    const serving = new Serving({
      ...{ runtime, index, server: id, tokenSecret, seed, rateBytesPerS },
      interfaces: { only: [], except: [] },
      discovery: runtime.net.openDatagrams(
        testTransport({ ports: [DISCOVERY_PORT], share: true }),
      ),
      transport: testTransport(),
      sessions: {
        host: "0.0.0.0",
        ports: [DISCOVERY_PORT],
        layers: [],
        policy: {
          server: id,
          allowsUpload: false,
          uploadBytesMax: 0,
          chunkBytes: 1_024,
          errorRate: 0,
          seed,
        },
        quota: { bytes: 0, perPartyBytes: 0, entries: 0, perPartyEntries: 0 },
        rateBytesPerS,
      },
      onServed: ({ flows }) => process.flowsMax = Math.max(process.flowsMax, flows),
      onFailure: (error) => {
        throw error;
      },
      ...{ onSearched: nothing, onClassicRequest: nothing, onRequested: nothing },
      ...{
        onSending: nothing,
        onTransfer: nothing,
        onUploaded: nothing,
        onRefused: nothing,
        onLog: nothing,
        onDetail: nothing,
      },
    });
    void serving.open();
    const toMain = new Channel(clock, () => HOP_MS + answerMs);
    const process: Process = {
      ...{ id, index, virtual, serving, toMain },
      ...{ workWaiting: 0, flowsMax: 0, isOver: false },
    };
    return process;
  }

  #forget(process: Process, { content }: CatalogueEntry): void {
    if (content !== undefined) process.serving.forget(content);
  }

  /** What is on its disk now, in the place of what was there; a liar's file is not what it was hashed as. */
  #writeFile(): void {
    if (this.variant === undefined) return;
    let { bytes } = simContent(this.#sizeBytes, this.variant);
    if (this.spec.lie === "chunks") {
      bytes = bytes.slice();
      for (const chunk of this.spec.lieChunks) {
        const at = chunk * CHUNK_BYTES_MIN;
        if (at < bytes.length) bytes[at]! ^= 0x55;
      }
    }
    this.#disk.put(FILE_PATH, bytes, 1_000 + this.variant);
  }

  /** What is beyond its bounds, if anything is. */
  problem(): string | undefined {
    const process = this.#process;
    if (process === undefined) return undefined;
    if (process.flowsMax > WANTS_MAX) return "too many flows";
    // The last one may go beyond the bound.
    if (process.workWaiting > 2 * QUESTIONS_FORWARDED_WORK_MAX) return "too much forwarded work";
    if (this.#backlog.length > WANTS_PER_FLOW_MAX * WANTS_MAX) return "too long a backlog";
    return undefined;
  }
}

/** The address of a client says which of its networks it is on. */
function pathOf(client: Endpoint): number {
  return placeOf(client.address).path;
}
