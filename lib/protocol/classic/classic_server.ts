/**
 * The classic protocol from the server's side (docs/PROTOCOL.md, "Classic"): who is answered, and at
 * what pace. It promises that the answer leaves before the data, that no pause within a transfer
 * reaches a client's patience, and that one address gets one transfer at a time.
 *
 * Its driver performs the actions in order, keeps at most one file open per transfer until
 * `release`, and returns the results of `locate` and `read`. Pure: no socket, no disk, no clock.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { Bytes, HashHex, SafeFileName } from "../../ids.ts";
import {
  CLASSIC_FILE_BYTES_MAX,
  CLASSIC_PEER_MEMORY_MS,
  CLASSIC_PEERS_MAX,
  CLASSIC_RATE_BYTES_PER_S,
  CLASSIC_RATE_BYTES_PER_S_MIN,
  CLASSIC_TRANSFERS_MAX,
  CLASSIC_TURN_MS,
} from "./limits.ts";
import { displayName, parseFileName } from "../../names.ts";
import { encodeClassicAnswer } from "../../wire/classic.ts";
import { type ByteSpan, ClassicTransfer } from "./classic_transfer.ts";
import { Random } from "../base/random.ts";
import { RecentMap } from "../base/recent_map.ts";
import { chooseUnvalidated } from "../base/validated_first.ts";

/** What is offered under a name. */
interface ClassicFile {
  readonly sizeBytes: number;
  readonly sha256: HashHex;
}

export type ClassicServerEvent =
  /** A FIND came from here: peers that speak Shoal are not answered in the classic protocol. */
  | { readonly kind: "searched"; readonly from: Endpoint }
  /** `name` is the text after `get `, unchecked. */
  | { readonly kind: "request"; readonly from: Endpoint; readonly name: string }
  /** Without `file`: nothing of that name is offered. */
  | { readonly kind: "located"; readonly transfer: number; readonly file?: ClassicFile }
  /** One buffer per span; without `spans` the file could not be read as it was indexed. */
  | { readonly kind: "read"; readonly transfer: number; readonly spans?: readonly Bytes[] }
  | { readonly kind: "wakeup" };

export type ClassicServerAction =
  | { readonly kind: "locate"; readonly transfer: number; readonly name: SafeFileName }
  | { readonly kind: "read"; readonly transfer: number; readonly spans: readonly ByteSpan[] }
  | { readonly kind: "send"; readonly to: Endpoint; readonly datagrams: readonly Bytes[] }
  /** The transfer is over: close its file. */
  | { readonly kind: "release"; readonly transfer: number }
  | { readonly kind: "requested"; readonly name: SafeFileName; readonly from: Endpoint }
  | { readonly kind: "sending"; readonly name: SafeFileName; readonly to: Endpoint }
  | { readonly kind: "notice"; readonly level: "warning" | "verbose"; readonly message: string };

interface ClassicServerOptions {
  readonly chunkBytes: number;
  /** Cap on all transfers together; 0 for none. */
  readonly rateBytesPerS: number;
  readonly seed: number;
  /** Whether an address is on one of this machine's own subnets. */
  readonly isNeighbour: (address: string) => boolean;
  /** Whether somebody at an address has shown, in our own protocol, that datagrams reach it. */
  readonly hasProved: (address: string) => boolean;
}

/** What an address asked for last, so that asking again slows it down. */
interface LastAsk {
  readonly port: number;
  readonly name: SafeFileName;
  readonly rateBytesPerS: number;
  readonly isComplete: boolean;
}

interface Waiting {
  readonly from: Endpoint;
  readonly name: SafeFileName;
  readonly sinceMs: number;
}

/** A transfer, and who wants the next one at the same address. */
interface Slot {
  readonly transfer: ClassicTransfer;
  readonly beganMs: number;
  waiting: Waiting | undefined;
}

