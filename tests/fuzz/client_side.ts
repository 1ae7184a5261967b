/**
 * A client's machines under fire, wired as the main thread and the workers wire them: finder, layers,
 * listings, coordinator and receivers, and the classic client. Their peer is a server that answers
 * truly, so that they get somewhere; between its answers anything may come. It is checked that no
 * chunk is handed on that is not of the file, that requests go only where a server was heard, and that
 * the count of actions, workers and buffers stays within bounds.
 */
import type { Endpoint } from "../../lib/address.ts";
import { Buffer } from "node:buffer";
import { assert } from "@std/assert";
import {
  type Bytes,
  type Content,
  hashHex,
  type SafeFileName,
  serverId,
  type SourceId,
  sourceId,
  toHex,
  transferId,
} from "../../lib/ids.ts";
import { claimedSegmentBytes } from "../support/segment.ts";
import { MTU_BYTES_DEFAULT } from "../../lib/wire/limits.ts";
import { CHUNK_BYTES_MIN } from "../../lib/protocol/merkle/limits.ts";
import { SERVERS_HEARD_MAX } from "../../lib/protocol/discovery/limits.ts";
import { RECEIVERS_MAX } from "../../lib/protocol/download/limits.ts";
import { ClassicClient } from "../../lib/protocol/classic/classic_client.ts";
import { Coordinator } from "../../lib/protocol/download/coordinator.ts";
import type { DatagramRoute } from "../../lib/protocol/download/source_route.ts";
import type { CoordinatorAction } from "../../lib/protocol/download/coordinator_messages.ts";
import { Finder } from "../../lib/protocol/discovery/finder.ts";
import { LayerFetch } from "../../lib/protocol/download/layer_fetch.ts";
import { ListFetch } from "../../lib/protocol/discovery/list_fetch.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { Receiver } from "../../lib/protocol/download/receiver.ts";
import type { ReceiverAction } from "../../lib/protocol/download/receiver_messages.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../lib/wire/frames.ts";
import { packedFramesIn } from "../../lib/wire/packed_frames.ts";
import { answer, hashed, mixedFile } from "../support/virtual_link.ts";
import { CONTROL_VECTORS } from "../wire/control_vectors.ts";
import { pick } from "./mutator.ts";

const FILE = mixedFile(3 * CHUNK_BYTES_MIN + 5_000);
const HASHES = hashed(FILE);
const CONTENT: Content = {
  sizeBytes: FILE.length,
  sha256: hashHex(toHex(sha256(FILE))),
  root: HASHES.root,
};
const NAME = "a.txt" as SafeFileName;
const HONEST = serverId("5e".repeat(16));
const SERVERS: readonly Endpoint[] = [1, 2, 3].map((i) => ({
  address: `10.0.0.${i}`,
  port: 10_530,
}));
/** One event makes a machine do no more than this. */
const ACTIONS_MAX = 4 * SERVERS_HEARD_MAX;
/** After so many datagrams everything begins anew: a search that has ended hears nothing. */
const LIFE = 4_000;
const ANSWERS_KEPT = 64;
const COMING_MAX = 512;

