/**
 * The client's scheduler: which servers work, and which chunks each of them fetches
 * (docs/PROTOCOL.md, "Leases"). It knows no sockets and no bytes, only counts: it is told who holds
 * what and what each receiver did, and says what each receiver should do next.
 *
 * Whatever a server does (dies, stalls, lies, comes back), the chunks that it was to bring go to
 * another; a transfer ends when all its chunks are verified, or when its caller gives up on it after
 * a `stalled`.
 */
import { type ReceiverIndex, receiverIndex, type ServerId, type TransferId } from "../../ids.ts";
import {
  CHUNK_BUFFER_BYTES_MAX,
  CLIENT_WINDOW_BYTES_MAX,
  LEASE_STALL_MS_MIN,
  RECEIVER_BUFFER_BYTES_MAX,
  RECEIVERS_MAX,
  SERVER_SILENT_MS,
  SWAP_INTERVAL_MS,
} from "./limits.ts";
import { ActiveReceiver, type LeasedChunk } from "./active_receiver.ts";
import type { Lease } from "./fetch_list.ts";
import { KnownServer, type Path, type ServerTally } from "./known_server.ts";
import type { ChunkCount, Report } from "./receiver_report.ts";
import { type TransferStart, TransferState } from "./transfer_state.ts";

export type CoordinatorEvent =
  /** A file to be fetched. */
  | ({ readonly kind: "transfer" } & TransferStart)
  /** The transfer is over, however it ended. */
  | { readonly kind: "forget"; readonly transfer: TransferId }
  /** `server` has answered at these paths, best first, and holds the content of `transfer`. */
  | {
    readonly kind: "holder";
    readonly server: ServerId;
    readonly paths: readonly Path[];
    readonly transfer: TransferId;
  }
  | { readonly kind: "report"; readonly receiver: ReceiverIndex; readonly report: Report }
  | {
    readonly kind: "gone";
    readonly receiver: ReceiverIndex;
    readonly server: ServerId;
    readonly transfer: TransferId;
  }
  /** Chunks on disk that failed their proof. */
  | { readonly kind: "unproved"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  | { readonly kind: "wakeup" };

type GoneEvent = Extract<CoordinatorEvent, { kind: "gone" }>;

export type CoordinatorAction =
  /** Put this receiver to work for a server; the worker is started if it is not running. */
  | {
    readonly kind: "assign";
    readonly receiver: ReceiverIndex;
    readonly server: ServerId;
    readonly path: Path;
  }
  /** Go on with the same server at another address. */
  | {
    readonly kind: "path";
    readonly receiver: ReceiverIndex;
    readonly server: ServerId;
    readonly path: Path;
  }
  | { readonly kind: "release"; readonly receiver: ReceiverIndex }
  | { readonly kind: "lease"; readonly receiver: ReceiverIndex; readonly lease: Lease }
  | {
    readonly kind: "revoke";
    readonly receiver: ReceiverIndex;
    readonly transfer: TransferId;
    readonly chunks: readonly number[];
  }
  | {
    readonly kind: "allot";
    readonly receiver: ReceiverIndex;
    readonly windowBytesMax: number;
    readonly bufferBytesMax: number;
    readonly rateBytesPerS: number;
  }
  | {
    readonly kind: "server";
    readonly server: ServerId;
    readonly state: "active" | "standby" | "silent" | "dropped";
  }
  /** Every chunk is verified. */
  | { readonly kind: "complete"; readonly transfer: TransferId }
  /** Nothing verified for this transfer in a whole timeout. */
  | { readonly kind: "stalled"; readonly transfer: TransferId }
  /** Nobody that we know holds this transfer's content any more. */
  | { readonly kind: "orphaned"; readonly transfer: TransferId };

export interface CoordinatorOptions {
  readonly timeoutMs: number;
  /** `--rate`, for all receivers together; 0 for none. */
  readonly rateBytesPerS: number;
}

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #transfers = new Map<TransferId, TransferState>();
  readonly #servers = new Map<ServerId, KnownServer>();
  readonly #active = new Map<ReceiverIndex, ActiveReceiver>();
  #actions: CoordinatorAction[] = [];
  #swappedMs = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  handle(nowMs: number, event: CoordinatorEvent): readonly CoordinatorAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "transfer":
        this.#transfers.set(event.transfer, new TransferState(nowMs, event));
        break;
      case "forget":
        this.#forget(event.transfer);
        break;
      case "holder":
        this.#addHolder(event);
        break;
      case "report":
        this.#onReport(nowMs, event.receiver, event.report);
        break;
      case "gone":
        this.#onGone(event);
        break;
      case "unproved":
        this.#onUnproved(nowMs, event.transfer, event.chunks);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    this.#watch(nowMs);
    this.#staff(nowMs);
    // What was taken from who hears nothing goes to others first, or it would have it again at once.
    for (const active of this.#active.values()) if (!active.isSuspect) this.#topUp(nowMs, active);
    for (const active of this.#active.values()) if (active.isSuspect) this.#topUp(nowMs, active);
    return this.#actions;
  }

  nextWakeupMs(nowMs: number): number {
    if (this.#transfers.size === 0) return Infinity;
    let nextMs = nowMs + LEASE_STALL_MS_MIN / 2;
    for (const { leases, progressMs } of this.#transfers.values()) {
      if (!leases.isComplete) nextMs = Math.min(nextMs, progressMs + this.#options.timeoutMs);
    }
    return nextMs;
  }

  /** Whether every chunk of a transfer is verified; true of one that is not known. */
  isComplete(transfer: TransferId): boolean {
    return this.#transfers.get(transfer)?.leases.isComplete ?? true;
  }

  /** What each server gave to one transfer. */
  tallies(transfer: TransferId): ReadonlyMap<ServerId, ServerTally> {
    const tallies = new Map<ServerId, ServerTally>();
    for (const server of this.#servers.values()) {
      const tally = server.tallies.get(transfer);
      if (tally !== undefined) tallies.set(server.id, tally);
    }
    return tallies;
  }

  /** The servers at work now and what each gives, in bytes a second. */
  lanes(): readonly { readonly server: ServerId; readonly rateBytesPerS: number }[] {
    return [...this.#active.values()].map(({ server, rateBytesPerS }) => ({
      server: server.id,
      rateBytesPerS,
    }));
  }

  // — Transfers and servers —————————————————————————————————————————————————————————————————————

  #forget(id: TransferId): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    for (const active of this.#active.values()) this.#takeBack(active, (each) => each === transfer);
    this.#transfers.delete(id);
    for (const server of this.#servers.values()) server.tallies.delete(id);
  }

  #addHolder(event: Extract<CoordinatorEvent, { kind: "holder" }>): void {
    const server = this.#servers.get(event.server) ?? new KnownServer(event.server, event.paths);
    this.#servers.set(event.server, server);
    if (server.isDropped) return;
    server.onAnswered(event.paths);
    this.#transfers.get(event.transfer)?.holders.add(event.server);
  }

  #onUnproved(nowMs: number, id: TransferId, chunks: readonly number[]): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    transfer.progressMs = nowMs;
    for (const chunk of chunks) transfer.leases.unverify(chunk);
  }

  #isHolder(server: KnownServer): boolean {
    for (const transfer of this.#transfers.values()) {
      if (transfer.holders.has(server.id) && !transfer.leases.isComplete) return true;
    }
    return false;
  }

  // — Staffing ——————————————————————————————————————————————————————————————————————————————————

  /** Gives servers that can help a receiver, as long as there are receivers. */
  #staff(nowMs: number): void {
    const standby: KnownServer[] = [];
    for (const server of this.#servers.values()) {
      if (!server.mayWork(nowMs) || this.#isActive(server)) continue;
      if (this.#isHolder(server)) standby.push(server);
    }
    for (const server of standby) {
      const receiver = this.#freeReceiver() ?? this.#vacate(nowMs);
      if (receiver === undefined) return;
      this.#assign(nowMs, receiver, server);
    }
  }

  #isActive(server: KnownServer): boolean {
    for (const active of this.#active.values()) if (active.server === server) return true;
    return false;
  }

  #freeReceiver(): ReceiverIndex | undefined {
    for (let index = 0; index < RECEIVERS_MAX; index++) {
      if (!this.#active.has(receiverIndex(index))) return receiverIndex(index);
    }
    return undefined;
  }

  /** A receiver whose server has nothing to give now, or every so often the slowest one's. */
  #vacate(nowMs: number): ReceiverIndex | undefined {
    for (const active of this.#active.values()) {
      if (!this.#isHolder(active.server)) return this.#dismiss(active, "standby");
    }
    if (nowMs - this.#swappedMs < SWAP_INTERVAL_MS) return undefined;
    let slowest: ActiveReceiver | undefined;
    for (const active of this.#active.values()) {
      if (nowMs - active.sinceMs < SWAP_INTERVAL_MS) continue;
      if (slowest === undefined || active.rateBytesPerS < slowest.rateBytesPerS) slowest = active;
    }
    if (slowest === undefined) return undefined;
    this.#swappedMs = nowMs;
    // It stands by for as long as the others get their turn.
    slowest.server.rest(nowMs, SWAP_INTERVAL_MS);
    return this.#dismiss(slowest, "standby");
  }

  #assign(nowMs: number, receiver: ReceiverIndex, server: KnownServer): void {
    const { path } = server;
    this.#active.set(receiver, new ActiveReceiver(nowMs, receiver, server));
    this.#actions.push({ kind: "assign", receiver, server: server.id, path });
    this.#actions.push({ kind: "server", server: server.id, state: "active" });
    this.#divide();
  }

  #dismiss(active: ActiveReceiver, state: "standby" | "silent" | "dropped"): ReceiverIndex {
    this.#takeBack(active, () => true);
    this.#active.delete(active.index);
    this.#actions.push({ kind: "release", receiver: active.index });
    this.#actions.push({ kind: "server", server: active.server.id, state });
    this.#divide();
    return active.index;
  }

  /** One window, one set of buffers and one rate for the whole client. */
  #divide(): void {
    const count = Math.max(1, this.#active.size);
    for (const receiver of this.#active.keys()) {
      this.#actions.push({
        kind: "allot",
        receiver,
        windowBytesMax: CLIENT_WINDOW_BYTES_MAX / count,
        bufferBytesMax: Math.min(CHUNK_BUFFER_BYTES_MAX / count, RECEIVER_BUFFER_BYTES_MAX),
        rateBytesPerS: this.#options.rateBytesPerS / count,
      });
    }
  }

  // — What receivers say ————————————————————————————————————————————————————————————————————————

  #onReport(nowMs: number, receiver: ReceiverIndex, report: Report): void {
    const server = this.#servers.get(report.server);
    if (server === undefined) return;
    for (const count of report.verified) this.#onVerified(nowMs, receiver, server, count);
    for (const bad of report.bad) this.#onBad(receiver, server, bad);
    const active = this.#active.get(receiver);
    this.#countRetransmits(server, active, report);
    if (active?.server !== server) return;
    active.onReport(nowMs, report);
    if (server.isDropped) this.#drop(active);
  }

  /** A server that gave too many bad chunks is not asked again. */
  #drop(active: ActiveReceiver): void {
    this.#dismiss(active, "dropped");
    for (const transfer of this.#transfers.values()) this.#removeHolder(transfer, active.server);
  }

  /** Retransmits are counted a flow; they go to the transfer that the flow worked for. */
  #countRetransmits(server: KnownServer, active: ActiveReceiver | undefined, report: Report): void {
    let id = report.verified[0]?.transfer;
    for (const lease of active?.leased ?? []) id ??= lease.transfer.id;
    if (id !== undefined) server.tallyOf(id).retransmits += report.retransmits;
  }

  #onVerified(
    nowMs: number,
    receiver: ReceiverIndex,
    server: KnownServer,
    { transfer: id, chunk, bytes }: ChunkCount,
  ): void {
    this.#active.get(receiver)?.unlease(id, chunk);
    const transfer = this.#transfers.get(id);
    const others = transfer?.leases.verify(chunk, receiver);
    if (transfer === undefined || others === undefined) return;
    transfer.progressMs = nowMs;
    server.onVerified(id, bytes);
    if (transfer.leases.isComplete) this.#actions.push({ kind: "complete", transfer: id });
    for (const other of others) {
      this.#active.get(other)?.unlease(id, chunk);
      this.#actions.push({ kind: "revoke", receiver: other, transfer: id, chunks: [chunk] });
    }
  }

  #onBad(receiver: ReceiverIndex, server: KnownServer, bad: Report["bad"][number]): void {
    const { transfer: id, chunk, isStrike } = bad;
    this.#active.get(receiver)?.unlease(id, chunk);
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    transfer.leases.giveBack(chunk, receiver);
    server.onBad(id, isStrike);
    if (isStrike) transfer.noteBad(chunk, server.id);
  }

  #onGone({ receiver, server: id, transfer: transferId }: GoneEvent): void {
    const server = this.#servers.get(id);
    const transfer = this.#transfers.get(transferId);
    if (server === undefined || transfer === undefined) return;
    const active = this.#active.get(receiver);
    // The receiver has dropped its leases of this transfer itself.
    if (active?.server === server) this.#takeBack(active, (each) => each === transfer);
    this.#removeHolder(transfer, server);
  }

  #removeHolder(transfer: TransferState, server: KnownServer): void {
    if (!transfer.holders.delete(server.id)) return;
    if (transfer.holders.size > 0 || transfer.leases.isComplete) return;
    this.#actions.push({ kind: "orphaned", transfer: transfer.id });
  }

  // — Silence ———————————————————————————————————————————————————————————————————————————————————

  #watch(nowMs: number): void {
    for (const active of [...this.#active.values()]) {
      if (!active.isStalled(nowMs)) continue;
      this.#shareStalled(active);
      if (active.silentMs(nowMs) >= SERVER_SILENT_MS) this.#onSilent(nowMs, active);
    }
    for (const transfer of this.#transfers.values()) {
      if (transfer.leases.isComplete) continue;
      if (nowMs < transfer.progressMs + this.#options.timeoutMs) continue;
      transfer.progressMs = nowMs;
      this.#actions.push({ kind: "stalled", transfer: transfer.id });
    }
  }

  /** The leases of a receiver that hears nothing go to others, where there are others. */
  #shareStalled(active: ActiveReceiver): void {
    this.#takeBack(active, (transfer) => {
      for (const other of this.#active.values()) {
        if (other === active || !transfer.holders.has(other.server.id)) continue;
        if (other.isHeard) return active.isSuspect = true;
      }
      return false;
    });
  }

  /** Another address of the server, if it has one; else a rest, if others can use the receiver. */
  #onSilent(nowMs: number, active: ActiveReceiver): void {
    const { server } = active;
    active.forgiveSilence(nowMs);
    this.#actions.push({ kind: "server", server: server.id, state: "silent" });
    if (server.turnToNextPath()) {
      const { path } = server;
      this.#actions.push({ kind: "path", receiver: active.index, server: server.id, path });
    }
    if (this.#active.size > 1) {
      server.restFromSilence(nowMs);
      this.#dismiss(active, "silent");
    }
  }

  /** Frees what `active` has leased of the transfers that `isMeant`. */
  #takeBack(active: ActiveReceiver, isMeant: (transfer: TransferState) => boolean): void {
    const byTransfer = new Map<TransferState, number[]>();
    for (const { transfer, chunk } of active.leased) {
      if (!isMeant(transfer)) continue;
      const chunks = byTransfer.get(transfer) ?? [];
      chunks.push(chunk);
      byTransfer.set(transfer, chunks);
    }
    for (const [transfer, chunks] of byTransfer) {
      for (const chunk of chunks) {
        active.unlease(transfer.id, chunk);
        transfer.leases.giveBack(chunk, active.index);
      }
      const { index: receiver } = active;
      this.#actions.push({ kind: "revoke", receiver, transfer: transfer.id, chunks });
    }
  }

  // — Leasing ———————————————————————————————————————————————————————————————————————————————————

  #topUp(nowMs: number, active: ActiveReceiver): void {
    // Whoever hears nothing gets nothing more.
    if (active.isStalled(nowMs)) return;
    const { server } = active;
    for (const transfer of this.#transfers.values()) {
      if (!transfer.holders.has(server.id)) continue;
      const chunks: number[] = [];
      while (active.wantsMore(transfer.sizeBytes)) {
        const mayTake = (each: number): boolean => transfer.mayFetch(each, server.id);
        const chunk = transfer.leases.takeFree(active.index, mayTake);
        if (chunk === undefined) break;
        chunks.push(chunk);
        active.lease(transfer, chunk);
      }
      if (chunks.length > 0) this.#sendLease(active, transfer.leaseOf(chunks));
    }
    if (active.isIdle) this.#doubleUp(active);
  }

  #sendLease(active: ActiveReceiver, lease: Lease): void {
    this.#actions.push({ kind: "lease", receiver: active.index, lease });
  }

  /**
   * The endgame: nothing is free, so an idle receiver takes a second copy of the lease that would
   * end last, if it should end sooner that way.
   */
  #doubleUp(idle: ActiveReceiver): void {
    if (idle.rateBytesPerS === 0) return;
    let latest: LeasedChunk | undefined;
    let latestEndS = 0;
    for (const other of this.#active.values()) {
      if (other === idle) continue;
      let aheadBytes = 0;
      for (const lease of other.leased) {
        aheadBytes += lease.lengthBytes;
        const endS = other.secondsFor(aheadBytes);
        if (endS <= latestEndS || !this.#mayDouble(lease, idle)) continue;
        latest = lease;
        latestEndS = endS;
      }
    }
    if (latest === undefined || idle.secondsToFetch(latest.lengthBytes) >= latestEndS) return;
    const { transfer, chunk } = latest;
    transfer.leases.double(chunk, idle.index);
    idle.lease(transfer, chunk);
    this.#sendLease(idle, transfer.leaseOf([chunk]));
  }

  #mayDouble({ transfer, chunk }: LeasedChunk, idle: ActiveReceiver): boolean {
    return transfer.holders.has(idle.server.id) && transfer.leases.freeCount === 0 &&
      transfer.leases.owners(chunk).length === 1 && transfer.mayFetch(chunk, idle.server.id);
  }
}