export class ClassicServer {
  readonly #options: ClassicServerOptions;
  readonly #random: Random;
  /** By address. */
  readonly #slots = new Map<string, Slot>();
  readonly #searchers = new RecentMap<true>(CLASSIC_PEERS_MAX, CLASSIC_PEER_MEMORY_MS);
  readonly #asks = new RecentMap<LastAsk>(CLASSIC_PEERS_MAX, CLASSIC_PEER_MEMORY_MS);
  #actions: ClassicServerAction[] = [];
  #transferNext = 0;

  constructor(options: ClassicServerOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  handle(nowMs: number, event: ClassicServerEvent): readonly ClassicServerAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "searched":
        this.#searchers.set(nowMs, endpointKey(event.from), true);
        break;
      case "request":
        this.#onRequest(nowMs, event.from, event.name);
        break;
      case "located":
        this.#onLocated(nowMs, event.transfer, event.file);
        break;
      case "read":
        this.#onRead(nowMs, event.transfer, event.spans);
        break;
      case "wakeup":
        this.#onWakeup(nowMs);
        break;
    }
    return this.#actions;
  }

  /** When `wakeup` is due; Infinity for never. */
  nextWakeupMs(): number {
    let nextMs = Infinity;
    for (const { transfer, waiting } of this.#slots.values()) {
      nextMs = Math.min(nextMs, transfer.burstDueMs);
      if (waiting !== undefined) nextMs = Math.min(nextMs, waiting.sinceMs + CLASSIC_TURN_MS);
    }
    return nextMs;
  }

  #onRequest(nowMs: number, from: Endpoint, text: string): void {
    if (this.#searchers.get(nowMs, endpointKey(from))) return;
    const refuse = (why: string): void =>
      this.#notice("verbose", `classic request for ${displayName(text)} ignored: ${why}`);
    if (!this.#options.isNeighbour(from.address)) return refuse("not from an own subnet");
    const parsed = parseFileName(text);
    if (!parsed.ok) return refuse(parsed.problem);

    const slot = this.#slots.get(from.address);
    if (slot !== undefined && slot.transfer.to.port !== from.port) {
      const sinceMs = slot.waiting?.from.port === from.port ? slot.waiting.sinceMs : nowMs;
      slot.waiting = { from, name: parsed.name, sinceMs };
      return;
    }
    if (slot !== undefined) {
      // Nothing has been sent yet, so the client has missed nothing: the network made two of one.
      if (slot.transfer.name === parsed.name && !slot.transfer.hasSentChunks) return;
      this.#end(slot.transfer);
    } else if (this.#slots.size >= CLASSIC_TRANSFERS_MAX && !this.#makeRoom(nowMs)) {
      return refuse("too many classic transfers at once");
    }
    this.#begin(nowMs, from, parsed.name, slot?.waiting);
  }

  /** Ends the transfer of somebody who has proved nothing and has had a turn, if there is one. */
  #makeRoom(nowMs: number): boolean {
    const { hasProved } = this.#options;
    const hasHadTurn = ({ beganMs }: Slot): boolean => nowMs - beganMs >= CLASSIC_TURN_MS;
    const slots = [...this.#slots.values()].filter(hasHadTurn);
    const isProved = ({ transfer }: Slot): boolean => hasProved(transfer.to.address);
    const slot = chooseUnvalidated(slots, isProved, this.#random);
    if (slot === undefined) return false;
    this.#end(slot.transfer);
    return true;
  }

  #begin(nowMs: number, to: Endpoint, name: SafeFileName, waiting?: Waiting): void {
    const rateBytesPerS = this.#rateFor(nowMs, to, name);
    this.#asks.set(nowMs, to.address, { port: to.port, name, rateBytesPerS, isComplete: false });
    const { chunkBytes } = this.#options;
    const id = this.#transferNext++;
    const transfer = new ClassicTransfer({ id, to, name, chunkBytes, rateBytesPerS });
    this.#slots.set(to.address, { transfer, beganMs: nowMs, waiting });
    this.#actions.push({ kind: "requested", name, from: to }, {
      kind: "locate",
      transfer: id,
      name,
    });
  }

  /** Half of the last rate for a peer that asks again: it was sent data too fast. */
  #rateFor(nowMs: number, from: Endpoint, name: SafeFileName): number {
    const last = this.#asks.get(nowMs, from.address);
    const isAgain = last?.name === name && (last.port === from.port || !last.isComplete);
    if (!isAgain) return CLASSIC_RATE_BYTES_PER_S;
    return Math.max(CLASSIC_RATE_BYTES_PER_S_MIN, last.rateBytesPerS / 2);
  }

  #onLocated(nowMs: number, id: number, file: ClassicFile | undefined): void {
    const transfer = this.#find(id);
    if (transfer === undefined) return;
    const { to, name } = transfer;
    if (file === undefined) return this.#endAndServeNext(nowMs, transfer);
    if (file.sizeBytes > CLASSIC_FILE_BYTES_MAX) {
      this.#notice("warning", `${displayName(name)} is too large for the classic protocol`);
      return this.#endAndServeNext(nowMs, transfer);
    }
    const chunkCount = transfer.start(nowMs, file.sizeBytes, this.#random);
    const answer = encodeClassicAnswer({ chunkCount, sha256: file.sha256 });
    this.#actions.push({ kind: "sending", name, to }, { kind: "send", to, datagrams: [answer] });
    if (transfer.isComplete) this.#complete(nowMs, transfer);
  }

  #onRead(nowMs: number, id: number, spans: readonly Bytes[] | undefined): void {
    const transfer = this.#find(id);
    if (transfer === undefined) return;
    if (spans === undefined) {
      const name = displayName(transfer.name);
      this.#notice("warning", `${name} changed while it was sent the classic way`);
      return this.#endAndServeNext(nowMs, transfer);
    }
    const { to, reading } = transfer;
    this.#actions.push({ kind: "send", to, datagrams: transfer.datagrams(spans) });
    for (const number of reading) this.#notice("verbose", `Sent chunk ${number}`);
    if (transfer.isComplete) this.#complete(nowMs, transfer);
  }

  #onWakeup(nowMs: number): void {
    for (const { transfer, waiting } of [...this.#slots.values()]) {
      if (waiting !== undefined && nowMs >= waiting.sinceMs + CLASSIC_TURN_MS) {
        this.#endAndServeNext(nowMs, transfer);
      } else if (nowMs >= transfer.burstDueMs) {
        const spans = transfer.nextBurst(nowMs, this.#rateShare());
        this.#actions.push({ kind: "read", transfer: transfer.id, spans });
      }
    }
  }

  /** What one of the transfers may use of the cap. */
  #rateShare(): number {
    const { rateBytesPerS } = this.#options;
    return rateBytesPerS === 0 ? Infinity : rateBytesPerS / this.#slots.size;
  }

  #complete(nowMs: number, transfer: ClassicTransfer): void {
    const last = this.#asks.get(nowMs, transfer.to.address);
    if (last !== undefined) {
      this.#asks.set(nowMs, transfer.to.address, { ...last, isComplete: true });
    }
    this.#endAndServeNext(nowMs, transfer);
  }

  #endAndServeNext(nowMs: number, transfer: ClassicTransfer): void {
    const waiting = this.#slots.get(transfer.to.address)?.waiting;
    this.#end(transfer);
    if (waiting !== undefined) this.#begin(nowMs, waiting.from, waiting.name);
  }

  #end(transfer: ClassicTransfer): void {
    this.#slots.delete(transfer.to.address);
    this.#actions.push({ kind: "release", transfer: transfer.id });
  }

  #find(id: number): ClassicTransfer | undefined {
    for (const { transfer } of this.#slots.values()) if (transfer.id === id) return transfer;
    return undefined;
  }

  #notice(level: "warning" | "verbose", message: string): void {
    this.#actions.push({ kind: "notice", level, message });
  }
}
