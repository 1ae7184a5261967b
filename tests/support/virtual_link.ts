/**
 * One receiver machine and a scripted server on a virtual clock: requests and segments take their
 * time, and what happens to each datagram on the way is the test's decision.
 */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import { hashHex, serverId, sourceId, transferId } from "../../lib/ids.ts";
import { TreeHasher } from "../../lib/protocol/merkle/merkle.ts";
import { chunkHashesOf } from "../../lib/protocol/download/fetch_list.ts";
import { Receiver } from "../../lib/protocol/download/receiver.ts";
import type { ReceiverAction } from "../../lib/protocol/download/receiver_messages.ts";
import type { Report } from "../../lib/protocol/download/receiver_report.ts";
import { payloadBytesOf } from "../../lib/wire/data_frame.ts";
import { decodeFrame, type FrameOf } from "../../lib/wire/frames.ts";
import { MTU_BYTES_DEFAULT } from "../../lib/wire/limits.ts";
import { segment } from "./segment.ts";

export const SERVER = serverId("5e".repeat(16));
export const TRANSFER = transferId(1);
export const ENDPOINT: Endpoint = { address: "10.0.0.2", port: 10530 };
export const SOURCE = sourceId(SERVER, "datagrams");

/** Byte i is a mix of i, so that no two blocks are equal. */
export function mixedFile(sizeBytes: number): Bytes {
  return Uint8Array.from(
    { length: sizeBytes },
    (_, i) => (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff,
  );
}

export function hashed(file: Bytes) {
  const hasher = new TreeHasher(file.length);
  hasher.update(file);
  return hasher.finish();
}

/** The datagrams that answer a WANT, one per segment. */
export function answer(want: FrameOf<"want">, file: Bytes): Bytes[] {
  const datagrams: Bytes[] = [];
  const payloadBytes = payloadBytesOf(want.segmentBytes);
  for (const range of want.ranges) {
    const end = range.offset + range.lengthBytes;
    for (let offset = range.offset; offset < end; offset += payloadBytes) {
      const payload = file.subarray(offset, Math.min(offset + payloadBytes, end));
      const { nonce, number } = want;
      datagrams.push(segment(payload, offset, { nonce, number, withCrc: want.withCrc === 1 }));
    }
  }
  return datagrams;
}

/** What becomes of a datagram: how often it arrives, and how much later than usual. */
export type Fate = readonly { readonly datagram: Bytes; readonly extraMs: number }[];

export interface LinkOptions {
  readonly file: Bytes;
  readonly oneWayMs: number;
  /** For each segment on its way to the receiver. */
  readonly fate?: (datagram: Bytes) => Fate;
  /** For each request on its way to the server: `true` loses it. */
  readonly losesRequest?: (want: FrameOf<"want">) => boolean;
  /** What the server does instead of answering. */
  readonly serve?: (want: FrameOf<"want">, nowMs: number) => readonly Bytes[];
  /** What the server says to a question for packs; there are none without it. */
  readonly pack?: (want: FrameOf<"pack_want">, nowMs: number) => readonly Bytes[];
  /** What the user allows; as long as pass where it is left out and `routeBytes` is given. */
  readonly mtuBytes?: number;
  /** What the client's route takes. */
  readonly routeBytes?: number;
  readonly overheadBytes?: number;
  readonly receiveBufferBytes?: number;
}

interface Pending {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class VirtualLink {
  readonly receiver: Receiver;
  readonly reports: Report[] = [];
  readonly chunks = new Map<number, Bytes>();
  readonly gone: string[] = [];
  readonly wants: FrameOf<"want">[] = [];
  readonly packWants: FrameOf<"pack_want">[] = [];
  readonly strikes: FrameOf<"strike">[] = [];
  nowMs = 0;
  readonly #options: LinkOptions;
  readonly #mtuBytes: number | undefined;
  #pending: Pending[] = [];
  #order = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    const isRouteKnown = options.mtuBytes === undefined && options.routeBytes !== undefined;
    this.#mtuBytes = isRouteKnown ? undefined : options.mtuBytes ?? MTU_BYTES_DEFAULT;
    this.receiver = new Receiver({
      ...(this.#mtuBytes !== undefined && { mtuBytes: this.#mtuBytes }),
      overheadBytes: options.overheadBytes ?? 0,
      receiveBufferBytes: options.receiveBufferBytes ?? 4 * 1024 * 1024,
      clockOriginMs: 0,
      packs: options.pack !== undefined,
    });
    this.step({
      kind: "allot",
      windowBytesMax: 8 * 1024 * 1024,
      bufferBytesMax: 48 * 1024 * 1024,
      rateBytesPerS: 0,
    });
    this.assign();
  }

  assign(): void {
    const { routeBytes } = this.#options;
    this.step({
      kind: "assign",
      assignment: {
        source: SOURCE,
        route: { kind: "datagrams", endpoint: ENDPOINT, token: new Uint8Array(16), rttMs: 0 },
        nonce: 0x1122334455667788n,
        ...(routeBytes !== undefined && { routeBytes }),
      },
    });
  }

  /** Leases these chunks (all by default). */
  lease(chunks?: readonly number[]): void {
    const { file } = this.#options;
    const { root, layer } = hashed(file);
    const all = Array.from({ length: layer.length / 32 }, (_, i) => i);
    const leased = chunks ?? all;
    const hashes = chunkHashesOf(layer, leased);
    // Receivers do not look at the SHA-256 of the whole.
    const content = { sizeBytes: file.length, sha256: hashHex("00".repeat(32)), root };
    this.step({ kind: "lease", lease: { transfer: TRANSFER, content, chunks: leased, hashes } });
  }

  step(event: Parameters<Receiver["handle"]>[1]): void {
    for (const action of [...this.receiver.handle(this.nowMs, event)]) this.#perform(action);
  }

  /** Lets time pass until `isDone` or the clock stands at `untilMs`. */
  run(untilMs: number, isDone: () => boolean = () => false): void {
    while (!isDone()) {
      const next = this.#pending[0];
      const wakeMs = this.receiver.nextWakeupMs(this.nowMs);
      const nextMs = Math.min(next?.atMs ?? Infinity, wakeMs);
      if (nextMs > untilMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (next !== undefined && next.atMs <= wakeMs) {
        this.#pending.shift();
        next.run();
      } else this.step({ kind: "wakeup" });
    }
  }

  at(atMs: number, run: () => void): void {
    const pending = { atMs, order: this.#order++, run };
    const i = this.#pending.findIndex((each) => each.atMs > atMs);
    this.#pending.splice(i < 0 ? this.#pending.length : i, 0, pending);
  }

  /** A datagram from the server's address arrives at the receiver; several joined ones, if it is too long for one. */
  deliver(bytes: Bytes, atMs: number): void {
    const segmentBytes = Math.min(bytes.length, this.#mtuBytes ?? bytes.length);
    const event = { kind: "datagrams", bytes, from: ENDPOINT, segmentBytes } as const;
    this.at(atMs, () => this.step(event));
  }

  #perform(action: ReceiverAction): void {
    switch (action.kind) {
      case "send":
        return this.#toServer(action.datagram);
      case "chunk":
        this.chunks.set(action.chunk, action.buffer.slice(0, action.bytes));
        return this.at(this.nowMs, () => this.step({ kind: "recycle", buffers: [action.buffer] }));
      case "report":
        this.reports.push(action.report);
        return;
      case "gone":
        this.gone.push(action.reason);
        return;
    }
  }

  #toServer(datagram: Bytes): void {
    const frame = decodeFrame(datagram);
    if (frame.kind === "strike") this.strikes.push(frame);
    if (frame.kind === "pack_want") {
      this.packWants.push(frame);
      this.at(this.nowMs + this.#options.oneWayMs, () => {
        const answers = this.#options.pack!(frame, this.nowMs);
        for (const each of answers) this.deliver(each, this.nowMs + this.#options.oneWayMs);
      });
    }
    if (frame.kind !== "want") return;
    this.wants.push(frame);
    if (this.#options.losesRequest?.(frame)) return;
    const { oneWayMs, fate, file } = this.#options;
    this.at(this.nowMs + oneWayMs, () => {
      const datagrams = this.#options.serve?.(frame, this.nowMs) ?? answer(frame, file);
      for (const each of datagrams) {
        for (const arrival of fate?.(each) ?? [{ datagram: each, extraMs: 0 }]) {
          this.deliver(arrival.datagram, this.nowMs + oneWayMs + arrival.extraMs);
        }
      }
    });
  }
}

/** Reports added up. */
export function totals(reports: readonly Report[]) {
  return {
    verified: reports.flatMap((report) => report.verified.map((each) => each.chunk)),
    bad: reports.flatMap((report) => report.bad),
    receivedBytes: reports.reduce((sum, report) => sum + report.receivedBytes, 0),
    retransmits: reports.reduce((sum, report) => sum + report.retransmits, 0),
  };
}
