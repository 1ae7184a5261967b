/**
 * A server of a simulated world: the real responder, sender machine and tokens behind one address or
 * two, in the shape in which the sender's driver and the service wire them, and what can happen to a
 * server or be wrong with it.
 */
import {
  type Bytes,
  type Content,
  type Endpoint,
  type HashHex,
  hashHex,
  type SafeFileName,
  type ServerId,
  serverId,
  toHex,
} from "../../lib/ids.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import { CHUNK_BYTES_MIN } from "../../lib/protocol/merkle/limits.ts";
import {
  FLOWS_MAX,
  QUESTIONS_FORWARDED_MAX,
  WANTS_PER_FLOW_MAX,
} from "../../lib/protocol/serve/limits.ts";
import { FILE_CHECK_INTERVAL_MS } from "../../lib/io/files/limits.ts";
import { SETTLE_MS } from "../../lib/app/index/limits.ts";
import { Catalogue } from "../../lib/protocol/serve/catalogue.ts";
import type { CatalogueView } from "../../lib/protocol/serve/find_answers.ts";
import { chunkCountFor, layerOfRoot } from "../../lib/protocol/merkle/merkle.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { Responder, type ResponderAction } from "../../lib/protocol/serve/responder.ts";
import { isQuestion, type QuestionFrame } from "../../lib/protocol/serve/questions.ts";
import {
  RangeServer,
  type RangeServerAction,
  type RangeServerEvent,
  type ServeOutcome,
} from "../../lib/protocol/serve/range_server.ts";
import type { Turn, WantFrame } from "../../lib/protocol/serve/sender.ts";
import { type ContentRef, keyOf, type ServedFile } from "../../lib/protocol/serve/served_file.ts";
import { Tokens } from "../../lib/protocol/base/tokens.ts";
import { payloadBytesOf } from "../../lib/wire/data_frame.ts";
import { packedFramesIn } from "../../lib/wire/packed_frames.ts";
import { segment } from "../support/segment.ts";
import type { Mishap, ServerSpec } from "./scenario.ts";
import { simContent } from "./sim_contents.ts";
import { Alarm, Channel, type VirtualClock } from "./virtual_clock.ts";

export const FILE_NAME = "dir/example file.txt" as SafeFileName;
/** Which file it is does not matter here: a server has one at most. */
const SERVED_FILE: ServedFile = {
  dir: "/served",
  name: FILE_NAME,
  sizeBytes: 0,
  mtimeMs: 0,
  inode: 0,
};
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

/** One run of a server's process. */
class Process implements CatalogueView {
  readonly id: ServerId;
  readonly catalogue = new Catalogue();
  readonly isScanned = true;
  readonly hashBytesPerS = 1e8;
  readonly tokens: Tokens;
  readonly responder: Responder;
  readonly machine: RangeServer;
  readonly toMain: Channel;
  readonly toSender: Channel;
  /** The content that the sender has open, and when it was compared last. */
  open: { readonly key: string; checkedMs: number } | undefined;
  isOver = false;

  constructor(spec: ServerSpec, clock: VirtualClock, random: Random) {
    this.id = serverId(toHex(random.bytes(16)));
    this.tokens = new Tokens(random.bytes(32));
    const { tokens } = this;
    this.responder = new Responder({ server: this.id, tokens, view: this, seed: random.u32() });
    this.responder.dataPort = DATA_PORT;
    const { rateBytesPerS } = spec;
    this.machine = new RangeServer({ server: this.id, tokens, rateBytesPerS });
    this.toMain = new Channel(clock, () => HOP_MS + spec.answerMs);
    this.toSender = new Channel(clock, () => HOP_MS);
  }

  layerOf(root: HashHex, sizeBytes: number): Bytes | undefined {
    const count = chunkCountFor(sizeBytes);
    if (count <= 1) return count === 0 ? new Uint8Array(0) : layerOfRoot(root);
    for (const variant of [0, 1, CHANGED_VARIANT]) {
      const known = simContent(sizeBytes, variant);
      if (known.content.root === root) return known.layer;
    }
    // Whoever made this root up has some layer to show for it.
    return simContent(sizeBytes, 0).layer;
  }
}

