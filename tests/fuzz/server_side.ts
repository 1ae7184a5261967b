/**
 * A server's machines under fire: responder, sender and classic server, wired as the drivers wire
 * them. After each datagram it is checked that nobody who has not echoed a token was answered with more
 * than was sent, that only what is well formed is answered, and that what is kept has its bounds.
 */
import type { Endpoint } from "../../lib/address.ts";
import { assert } from "@std/assert";
import { type Bytes, hashHex, type SafeFileName, serverId, toHex } from "../../lib/ids.ts";
import { REQUEST_BYTES_MAX } from "../../lib/wire/limits.ts";
import { WANTS_MAX } from "../../lib/protocol/serve/limits.ts";
import { CLASSIC_TRANSFERS_MAX } from "../../lib/protocol/classic/limits.ts";
import { Catalogue } from "../../lib/protocol/serve/catalogue.ts";
import {
  ClassicServer,
  type ClassicServerAction,
} from "../../lib/protocol/classic/classic_server.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { Responder } from "../../lib/protocol/serve/responder.ts";
import { RangeServer, type RangeServerAction } from "../../lib/protocol/serve/range_server.ts";
import { lengthOf, type Turn } from "../../lib/protocol/serve/sender.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import { Tokens } from "../../lib/protocol/base/tokens.ts";
import { decodeClassicRequest } from "../../lib/wire/classic.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../lib/wire/frames.ts";
import { packedFramesIn } from "../../lib/wire/packed_frames.ts";
import { LayerProver } from "../support/layer_prover.ts";
import { hashed, mixedFile } from "../support/virtual_link.ts";
import { CONTROL_VECTORS } from "../wire/control_vectors.ts";
import { pick } from "./mutator.ts";

const SERVER = serverId("5e".repeat(16));
const NAMES = ["films/Amélie.mkv", "a.txt", "b/last.txt", "c.txt", "x".repeat(250)];
/** Those that have proved their address, and those that never will. */
const FRIENDS: readonly Endpoint[] = [1, 2].map((i) => ({ address: `10.0.0.${i}`, port: 4_000 }));
const STRANGERS: readonly Endpoint[] = [1, 2, 3].map((i) => ({ address: `10.9.9.${i}`, port: i }));
/** Sends that go on for ever would keep a classic transfer for ever. */
const CLASSIC_STEPS_MAX = 2_000;

/** Bytes that came from an address and that went there. */
interface Traffic {
  in: number;
  out: number;
}

export class ServerSide {
  readonly #random: Random;
  readonly #tokens = new Tokens(Uint8Array.of(1, 2, 3));
  readonly #responder: Responder;
  readonly #ranges: RangeServer;
  readonly #classic: ClassicServer;
  readonly #classicSizes = new Map<number, number>();
  readonly #traffic = new Map<string, Traffic>();
  readonly #root: ReturnType<typeof hashHex>;
  readonly #file = mixedFile(200_000);
  #requests = 0;
  answered = 0;
  served = 0;

