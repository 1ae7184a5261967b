/**
 * A whole client on a virtual clock and a seeded network: the real coordinator and the real receivers
 * against servers that answer requests, each over a link of its own with a rate, a delay and faults.
 * Same seed, same run.
 */
import type { Endpoint } from "../../lib/address.ts";
import {
  type Bytes,
  hashHex,
  type ServerId,
  serverId,
  type SourceId,
  sourceId,
  transferId,
} from "../../lib/ids.ts";
import { CHUNK_BYTES_MIN } from "../../lib/protocol/merkle/limits.ts";
import { Coordinator } from "../../lib/protocol/download/coordinator.ts";
import type { CoordinatorAction } from "../../lib/protocol/download/coordinator_messages.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { Receiver } from "../../lib/protocol/download/receiver.ts";
import type { ReceiverAction } from "../../lib/protocol/download/receiver_messages.ts";
import type { DatagramRoute } from "../../lib/protocol/download/source_route.ts";
import { decodeFrame, type FrameOf } from "../../lib/wire/frames.ts";
import { answer, hashed } from "../support/virtual_link.ts";
import { Agenda } from "./agenda.ts";

export interface SimServer {
  readonly oneWayMs: number;
  readonly bytesPerMs: number;
  /** Probabilities, for each datagram in either direction. */
  readonly loss?: number;
  readonly duplication?: number;
  readonly reordering?: number;
  readonly corruption?: number;
  /** It answers from this moment on, until that. */
  readonly startsMs?: number;
  readonly diesMs?: number;
  /** Datagrams that are longer than `bytes` vanish from one moment to another. */
  readonly blackHoles?: readonly {
    readonly bytes: number;
    readonly fromMs: number;
    readonly toMs: number;
  }[];
  /** Chunks of which it sends another content than it should. */
  readonly liesAbout?: ReadonlySet<number>;
}

export interface SimResult {
  readonly isComplete: boolean;
  readonly file: Bytes;
  readonly elapsedMs: number;
  readonly dropped: ReadonlySet<ServerId>;
  readonly bytesFrom: ReadonlyMap<ServerId, number>;
  readonly badFrom: ReadonlyMap<ServerId, number>;
  /** What was asked for, in order. */
  readonly asked: readonly { readonly atMs: number; readonly segmentBytes: number }[];
  /** When chunks were verified. */
  readonly verifiedMs: readonly number[];
}

const TRANSFER = transferId(1);

export function simServerId(index: number): ServerId {
  return serverId(index.toString(16).padStart(32, "0"));
}

export class SimNetwork {
  readonly #file: Bytes;
  readonly #lie: Bytes;
  readonly #servers: readonly SimServer[];
  readonly #random: Random;
  readonly #agenda = new Agenda();
  readonly #coordinator = new Coordinator({ timeoutMs: 10_000, rateBytesPerS: 0 });
  readonly #receivers = new Map<SourceId, Receiver>();
  readonly #wakeups = new Map<SourceId, number>();
  readonly #linkFreeMs: number[];
  readonly #result: Bytes;
  readonly #chunks = new Set<number>();
  readonly #dropped = new Set<ServerId>();
  readonly #asked: { readonly atMs: number; readonly segmentBytes: number }[] = [];
  readonly #verifiedMs: number[] = [];
  readonly #chunkCount: number;
  #coordinatorWakeMs = Infinity;
  #nextNonce = 1n;
  nowMs = 0;

