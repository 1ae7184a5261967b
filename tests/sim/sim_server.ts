/**
 * A server of a simulated world: the real responder, data socket and sender behind one address or two,
 * and what can happen to a server or be wrong with it.
 */
import type { Endpoint } from "../../lib/address.ts";
import {
  type Bytes,
  type Content,
  type HashHex,
  hashHex,
  type SafeFileName,
  type ServerId,
  serverId,
  toHex,
} from "../../lib/ids.ts";
import { DataSocket } from "../../lib/app/serve/data_socket.ts";
import type { SenderReply, SenderRequest } from "../../lib/messages/sender_worker.ts";
import { transportConfig } from "../../lib/messages/transport_config.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import { CHUNK_BYTES_MIN } from "../../lib/protocol/merkle/limits.ts";
import {
  QUESTIONS_FORWARDED_WORK_MAX,
  WANTS_MAX,
  WANTS_PER_FLOW_MAX,
} from "../../lib/protocol/serve/limits.ts";
import { SETTLE_MS } from "../../lib/app/index/limits.ts";
import { Catalogue, type CatalogueEntry } from "../../lib/protocol/serve/catalogue.ts";
import type { CatalogueView } from "../../lib/protocol/serve/find_answers.ts";
import { chunkCountFor, layerOfRoot, type LayerPage } from "../../lib/protocol/merkle/merkle.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { Responder, type ResponderAction } from "../../lib/protocol/serve/responder.ts";
import { isQuestion, type QuestionFrame } from "../../lib/protocol/serve/questions.ts";
import { Tokens } from "../../lib/protocol/base/tokens.ts";
import { packedFramesIn } from "../../lib/wire/packed_frames.ts";
import type { Mishap, ServerSpec } from "./scenario.ts";
import { LayerProver } from "../support/layer_prover.ts";
import { simContent } from "./sim_contents.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { Channel, type VirtualClock } from "./virtual_clock.ts";
import { VirtualProcess } from "./virtual_process.ts";

export const FILE_NAME = "dir/example file.txt" as SafeFileName;
const FOLDER = "/served";
const FILE_PATH = `${FOLDER}/${FILE_NAME}`;
const OTHER_NAME = "dir/example file 2.txt" as SafeFileName;
/** Which file it is after a change. */
export const CHANGED_VARIANT = 2;
/** What piles up at a server that does nothing. */
const BACKLOG_BYTES_MAX = 212_992;
const HASH_MS = 30;
const HOP_MS = 0.1;

export const DATA_PORT = 10530;

/** @param fromPort its own port, or the one that servers share */
export type SendTo = (path: number, to: Endpoint, datagram: Bytes, fromPort?: number) => void;

interface Arrival {
  readonly bytes: Bytes;
  readonly from: Endpoint;
  readonly path: number;
  readonly isDiscovery: boolean;
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

function layerOf(root: HashHex, sizeBytes: number): Bytes {
  const count = chunkCountFor(sizeBytes);
  if (count <= 1) return count === 0 ? new Uint8Array(0) : layerOfRoot(root);
  for (const variant of [0, 1, CHANGED_VARIANT]) {
    const known = simContent(sizeBytes, variant);
    if (known.content.root === root) return known.layer;
  }
  // Whoever made this root up has some layer to show for it.
  return simContent(sizeBytes, 0).layer;
}

/** One run of a server's process. */
class Process implements CatalogueView {
  readonly id: ServerId;
  readonly catalogue = new Catalogue();
  readonly isScanned = true;
  readonly hashBytesPerS = 1e8;
  readonly tokens: Tokens;
  readonly responder: Responder;
  readonly tokenSecret: Bytes;
  readonly toMain: Channel;
  /** Its data socket, and the process that this and its sender worker are of. */
  data: { readonly socket: DataSocket; readonly virtual: VirtualProcess } | undefined;
  /** Work of the questions that the main thread has not dealt with. */
  workWaiting = 0;
  /** The most flows that ever waited, as far as was told. */
  flowsMax = 0;
  isOver = false;
  readonly #provers = new Map<HashHex, LayerProver>();

  constructor(spec: ServerSpec, clock: VirtualClock, random: Random) {
    this.id = serverId(toHex(random.bytes(16)));
    this.tokenSecret = random.bytes(32);
    this.tokens = new Tokens(this.tokenSecret);
    const { tokens } = this;
    this.responder = new Responder({ server: this.id, tokens, view: this, seed: random.u32() });
    this.responder.dataPort = DATA_PORT;
    this.toMain = new Channel(clock, () => HOP_MS + spec.answerMs);
  }