  constructor(random: Random) {
    this.#random = random;
    this.#ranges = new RangeServer({
      ...{ server: SERVER, tokens: this.#tokens, rateBytesPerS: 0, random },
    });
    const catalogue = new Catalogue();
    const { root, layer } = hashed(this.#file);
    this.#root = root;
    for (const [i, name] of NAMES.entries()) {
      const signature = { sizeBytes: this.#file.length, mtimeMs: 1, ctimeMs: 1, inode: i };
      catalogue.put(name as SafeFileName, signature, "pending");
      const digest = hashHex(toHex(sha256(this.#file)));
      if (i !== 2) catalogue.ready(name as SafeFileName, { root, sha256: digest });
    }
    const prover = new LayerProver(layer, this.#file.length);
    const layerPage = (asked: string, _sizeBytes: number, page: number) =>
      asked === root && page < prover.pageCount ? prover.page(page) : undefined;
    const view = {
      catalogue,
      isScanned: true,
      refresh: () => {},
      hashRateOf: () => 1e6,
      treeOf: () => undefined,
      holds: (asked: typeof root, sizeBytes: number) =>
        !catalogue.findByContent(asked, sizeBytes).next().done,
      layerPage,
    };
    this.#responder = new Responder({ server: SERVER, tokens: this.#tokens, view, seed: 1 });
    this.#classic = new ClassicServer({
      chunkBytes: 1_024,
      rateBytesPerS: 0,
      seed: 1,
      isNeighbour: (address) => address.startsWith("10.0.0."),
      hasProved: () => false,
    });
  }

  /** Well-formed frames that are worth spoiling now: questions with a token that is good somewhere. */
  seed(nowMs: number): Bytes {
    const { frame } = pick(this.#random, CONTROL_VECTORS);
    const token = this.#tokens.issue(nowMs, pick(this.#random, FRIENDS).address);
    const known = { root: this.#root, sizeBytes: this.#file.length };
    const isKnown = this.#random.chance(0.7);
    const changed = {
      ...frame,
      ..."token" in frame && { token },
      ..."root" in frame && isKnown && known,
    };
    if (changed.kind === "want" && isKnown) {
      const offset = this.#random.below(this.#file.length);
      const lengthBytes = Math.min(1_000, this.#file.length - offset);
      // A number that was answered is answered no more: each is a request of its own.
      const number = ++this.#requests;
      return encodeFrame({ ...changed, number, ranges: [{ offset, lengthBytes }] } as Frame);
    }
    return encodeFrame(changed as Frame);
  }

  receive(nowMs: number, datagram: Bytes): void {
    const from = this.#random.chance(0.5)
      ? pick(this.#random, FRIENDS)
      : pick(this.#random, STRANGERS);
    const traffic = this.#traffic.get(from.address) ?? { in: 0, out: 0 };
    this.#traffic.set(from.address, traffic);
    traffic.in += datagram.length;
    const before = traffic.out;
    for (const { frame, bytes } of packedFramesIn(datagram)) {
      assert(decodeFrame(bytes).kind === frame.kind, "a frame came out that is none");
      const saidBefore = traffic.out;
      this.#onFrame(nowMs, from, frame, bytes.length, traffic);
      const said = traffic.out - saidBefore;
      const isProved = "token" in frame &&
        this.#tokens.judge(nowMs, from.address, frame.token) === "valid";
      assert(isProved || said <= bytes.length, `${said} bytes for a ${frame.kind}`);
    }
    if (!isFriend(from)) assert(traffic.out - before <= datagram.length);
    this.#onClassic(nowMs, from, datagram);
    assert(this.#ranges.flowCount <= WANTS_MAX);
    assert(this.#classicSizes.size <= CLASSIC_TRANSFERS_MAX);
  }

  #onFrame(
    nowMs: number,
    from: Endpoint,
    frame: Frame,
    frameBytes: number,
    traffic: Traffic,
  ): void {
    if (frame.kind === "find") this.#classic.handle(nowMs, { kind: "searched", from });
    const event = { kind: "frame", from, frame, frameBytes } as const;
    this.#performRanges(nowMs, this.#ranges.handle(nowMs, event), traffic);
  }

  #performRanges(
    nowMs: number,
    actions: readonly RangeServerAction[],
    traffic: Traffic,
  ): void {
    for (const action of actions) {
      switch (action.kind) {
        case "send":
          traffic.out += action.datagram.length;
          this.answered += 1;
          break;
        case "question":
          this.#onQuestion(nowMs, action, traffic);
          break;
        case "serve":
          this.#serve(nowMs, action.turn, traffic);
          break;
        default:
          // What is told to the main thread, and files that are opened and closed.
      }
    }
  }

  #onQuestion(
    nowMs: number,
    { from, frame, frameBytes, work }: Extract<RangeServerAction, { kind: "question" }>,
    traffic: Traffic,
  ): void {
    this.#ranges.handle(nowMs, { kind: "handled", work });
    for (const action of this.#responder.handle(nowMs, from, frame, frameBytes)) {
      if (action.kind !== "send") continue;
      assert(action.to === from, "an answer went elsewhere");
      for (const datagram of action.datagrams) traffic.out += datagram.length;
      this.answered += 1;
    }
  }

  /** Whatever is served was asked for by somebody with a token, and is of bounds. */
  #serve(nowMs: number, turn: Turn, traffic: Traffic): void {
    assert(isFriend(turn.to));
    assert(lengthOf(turn.want) <= REQUEST_BYTES_MAX);
    this.served += 1;
    const served = { kind: "served", outcome: "sent", sentBytes: 0 } as const;
    this.#performRanges(nowMs, this.#ranges.handle(nowMs, served), traffic);
  }

  #onClassic(nowMs: number, from: Endpoint, datagram: Bytes): void {
    const name = decodeClassicRequest(datagram);
    if (name !== undefined) {
      this.#perform(nowMs, this.#classic.handle(nowMs, { kind: "request", from, name }));
    }
    for (let steps = 0; this.#classic.nextWakeupMs() <= nowMs; steps++) {
      assert(steps < CLASSIC_STEPS_MAX, "the classic server wants to be woken for ever");
      this.#perform(nowMs, this.#classic.handle(nowMs, { kind: "wakeup" }));
    }
  }

  #perform(nowMs: number, actions: readonly ClassicServerAction[]): void {
    for (const action of actions) {
      switch (action.kind) {
        case "locate": {
          this.#classicSizes.set(action.transfer, 0);
          const isThere = NAMES.includes(action.name);
          const file = { sizeBytes: 5_000, sha256: hashHex("ab".repeat(32)) };
          const located = { kind: "located", transfer: action.transfer } as const;
          const result = isThere ? { ...located, file } : located;
          this.#perform(nowMs, this.#classic.handle(nowMs, result));
          break;
        }
        case "read": {
          const spans = action.spans.map(({ lengthBytes }) => new Uint8Array(lengthBytes));
          const read = { kind: "read", transfer: action.transfer, spans } as const;
          this.#perform(nowMs, this.#classic.handle(nowMs, read));
          break;
        }
        case "send":
          assert(isFriend(action.to), "a classic answer left the own subnets");
          break;
        case "release":
          this.#classicSizes.delete(action.transfer);
      }
    }
  }
}

function isFriend({ address }: Endpoint): boolean {
  return address.startsWith("10.0.0.");
}