  constructor(file: Bytes, servers: readonly SimServer[], seed: number) {
    this.#file = file;
    this.#lie = file.map((byte) => byte ^ 0x55);
    this.#servers = servers;
    this.#random = new Random(seed);
    this.#linkFreeMs = servers.map(() => 0);
    this.#result = new Uint8Array(file.length);
    const { root, layer } = hashed(file);
    this.#chunkCount = layer.length / 32;
    this.#coordinate({
      kind: "transfer",
      transfer: TRANSFER,
      content: { sizeBytes: file.length, sha256: hashHex("00".repeat(32)), root },
      layer,
      isVerified: () => false,
    });
    servers.forEach((server, index) => {
      this.#agenda.add(server.startsMs ?? 0, () => this.#announce(index));
    });
  }

  /** Runs until the file is complete, or the clock stands at `untilMs`. */
  run(untilMs: number): SimResult {
    while (this.#chunks.size < this.#chunkCount) {
      const nextMs = Math.min(
        this.#agenda.nextMs,
        this.#coordinatorWakeMs,
        ...this.#wakeups.values(),
      );
      if (nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (this.#agenda.nextMs <= this.nowMs) {
        this.#agenda.take()?.run();
        continue;
      }
      if (this.#coordinatorWakeMs <= this.nowMs) this.#coordinate({ kind: "wakeup" });
      for (const [index, atMs] of this.#wakeups) {
        if (atMs <= this.nowMs) this.#receive(index, { kind: "wakeup" });
      }
    }
    const tallies = this.#coordinator.tallies(TRANSFER);
    return {
      isComplete: this.#chunks.size === this.#chunkCount,
      file: this.#result,
      elapsedMs: this.nowMs,
      dropped: this.#dropped,
      bytesFrom: new Map([...tallies].map(([id, tally]) => [id, tally.bytes])),
      badFrom: new Map([...tallies].map(([id, tally]) => [id, tally.badChunks])),
      asked: this.#asked,
      verifiedMs: this.#verifiedMs,
    };
  }

  #announce(index: number): void {
    const endpoint: Endpoint = { address: `10.0.0.${index + 1}`, port: 10530 };
    const rttMs = 2 * this.#servers[index]!.oneWayMs;
    const routes = [{ kind: "datagrams" as const, endpoint, token: new Uint8Array(16), rttMs }];
    const server = simServerId(index);
    const source = sourceId(server, "datagrams");
    this.#coordinate({
      kind: "provider",
      source,
      server,
      party: server,
      routes,
      transfer: TRANSFER,
    });
  }

  #coordinate(event: Parameters<Coordinator["handle"]>[1]): void {
    for (const action of this.#coordinator.handle(this.nowMs, event)) this.#perform(action);
    this.#coordinatorWakeMs = this.#coordinator.nextWakeupMs(this.nowMs);
  }

  #perform(action: CoordinatorAction): void {
    switch (action.kind) {
      case "assign":
      case "reroute": {
        const { kind, source } = action;
        const route = action.route as DatagramRoute;
        const assignment = { source, route, nonce: this.#nextNonce++ };
        return this.#receive(source, { kind, assignment });
      }
      case "lease":
      case "revoke":
      case "allot":
      case "release":
        return this.#receive(action.source, action);
      case "server":
        if (action.state === "dropped") this.#dropped.add(action.server);
        return;
      case "stalled":
      case "complete":
      case "orphaned":
      case "unobtainable":
        return;
      default:
        action satisfies never;
    }
  }

  #receive(index: SourceId, event: Parameters<Receiver["handle"]>[1]): void {
    let receiver = this.#receivers.get(index);
    if (receiver === undefined) {
      receiver = new Receiver({
        mtuBytes: 1400,
        receiveBufferBytes: 4 * 1024 * 1024,
        clockOriginMs: 0,
      });
      this.#receivers.set(index, receiver);
    }
    const actions = [...receiver.handle(this.nowMs, event)];
    this.#wakeups.set(index, receiver.nextWakeupMs(this.nowMs));
    for (const action of actions) this.#performReceiver(index, action);
  }

  /** What crosses a thread arrives a little later, in order. */
  #performReceiver(receiver: SourceId, action: ReceiverAction): void {
    switch (action.kind) {
      case "send":
        return this.#toServer(receiver, action.datagram, action.to);
      case "chunk":
        this.#chunks.add(action.chunk);
        this.#verifiedMs.push(this.nowMs);
        this.#result.set(
          action.buffer.subarray(0, action.bytes),
          action.chunk * CHUNK_BYTES_MIN,
        );
        return this.#agenda.add(this.nowMs + 0.1, () => {
          this.#receive(receiver, { kind: "recycle", buffers: [action.buffer] });
        });
      case "report":
        return this.#agenda.add(this.nowMs + 0.1, () => {
          this.#coordinate(action);
        });
      case "gone":
        return this.#agenda.add(this.nowMs + 0.1, () => this.#coordinate(action));
      default:
        action satisfies never;
    }
  }

  #toServer(receiver: SourceId, datagram: Bytes, to: Endpoint): void {
    const index = Number(to.address.slice(to.address.lastIndexOf(".") + 1)) - 1;
    const sent = decodeFrame(datagram);
    if (sent.kind === "want") {
      this.#asked.push({ atMs: this.nowMs, segmentBytes: sent.segmentBytes });
    }
    for (const arrival of this.#fate(index, datagram)) {
      this.#agenda.add(this.nowMs + this.#servers[index]!.oneWayMs + arrival.extraMs, () => {
        const frame = decodeFrame(arrival.datagram);
        if (frame.kind === "want") this.#serve(index, receiver, frame, to);
      });
    }
  }

  #serve(index: number, receiver: SourceId, want: FrameOf<"want">, from: Endpoint): void {
    const server = this.#servers[index]!;
    if (!this.#isUp(server)) return;
    for (const datagram of answer(want, this.#contentOf(server, want))) {
      const freeMs = Math.max(this.nowMs, this.#linkFreeMs[index]!);
      const leavesMs = freeMs + datagram.length / server.bytesPerMs;
      this.#linkFreeMs[index] = leavesMs;
      for (const arrival of this.#fate(index, datagram)) {
        this.#agenda.add(leavesMs + server.oneWayMs + arrival.extraMs, () => {
          if (!this.#isUp(server)) return;
          this.#receive(receiver, {
            kind: "datagrams",
            bytes: arrival.datagram,
            from,
            segmentBytes: arrival.datagram.length,
          });
        });
      }
    }
  }

  #contentOf(server: SimServer, want: FrameOf<"want">): Bytes {
    const chunk = Math.floor((want.ranges[0]?.offset ?? 0) / CHUNK_BYTES_MIN);
    return server.liesAbout?.has(chunk) ? this.#lie : this.#file;
  }

  #isUp(server: SimServer): boolean {
    return this.nowMs >= (server.startsMs ?? 0) && this.nowMs < (server.diesMs ?? Infinity);
  }

  #fate(index: number, datagram: Bytes): { readonly datagram: Bytes; readonly extraMs: number }[] {
    const { loss = 0, duplication = 0, reordering = 0, corruption = 0, blackHoles = [] } = this
      .#servers[index]!;
    const random = this.#random;
    for (const { bytes, fromMs, toMs } of blackHoles) {
      if (datagram.length > bytes && this.nowMs >= fromMs && this.nowMs < toMs) return [];
    }
    if (random.chance(loss)) return [];
    const extraMs = random.chance(reordering) ? random.between(0, 30) : 0;
    let arriving = datagram;
    if (random.chance(corruption)) {
      arriving = datagram.slice();
      arriving[random.below(arriving.length)]! ^= 1 << random.below(8);
    }
    const arrival = { datagram: arriving, extraMs };
    return random.chance(duplication) ? [arrival, { datagram, extraMs: 1 }] : [arrival];
  }
}
