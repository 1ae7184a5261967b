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
import { FLOWS_MAX, WANTS_PER_FLOW_MAX } from "../../lib/protocol/serve/limits.ts";
import { FORWARDED_DATAGRAMS_MAX } from "../../lib/io/net/limits.ts";
import { FILE_CHECK_INTERVAL_MS } from "../../lib/io/files/limits.ts";
import { SETTLE_MS } from "../../lib/app/index/limits.ts";
import { Catalogue } from "../../lib/protocol/serve/catalogue.ts";
import type { Shelf } from "../../lib/protocol/serve/find_answers.ts";
import { chunkCountFor, layerOfRoot } from "../../lib/protocol/merkle/merkle.ts";
import { ParkedTurns } from "../../lib/protocol/serve/parked_turns.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { Responder, type ResponderAction } from "../../lib/protocol/serve/responder.ts";
import { retryFor } from "../../lib/protocol/serve/retry.ts";
import { Sender, type Turn, type WantFrame } from "../../lib/protocol/serve/sender.ts";
import { Tokens } from "../../lib/protocol/base/tokens.ts";
import { payloadBytesOf } from "../../lib/wire/data_frame.ts";
import { decodeFrame, encodeFrame } from "../../lib/wire/frames.ts";
import { packedFramesIn } from "../../lib/wire/packed_frames.ts";
import { segment } from "../support/segment.ts";
import type { Mishap, ServerSpec } from "./scenario.ts";
import { simContent } from "./sim_contents.ts";
import { Alarm, Channel, type VirtualClock } from "./virtual_clock.ts";

export const FILE_NAME = "dir/example file.txt" as SafeFileName;
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
class Process implements Shelf {
  readonly id: ServerId;
  readonly catalogue = new Catalogue();
  readonly isScanned = true;
  readonly hashBytesPerS = 1e8;
  readonly tokens: Tokens;
  readonly responder: Responder;
  readonly sender: Sender;
  readonly unlocated = new ParkedTurns();
  readonly toMain: Channel;
  readonly toSender: Channel;
  /** The content that the sender has open, and when it was compared last. */
  open: { readonly key: string; checkedMs: number } | undefined;
  forwarded = 0;
  isPumping = false;
  isOver = false;

  constructor(spec: ServerSpec, clock: VirtualClock, random: Random) {
    this.id = serverId(toHex(random.bytes(16)));
    this.tokens = new Tokens(random.bytes(32));
    const { tokens } = this;
    this.responder = new Responder({ server: this.id, tokens, shelf: this, seed: random.u32() });
    this.responder.dataPort = DATA_PORT;
    this.sender = new Sender(spec.rateBytesPerS);
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
  readonly #pumpAlarm: Alarm;
  #process: Process | undefined;
  #backlogBytes = 0;
  #stalledUntilMs = 0;
  #busyUntilMs = 0;
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
    this.#pumpAlarm = new Alarm(this.#clock, () => this.#pump());
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
    this.#pump();
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

  // — What it is asked ——————————————————————————————————————————————————————————————————————————

  #take(process: Process, { bytes, from, path, isDiscovery }: Arrival): void {
    for (const packed of packedFramesIn(bytes)) {
      if (packed.frame.kind === "want" && !isDiscovery) {
        this.#onWant(process, path, from, packed.frame, packed.bytes.length);
      } else this.#forward(process, path, from, packed.bytes.slice() as Bytes);
    }
    this.#pump();
  }