  layerPage(root: HashHex, sizeBytes: number, page: number): LayerPage | undefined {
    const prover = this.#provers.get(root) ?? new LayerProver(layerOf(root, sizeBytes), sizeBytes);
    this.#provers.set(root, prover);
    return page < prover.pageCount ? prover.page(page) : undefined;
  }
}

export class SimServer {
  readonly spec: ServerSpec;
  readonly #sizeBytes: number;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #send: SendTo;
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
    world: { readonly clock: VirtualClock; readonly random: Random; readonly send: SendTo },
  ) {
    this.spec = spec;
    this.variant = spec.variant;
    this.#sizeBytes = sizeBytes;
    this.#clock = world.clock;
    this.#random = world.random;
    this.#send = world.send;
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
    return this.#process?.catalogue.find(FILE_NAME)?.content;
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
    const process = new Process(this.spec, this.#clock, this.#random);
    this.#process = process;
    process.data = this.#open(process);
    this.ids.add(process.id);
    process.catalogue.put(
      OTHER_NAME,
      { sizeBytes: 3, mtimeMs: 1, ctimeMs: 1, inode: 9 },
      "pending",
    );
    process.catalogue.ready(OTHER_NAME, {
      sha256: hashHex("07".repeat(32)),
      root: hashHex("07".repeat(32)),
    });
    if (this.variant === undefined) return;
    this.#index(process, Math.max(0, this.spec.readyMs - this.#clock.nowMs));
  }

  /** The file is found now, and hashed in a while. */
  #index(process: Process, afterMs: number, state: "settling" | "pending" = "pending"): void {
    const { signature } = this.#disk.identityAt(FILE_PATH)!;
    process.catalogue.put(FILE_NAME, signature, state);
    const { variant } = this;
    const ready = (): void => {
      if (process.isOver || this.variant !== variant) return;
      process.catalogue.ready(FILE_NAME, offeredOf(this.spec, this.#sizeBytes, variant!));
    };
    if (afterMs === 0) ready();
    else this.#clock.after(afterMs, ready);
  }

  #befall(mishap: Mishap): void {
    switch (mishap.kind) {
      case "crash":
        if (this.#process !== undefined) {
          this.#process.isOver = true;
          this.#process.data!.virtual.end();
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
    const entry = process?.catalogue.find(FILE_NAME);
    if (process === undefined || entry === undefined) return;
    if (entry.signature.mtimeMs === 1_000 + this.variant!) return;
    this.#forget(process, entry);
    this.#index(process, SETTLE_MS + HASH_MS, "settling");
  }

  // — What it is asked ——————————————————————————————————————————————————————————————————————————

  #take(process: Process, { bytes, from, path, isDiscovery }: Arrival): void {
    if (!isDiscovery) return process.data!.virtual.arrive(DATA_PORT, bytes, from);
    for (const packed of packedFramesIn(bytes)) {
      const { frame } = packed;
      const frameBytes = packed.bytes.length;
      if (!isQuestion(frame)) continue;
      process.toMain.post(() => this.#answer(process, path, from, frame, frameBytes));
    }
  }

  #answer(
    process: Process,
    path: number,
    from: Endpoint,
    frame: QuestionFrame,
    frameBytes: number,
  ): void {
    if (process.isOver) return;
    const now = this.#clock.nowMs;
    for (const action of process.responder.handle(now, from, frame, frameBytes)) {
      this.#perform(process, path, action);
    }
  }

  #perform(process: Process, path: number, action: ResponderAction): void {
    switch (action.kind) {
      case "send":
        this.#clock.after(action.afterMs, () => {
          if (process.isOver) return;
          const { to, datagrams } = action;
          if (action.port === "data") return process.data!.socket.send(to, datagrams);
          for (const datagram of datagrams) this.#send(path, to, datagram, DISCOVERY_PORT);
        });
        return;
      case "prioritise":
      case "requested":
        return;
      default:
        action satisfies never;
    }
  }

  /**
   * A chunk that a client found bad is read again. If it is not what was indexed, the file is looked at as a
   * whole, and given to nobody meanwhile; else it stays on offer.
   */
  #onStruck(process: Process, chunk: number): void {
    const entry = process.catalogue.find(FILE_NAME);
    if (process.isOver || entry?.content === undefined) return;
    const hasChanged = entry.signature.mtimeMs !== 1_000 + this.variant!;
    const isLie = this.spec.lie === "chunks" && this.spec.lieChunks.includes(chunk);
    if (!hasChanged && !isLie) return;
    this.#forget(process, entry);
    if (hasChanged) return this.#onChangeSeen();
    this.#index(process, HASH_MS);
  }

  // — What it sends —————————————————————————————————————————————————————————————————————————————

  #open(process: Process): NonNullable<Process["data"]> {
    const { tokenSecret, id: server } = process;
    const { rateBytesPerS, bytesPerMs, answerMs } = this.spec;
    const virtual = new VirtualProcess({
      ...{ clock: this.#clock, random: this.#random, disk: this.#disk, bytesPerMs },
      ...{ firstPort: DATA_PORT, joinMs: 0, receiveBufferBytes: BACKLOG_BYTES_MAX },
      hopMs: (toMain) => HOP_MS + (toMain ? answerMs : 0),
      startMs: () => 0,
      pausedUntilMs: () => this.#stalledUntilMs,
      send: (_port, to, datagram) => this.#send(pathOf(to), to, datagram),
      watch: {
        onPosted: (message) => {
          const said = message as SenderReply | SenderRequest;
          if (said.kind === "question") process.workWaiting += said.work;
          if (said.kind === "handled") process.workWaiting -= said.work;
        },
        onDelivered() {},
      },
    });
    const socket = new DataSocket({
      runtime: virtual.runtime,
      transport: transportConfig(),
      ...{ rateBytesPerS, tokenSecret, server },
      onQuestion: (from, ...question) => this.#answer(process, pathOf(from), from, ...question),
      locate: (root, sizeBytes) => {
        for (const { name, signature } of process.catalogue.findByContent(root, sizeBytes)) {
          return { dir: FOLDER, name, ...signature };
        }
        return undefined;
      },
      onChanged: () => this.#onChangeSeen(),
      onStruck: (_party, _content, chunk) => this.#onStruck(process, chunk),
      onFlow() {},
      onServed: ({ flows }) => process.flowsMax = Math.max(process.flowsMax, flows),
      onDetail() {},
      onFailure: (error) => {
        throw error;
      },
    });
    return { socket, virtual };
  }

  #forget(process: Process, { content }: CatalogueEntry): void {
    if (content !== undefined) process.data!.socket.forget(content.root, content.sizeBytes);
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
  return Number(client.address.split(".")[1]);
}