export class ClientSide {
  readonly #random: Random;
  #finder!: Finder;
  #layer!: LayerFetch;
  #list!: ListFetch;
  #coordinator!: Coordinator;
  #classic!: ClassicClient;
  readonly #working = new Set<SourceId>();
  #nextQueryId = 0x0102_0304_0506_0708n;
  #receivers = new Map<SourceId, Receiver>();
  /** True answers to what was asked lately: what is worth spoiling now. */
  #answers: Bytes[] = [];
  /** Those that are still on their way, with whom they come from. */
  #coming: { readonly datagram: Bytes; readonly from: Endpoint }[] = [];
  #age = 0;
  #nextNonce = 1n;
  chunks = 0;
  transfers = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#begin(0);
  }

  seed(): Bytes {
    return this.#answers.length === 0
      ? encodeFrame(this.#offer())
      : pick(this.#random, this.#answers);
  }

  receive(nowMs: number, datagram: Bytes): void {
    if (++this.#age > LIFE) this.#begin(nowMs);
    this.#hear(nowMs, datagram, pick(this.#random, SERVERS));
    // In between some of the truth arrives.
    for (let count = this.#random.below(4); count > 0; count--) {
      const next = this.#coming.shift();
      if (next !== undefined) this.#hear(nowMs, next.datagram, next.from);
    }
    this.#wake(nowMs);
    assert(this.#receivers.size <= RECEIVERS_MAX, "a worker too many");
    assert(this.#coordinator.lanes().length <= RECEIVERS_MAX);
  }

  #hear(nowMs: number, bytes: Bytes, from: Endpoint): void {
    for (const { frame } of packedFramesIn(bytes)) this.#onFrame(nowMs, from, frame);
    for (const receiver of this.#receivers.values()) {
      const actions = receiver.handle(nowMs, {
        kind: "datagrams",
        bytes,
        from,
        segmentBytes: claimedSegmentBytes(bytes),
      });
      this.#onReceiver(nowMs, receiver, actions);
    }
    this.#onClassic(this.#classic.handle(nowMs, { kind: "datagram", from, bytes }));
  }

  /** Everything from the start: a search, its layer and listing, and one transfer of the true file. */
  #begin(nowMs: number): void {
    this.#age = 0;
    this.#answers = [];
    this.#coming = [];
    this.#receivers = new Map();
    this.#working.clear();
    this.#nextQueryId = 0x0102_0304_0506_0708n;
    this.transfers += 1;
    this.#finder = new Finder({
      queries: [{ by: "name", name: NAME }, { by: "sha256", sha256: CONTENT.sha256 }, {
        by: "any",
      }],
      nextQueryId: () => this.#nextQueryId++,
      seed: 1,
      timeoutMs: 1_000_000,
      attempts: 3,
    });
    this.#layer = new LayerFetch(CONTENT, { timeoutMs: 1_000 });
    this.#list = new ListFetch(HONEST, 0x0102_0304_0506_0708n);
    this.#coordinator = new Coordinator({ timeoutMs: 10_000, rateBytesPerS: 0 });
    this.#classic = new ClassicClient({
      name: NAME,
      addressCount: 1,
      timeoutMs: 1_000,
      retries: 5,
    });
    this.#onFinder(nowMs, this.#finder.handle(nowMs, { kind: "wakeup" }));
    this.#classic.handle(nowMs, { kind: "started" });
    this.#coordinate(
      nowMs,
      this.#coordinator.handle(nowMs, {
        kind: "transfer",
        transfer: transferId(1),
        content: CONTENT,
        layer: HASHES.layer,
        isVerified: () => false,
      }),
    );
  }

  #onFrame(nowMs: number, from: Endpoint, frame: Frame): void {
    if (this.#finder.accepts(frame)) {
      this.#onFinder(nowMs, this.#finder.handle(nowMs, { kind: "frame", from, frame }));
    }
    if (this.#layer.accepts(frame)) {
      this.#onLayer(nowMs, this.#layer.handle(nowMs, { kind: "frame", from, frame }));
    }
    if (this.#list.accepts(frame)) {
      this.#onSends(this.#list.handle(nowMs, { kind: "frame", from, frame }));
    }
  }

  #onFinder(nowMs: number, actions: ReturnType<Finder["handle"]>): void {
    assert(actions.length <= ACTIONS_MAX, `${actions.length} actions of the finder`);
    for (const action of actions) {
      if (action.kind === "broadcast" || action.kind === "unicast") {
        const find = decodeFrame(action.datagram);
        assert(find.kind === "find");
        const from = action.kind === "unicast" ? action.to : SERVERS[0]!;
        this.#keep(encodeFrame({ ...this.#offer(), queryId: find.queryId }), from);
      }
      if (action.kind !== "offer") continue;
      const { server, party, path, content } = action.offer;
      if (content.root !== CONTENT.root) continue;
      const event = { kind: "path", server, party, path, nonce: this.#nextNonce++ } as const;
      this.#onLayer(nowMs, this.#layer.handle(nowMs, event));
      this.#onSends(this.#list.handle(nowMs, { kind: "path", path }));
    }
  }

  #onLayer(nowMs: number, actions: ReturnType<LayerFetch["handle"]>): void {
    assert(actions.length <= ACTIONS_MAX);
    this.#onSends(actions);
    for (const action of actions) {
      if (action.kind !== "confirmed") continue;
      const source = sourceId(action.server, "datagrams");
      const event = { ...action, kind: "provider", source, transfer: transferId(1) } as const;
      this.#coordinate(nowMs, this.#coordinator.handle(nowMs, event));
    }
  }

  #onSends(
    actions: readonly {
      readonly kind: string;
      readonly datagram?: Bytes;
      readonly to?: Endpoint;
    }[],
  ) {
    for (const { kind, datagram, to } of actions) {
      if (kind !== "send") continue;
      assert(SERVERS.some(({ address }) => address === to?.address), "somebody else was asked");
      const frame = decodeFrame(datagram!);
      assert(frame.kind !== "malformed", "what was sent is no frame");
      this.#answerTruly(frame, to!);
    }
  }

  #answerTruly(frame: Frame, from: Endpoint): void {
    if (frame.kind === "want") {
      for (const each of answer(frame, FILE)) this.#keep(each, from);
    } else if (frame.kind === "layer_want") {
      const { nonce, number, firstPage: page } = frame;
      const proof = new Uint8Array(0);
      const layer = { kind: "layer", nonce, number, page, hashes: HASHES.layer, proof } as const;
      this.#keep(encodeFrame(layer), from);
    } else if (frame.kind === "list") {
      const { queryId, number } = frame;
      const listing = CONTROL_VECTORS.find((each) => each.frame.kind === "listing")!.frame;
      const answered = { ...listing, queryId, number, server: HONEST } as Frame;
      this.#keep(encodeFrame(answered), from);
    }
  }

  #coordinate(nowMs: number, actions: readonly CoordinatorAction[]): void {
    assert(actions.length <= ACTIONS_MAX, `${actions.length} actions of the coordinator`);
    for (const action of actions) {
      if (!("source" in action) || action.kind === "server") {
        if (action.kind === "complete" || action.kind === "orphaned") this.#age = LIFE;
        continue;
      }
      const { source } = action;
      if (action.kind === "assign") this.#working.add(source);
      if (action.kind === "release") this.#working.delete(source);
      assert(this.#working.size <= RECEIVERS_MAX);
      const receiver = this.#receivers.get(source) ?? new Receiver({
        mtuBytes: MTU_BYTES_DEFAULT,
        receiveBufferBytes: 1 << 22,
        clockOriginMs: 0,
      });
      this.#receivers.set(source, receiver);
      if (action.kind === "assign" || action.kind === "reroute") {
        const route = action.route as DatagramRoute;
        const assignment = { source, route, nonce: this.#nextNonce++ };
        this.#onReceiver(
          nowMs,
          receiver,
          receiver.handle(nowMs, { kind: action.kind, assignment }),
        );
      } else this.#onReceiver(nowMs, receiver, receiver.handle(nowMs, action));
      if (action.kind === "release") this.#receivers.delete(source);
    }
  }

  /** @param actions a list that the next event would overwrite */
  #onReceiver(nowMs: number, receiver: Receiver, actions: readonly ReceiverAction[]): void {
    assert(actions.length <= ACTIONS_MAX, `${actions.length} actions of a receiver`);
    for (const action of [...actions]) {
      switch (action.kind) {
        case "send":
          this.#onSends([action]);
          break;
        case "chunk": {
          const start = action.chunk * CHUNK_BYTES_MIN;
          const truth = FILE.subarray(start, start + action.bytes);
          const given = action.buffer.subarray(0, action.bytes);
          const isTrue = Buffer.compare(given, truth) === 0;
          assert(isTrue, `a wrong chunk ${action.chunk} was handed on`);
          this.chunks += 1;
          this.#onReceiver(
            nowMs,
            receiver,
            receiver.handle(nowMs, {
              kind: "recycle",
              buffers: [action.buffer],
            }),
          );
          break;
        }
        default:
          this.#coordinate(nowMs, this.#coordinator.handle(nowMs, action));
      }
    }
  }

  #onClassic(actions: ReturnType<ClassicClient["handle"]>): void {
    for (const action of actions) {
      if (action.kind === "write") assert(action.offset >= 0 && action.bytes.length > 0);
    }
  }

  #wake(nowMs: number): void {
    if (this.#finder.nextWakeupMs() <= nowMs) {
      this.#onFinder(nowMs, this.#finder.handle(nowMs, { kind: "wakeup" }));
    }
    if (this.#layer.nextWakeupMs() <= nowMs) {
      this.#onLayer(nowMs, this.#layer.handle(nowMs, { kind: "wakeup" }));
    }
    if (this.#list.nextWakeupMs() <= nowMs) {
      this.#onSends(this.#list.handle(nowMs, { kind: "wakeup" }));
    }
    for (const receiver of this.#receivers.values()) {
      if (receiver.nextWakeupMs(nowMs) > nowMs) continue;
      this.#onReceiver(nowMs, receiver, receiver.handle(nowMs, { kind: "wakeup" }));
    }
    if (this.#coordinator.nextWakeupMs(nowMs) <= nowMs || this.#random.chance(0.01)) {
      this.#coordinate(nowMs, this.#coordinator.handle(nowMs, { kind: "wakeup" }));
    }
    if (this.#classic.nextWakeupMs() <= nowMs) {
      this.#onClassic(this.#classic.handle(nowMs, { kind: "wakeup" }));
    }
  }

  #keep(datagram: Bytes, from: Endpoint): void {
    if (this.#coming.length < COMING_MAX) this.#coming.push({ datagram, from });
    if (this.#answers.length < ANSWERS_KEPT) this.#answers.push(datagram);
    else this.#answers[this.#random.below(ANSWERS_KEPT)] = datagram;
  }

  /** The true offer, from one of ever more servers. */
  #offer(): Extract<Frame, { kind: "offer" }> {
    return {
      kind: "offer",
      queryId: 0x0102_0304_0506_0708n,
      queryIndex: 0,
      server: this.#random.chance(0.8) ? HONEST : serverId(toHex(this.#random.bytes(16))),
      token: this.#random.bytes(16),
      dataPort: 0,
      ...CONTENT,
      mtimeMs: 0,
      tcpPort: 0,
      name: NAME,
    };
  }
}