export class SimServer {
  readonly spec: ServerSpec;
  readonly #sizeBytes: number;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #send: SendTo;
  readonly #backlog: Arrival[] = [];
  readonly #alarm: Alarm;
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
    this.#alarm = new Alarm(this.#clock, () => this.#wakeSender());
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
    this.ids.add(process.id);
    process.catalogue.put(OTHER_NAME, { sizeBytes: 3, mtimeMs: 1, inode: 9 }, "pending");
    process.catalogue.ready(OTHER_NAME, {
      sha256: hashHex("07".repeat(32)),
      root: hashHex("07".repeat(32)),
    });
    if (this.variant === undefined) return;
    this.#index(process, Math.max(0, this.spec.readyMs - this.#clock.nowMs));
  }

  /** The file is found now, and hashed in a while. */
  #index(process: Process, afterMs: number, state: "settling" | "pending" = "pending"): void {
    const signature = { sizeBytes: this.#sizeBytes, mtimeMs: 1_000 + this.variant!, inode: 7 };
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
        if (this.#process !== undefined) this.#process.isOver = true;
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
    this.#wakeSender();
  }

  /** The folder's watch or a failed read has shown it: the old content is gone, the new one settles. */
  #onChangeSeen(): void {
    const process = this.#process;
    const entry = process?.catalogue.find(FILE_NAME);
    if (process === undefined || entry === undefined) return;
    if (entry.signature.mtimeMs === 1_000 + this.variant!) return;
    process.open = undefined;
    this.#index(process, SETTLE_MS + HASH_MS, "settling");
  }

  #wakeSender(): void {
    const process = this.#process;
    if (process !== undefined) this.#whenUp(process, () => this.#step(process, { kind: "wakeup" }));
  }

  // — What it is asked ——————————————————————————————————————————————————————————————————————————

  #take(process: Process, { bytes, from, path, isDiscovery }: Arrival): void {
    for (const packed of packedFramesIn(bytes)) {
      const { frame } = packed;
      const frameBytes = packed.bytes.length;
      if (!isDiscovery) this.#step(process, { kind: "frame", from, frame, frameBytes });
      else if (isQuestion(frame)) this.#ask(process, path, from, frame, frameBytes);
    }
  }

  /** The main thread answers, in its own time. */
  #ask(
    process: Process,
    path: number,
    from: Endpoint,
    frame: QuestionFrame,
    frameBytes: number,
    onHandled = () => {},
  ): void {
    process.toMain.post(() => {
      onHandled();
      if (process.isOver) return;
      const now = this.#clock.nowMs;
      for (const action of process.responder.handle(now, from, frame, frameBytes)) {
        this.#perform(process, path, action);
      }
    });
  }

  #perform(process: Process, path: number, action: ResponderAction): void {
    switch (action.kind) {
      case "send":
        this.#clock.after(action.afterMs + HOP_MS, () => {
          if (process.isOver) return;
          const fromPort = action.port === "data" ? DATA_PORT : DISCOVERY_PORT;
          for (const datagram of action.datagrams) {
            this.#send(path, action.to, datagram, fromPort);
          }
        });
        return;
      case "rehash":
        return this.#rehash(process);
      case "prioritise":
      case "requested":
        return;
      default:
        action satisfies never;
    }
  }

  /** What a client finds bad is looked at again, and given to nobody meanwhile. */
  #rehash(process: Process): void {
    const entry = process.catalogue.find(FILE_NAME);
    if (entry?.content === undefined) return;
    process.open = undefined;
    if (entry.signature.mtimeMs !== 1_000 + this.variant!) return this.#onChangeSeen();
    this.#index(process, HASH_MS);
  }

  // — What the sender worker does ———————————————————————————————————————————————————————————————

  #step(process: Process, event: RangeServerEvent): void {
    if (process.isOver) return;
    const now = this.#clock.nowMs;
    for (const action of process.machine.handle(now, event)) this.#do(process, action);
    this.#alarm.set(process.machine.nextWakeupMs(now));
  }

  #do(process: Process, action: RangeServerAction): void {
    switch (action.kind) {
      case "send":
        return this.#send(pathOf(action.to), action.to, action.datagram);
      case "question": {
        const { from, frame, frameBytes, isValidated } = action;
        const onHandled = () => this.#step(process, { kind: "handled", isValidated });
        return this.#ask(process, pathOf(from), from, frame, frameBytes, onHandled);
      }
      case "serve":
        return this.#serve(process, action.turn);
      case "locate":
        return this.#locate(process, action);
      case "open": {
        const { ref } = action;
        const signature = process.catalogue.find(FILE_NAME)?.signature;
        const isAsIndexed = signature?.mtimeMs === 1_000 + (this.variant ?? 0);
        if (isAsIndexed) process.open = { key: keyOf(ref), checkedMs: this.#clock.nowMs };
        return this.#step(process, { kind: "opened", ...ref, isAsIndexed });
      }
      case "close":
        if (process.open?.key === keyOf(action.ref)) process.open = undefined;
        return;
      case "changed":
        return process.toMain.post(() => this.#onChangeSeen());
      case "flow":
      case "counts":
        return;
      default:
        action satisfies never;
    }
  }

  /** Whoever is stalled does nothing; it goes on afterwards. */
  #whenUp(process: Process, work: () => void): void {
    if (process.isOver) return;
    if (this.isUp) work();
    else this.#clock.at(this.#stalledUntilMs, () => this.#whenUp(process, work));
  }

  #serve(process: Process, turn: Turn): void {
    this.#whenUp(process, () => {
      const { outcome, sentBytes } = this.#served(process, turn);
      const doneMs = this.#clock.nowMs + sentBytes / this.spec.bytesPerMs;
      this.#clock.at(doneMs, () => {
        this.#whenUp(process, () => this.#step(process, { kind: "served", outcome, sentBytes }));
      });
    });
  }

  #served(
    process: Process,
    { to, want }: Turn,
  ): { readonly outcome: ServeOutcome; readonly sentBytes: number } {
    const now = this.#clock.nowMs;
    const { open } = process;
    if (open?.key !== keyOf(want)) return { outcome: "unknown", sentBytes: 0 };
    if (now - open.checkedMs >= FILE_CHECK_INTERVAL_MS) {
      open.checkedMs = now;
      const signature = process.catalogue.find(FILE_NAME)?.signature;
      if (signature?.mtimeMs !== 1_000 + this.variant!) return { outcome: "changed", sentBytes: 0 };
    }
    return { outcome: "sent", sentBytes: this.#sendRanges(to, want) };
  }

  #sendRanges(to: Endpoint, want: WantFrame): number {
    const file = simContent(this.#sizeBytes, this.variant ?? 0).bytes;
    const payloadBytes = payloadBytesOf(want.segmentBytes);
    const header = { nonce: want.nonce, number: want.number, withCrc: want.withCrc === 1 };
    const path = pathOf(to);
    let sentBytes = 0;
    for (const { offset, lengthBytes } of want.ranges) {
      const end = offset + lengthBytes;
      for (let at = offset; at < end; at += payloadBytes) {
        const payload = file.subarray(at, Math.min(at + payloadBytes, end));
        const datagram = segment(payload, at, header);
        if (this.#liesAt(at)) datagram[datagram.length - 1]! ^= 0x55;
        if (header.withCrc && this.#liesAt(at)) this.#seal(datagram);
        sentBytes += datagram.length;
        this.#send(path, to, datagram);
      }
    }
    return sentBytes;
  }

  #liesAt(offset: number): boolean {
    if (this.spec.lie !== "chunks") return false;
    return this.spec.lieChunks.includes(Math.floor(offset / CHUNK_BYTES_MIN));
  }

  /** A liar's checksums are right. */
  #seal(datagram: Bytes): void {
    const payload = datagram.slice(32);
    const view = new DataView(datagram.buffer);
    const offset = view.getUint32(24) * 0x1_0000_0000 + view.getUint32(28);
    const nonce = view.getBigUint64(12);
    datagram.set(segment(payload, offset, { nonce, number: view.getUint32(20), withCrc: true }));
  }

  #locate(process: Process, { root, sizeBytes }: ContentRef): void {
    process.toMain.post(() => {
      const isHere = !process.catalogue.findByContent(root, sizeBytes).next().done;
      const file = isHere ? { file: SERVED_FILE } : {};
      process.toSender.post(() =>
        this.#step(process, { kind: "located", root, sizeBytes, ...file })
      );
    });
  }

  /** What is beyond its bounds, if anything is. */
  problem(): string | undefined {
    const process = this.#process;
    if (process === undefined) return undefined;
    if (process.machine.flowCount > FLOWS_MAX) return "too many flows";
    if (process.machine.forwardedCount > QUESTIONS_FORWARDED_MAX) {
      return "too many forwarded frames";
    }
    if (this.#backlog.length > WANTS_PER_FLOW_MAX * FLOWS_MAX) return "too long a backlog";
    return undefined;
  }
}

/** The address of a client says which of its networks it is on. */
function pathOf(client: Endpoint): number {
  return Number(client.address.split(".")[1]);
}