  /** The main thread answers, in its own time. */
  #forward(process: Process, path: number, from: Endpoint, bytes: Bytes): void {
    if (process.forwarded >= FORWARDED_DATAGRAMS_MAX) return;
    process.forwarded += 1;
    process.toMain.post(() => {
      process.forwarded -= 1;
      const frame = decodeFrame(bytes);
      if (process.isOver || frame.kind === "malformed") return;
      const now = this.#clock.nowMs;
      for (const action of process.responder.handle(now, from, frame, bytes.length)) {
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

  #onWant(process: Process, path: number, from: Endpoint, want: WantFrame, bytes: number): void {
    const now = this.#clock.nowMs;
    if (process.tokens.judge(now, from.address, want.token) !== "valid") {
      const token = process.tokens.issue(now, from.address);
      const retry = retryFor(want, bytes, process.id, token);
      if (retry !== undefined) this.#send(path, from, retry);
      return;
    }
    if (process.unlocated.has(keyOf(want))) process.unlocated.park(keyOf(want), { to: from, want });
    else process.sender.add(from, want);
  }

  // — What it sends —————————————————————————————————————————————————————————————————————————————

  #pump(): void {
    const process = this.#process;
    const now = this.#clock.nowMs;
    if (process === undefined || !this.isUp) return;
    if (now < this.#busyUntilMs) return this.#pumpAlarm.set(this.#busyUntilMs);
    const turn = process.sender.next(now);
    if (turn !== undefined) this.#serve(process, turn);
    const nextMs = process.sender.nextWakeupMs(now);
    this.#pumpAlarm.set(nextMs === Infinity ? Infinity : Math.max(nextMs, this.#busyUntilMs));
  }

  #serve(process: Process, turn: Turn): void {
    const { want } = turn;
    const now = this.#clock.nowMs;
    const { open } = process;
    if (open?.key !== keyOf(want)) return this.#locate(process, turn);
    if (now - open.checkedMs >= FILE_CHECK_INTERVAL_MS) {
      open.checkedMs = now;
      const signature = process.catalogue.find(FILE_NAME)?.signature;
      if (signature?.mtimeMs !== 1_000 + this.variant!) {
        process.open = undefined;
        this.#sayGone(turn, "changed");
        return process.toMain.post(() => this.#onChangeSeen());
      }
    }
    const file = simContent(this.#sizeBytes, this.variant ?? 0).bytes;
    const payloadBytes = payloadBytesOf(want.segmentBytes);
    const header = { nonce: want.nonce, number: want.number, withCrc: want.withCrc === 1 };
    const path = pathOf(turn.to);
    let sentBytes = 0;
    for (const { offset, lengthBytes } of want.ranges) {
      const end = offset + lengthBytes;
      for (let at = offset; at < end; at += payloadBytes) {
        const payload = file.subarray(at, Math.min(at + payloadBytes, end));
        const datagram = segment(payload, at, header);
        if (this.#liesAt(at)) datagram[datagram.length - 1]! ^= 0x55;
        if (header.withCrc && this.#liesAt(at)) this.#seal(datagram);
        sentBytes += datagram.length;
        this.#send(path, turn.to, datagram);
      }
    }
    this.#busyUntilMs = now + sentBytes / this.spec.bytesPerMs;
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

  #locate(process: Process, turn: Turn): void {
    const key = keyOf(turn.want);
    const isAsked = process.unlocated.has(key);
    if (!process.unlocated.park(key, turn) || isAsked) return;
    const { root, sizeBytes } = turn.want;
    process.toMain.post(() => {
      const isHere = !process.catalogue.findByContent(root, sizeBytes).next().done;
      process.toSender.post(() => {
        if (process.isOver) return;
        const signature = process.catalogue.find(FILE_NAME)?.signature;
        const isAsIndexed = signature?.mtimeMs === 1_000 + (this.variant ?? 0);
        if (isHere && isAsIndexed) process.open = { key, checkedMs: this.#clock.nowMs };
        for (const waiting of process.unlocated.take(key)) {
          if (isHere && isAsIndexed) process.sender.add(waiting.to, waiting.want);
          else this.#sayGone(waiting, isHere ? "changed" : "unknown");
        }
        if (isHere && !isAsIndexed) process.toMain.post(() => this.#onChangeSeen());
        this.#pump();
      });
    });
  }

  #sayGone({ to, want }: Turn, reason: "changed" | "unknown"): void {
    const { nonce, number, root } = want;
    this.#send(pathOf(to), to, encodeFrame({ kind: "gone", nonce, number, root, reason }));
  }

  /** What is beyond its bounds, if anything is. */
  problem(): string | undefined {
    const process = this.#process;
    if (process === undefined) return undefined;
    if (process.sender.flowCount > FLOWS_MAX) return "too many flows";
    if (process.forwarded > FORWARDED_DATAGRAMS_MAX) return "too many forwarded frames";
    if (this.#backlog.length > WANTS_PER_FLOW_MAX * FLOWS_MAX) return "too long a backlog";
    return undefined;
  }
}

/** The address of a client says which of its networks it is on. */
function pathOf(client: Endpoint): number {
  return Number(client.address.split(".")[1]);
}

function keyOf({ root, sizeBytes }: WantFrame): string {
  return `${root}:${sizeBytes}`;
}
