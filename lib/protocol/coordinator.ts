/**
 * The client's scheduler: which servers work, and which chunks each of them fetches
 * (docs/PROTOCOL.md, "Leases"). It knows no sockets and no bytes, only counts: it is told who holds
 * what and what each receiver did, and says what each receiver should do next.
 *
 * Whatever a server does (dies, stalls, lies, comes back), the chunks that it was to bring go to
 * another; a transfer ends when all its chunks are verified, or when its caller gives up on it after
 * a `stalled`.
 */
import type { Bytes, ReceiverIndex, ServerId, TransferId } from "../ids.ts";
import {
  CHUNK_BUFFER_BYTES_MAX,
  CLIENT_WINDOW_BYTES_MAX,
  LEASE_MS,
  LEASE_STALL_MS_MIN,
  LEASE_STALL_RTTS,
  RECEIVERS_MAX,
  SERVER_SILENT_MS,
  STRIKES_MAX,
  SWAP_INTERVAL_MS,
} from "../limits.ts";
import { LeaseTable } from "./lease_table.ts";
import { chunkBytesFor, chunkCountFor, chunkLength } from "./merkle.ts";
import { hashesOf, type Lease } from "./fetch_list.ts";
import type { Assignment, ChunkCount, Report } from "./receiver.ts";

/** A way to a server that has answered a request with a token. */
export type Path = Omit<Assignment, "nonce" | "server">;

export type CoordinatorEvent =
  /** A file to be fetched; `isVerified` tells what an earlier run has. */
  | {
    readonly kind: "transfer";
    readonly transfer: TransferId;
    readonly root: Lease["root"];
    readonly sizeBytes: number;
    readonly layer: Bytes;
    readonly isVerified: (chunk: number) => boolean;
  }
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
  /** Nothing verified for this transfer in a whole timeout. */
  | { readonly kind: "stalled"; readonly transfer: TransferId }
  /** Nobody that we know holds this transfer's content any more. */
  | { readonly kind: "orphaned"; readonly transfer: TransferId };

interface Transfer {
  readonly id: TransferId;
  readonly root: Lease["root"];
  readonly sizeBytes: number;
  readonly layer: Bytes;
  readonly leases: LeaseTable;
  readonly holders: Set<ServerId>;
  /** Servers that gave a bad copy of a chunk: others are asked for it where there are any. */
  readonly badFrom: Map<number, Set<ServerId>>;
  progressMs: number;
}

/** What a server has given, for the summary and for choosing. */
export interface ServerTally {
  bytes: number;
  chunks: number;
  badChunks: number;
  retransmits: number;
}

interface KnownServer {
  readonly id: ServerId;
  paths: readonly Path[];
  pathIndex: number;
  strikes: number;
  isDropped: boolean;
  /** Until when it is left alone because it was silent, and how often in a row it was. */
  restUntilMs: number;
  silences: number;
  readonly tallies: Map<TransferId, ServerTally>;
}

interface Leased {
  readonly transfer: Transfer;
  readonly chunk: number;
  readonly lengthBytes: number;
}

/** One receiver worker and what it has to do. */
interface Active {
  readonly receiver: ReceiverIndex;
  readonly server: KnownServer;
  /** In the order in which they were given. */
  readonly leased: Map<string, Leased>;
  leasedBytes: number;
  /** How many chunks it may have leased while its rate is unknown: doubles with each report. */
  startChunks: number;
  rateBytesPerS: number;
  rttMs: number;
  silentMs: number;
  /** When something was last heard of it; the clock of silence runs from here. */
  aliveMs: number;
  sinceMs: number;
}

export interface CoordinatorOptions {
  readonly timeoutMs: number;
  /** `--rate`, for all receivers together; 0 for none. */
  readonly rateBytesPerS: number;
}

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #transfers = new Map<TransferId, Transfer>();
  readonly #servers = new Map<ServerId, KnownServer>();
  readonly #active = new Map<ReceiverIndex, Active>();
  #actions: CoordinatorAction[] = [];
  #swappedMs = 0;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  handle(nowMs: number, event: CoordinatorEvent): readonly CoordinatorAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "transfer":
        this.#addTransfer(nowMs, event);
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
        for (const chunk of event.chunks) {
          this.#transfers.get(event.transfer)?.leases.unverify(chunk);
        }
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    this.#watch(nowMs);
    this.#staff(nowMs);
    for (const active of this.#active.values()) this.#topUp(active, nowMs);
    return this.#actions;
  }

  nextWakeupMs(nowMs: number): number {
    if (this.#transfers.size === 0) return Infinity;
    let nextMs = nowMs + LEASE_STALL_MS_MIN / 2;
    for (const transfer of this.#transfers.values()) {
      nextMs = Math.min(nextMs, transfer.progressMs + this.#options.timeoutMs);
    }
    return nextMs;
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

  #addTransfer(nowMs: number, event: Extract<CoordinatorEvent, { kind: "transfer" }>): void {
    this.#transfers.set(event.transfer, {
      id: event.transfer,
      root: event.root,
      sizeBytes: event.sizeBytes,
      layer: event.layer,
      leases: new LeaseTable(chunkCountFor(event.sizeBytes), event.isVerified),
      holders: new Set(),
      badFrom: new Map(),
      progressMs: nowMs,
    });
  }

  #forget(id: TransferId): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    for (const active of this.#active.values()) this.#takeBack(active, (each) => each === transfer);
    this.#transfers.delete(id);
    for (const server of this.#servers.values()) server.tallies.delete(id);
  }

  #addHolder(event: Extract<CoordinatorEvent, { kind: "holder" }>): void {
    let server = this.#servers.get(event.server);
    if (server === undefined) {
      server = {
        id: event.server,
        paths: event.paths,
        pathIndex: 0,
        strikes: 0,
        isDropped: false,
        restUntilMs: 0,
        silences: 0,
        tallies: new Map(),
      };
      this.#servers.set(event.server, server);
    }
    if (server.isDropped) return;
    // It has just answered: whatever was held against its silence is over.
    server.paths = event.paths;
    server.pathIndex = 0;
    server.restUntilMs = 0;
    this.#transfers.get(event.transfer)?.holders.add(event.server);
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
      if (server.isDropped || server.restUntilMs > nowMs || this.#isActive(server)) continue;
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
      if (!this.#active.has(index as ReceiverIndex)) return index as ReceiverIndex;
    }
    return undefined;
  }

  /** A receiver whose server has nothing to give now, or every so often the slowest one's. */
  #vacate(nowMs: number): ReceiverIndex | undefined {
    for (const active of this.#active.values()) {
      if (!this.#isHolder(active.server)) return this.#dismiss(active, "standby");
    }
    if (nowMs - this.#swappedMs < SWAP_INTERVAL_MS) return undefined;
    let slowest: Active | undefined;
    for (const active of this.#active.values()) {
      if (nowMs - active.sinceMs < SWAP_INTERVAL_MS) continue;
      if (slowest === undefined || active.rateBytesPerS < slowest.rateBytesPerS) slowest = active;
    }
    if (slowest === undefined) return undefined;
    this.#swappedMs = nowMs;
    // It stands by for as long as the others get their turn.
    slowest.server.restUntilMs = nowMs + SWAP_INTERVAL_MS;
    return this.#dismiss(slowest, "standby");
  }

  #assign(nowMs: number, receiver: ReceiverIndex, server: KnownServer): void {
    const path = server.paths[server.pathIndex % server.paths.length]!;
    this.#active.set(receiver, {
      receiver,
      server,
      leased: new Map(),
      leasedBytes: 0,
      startChunks: 1,
      rateBytesPerS: 0,
      rttMs: path.rttMs,
      silentMs: 0,
      aliveMs: nowMs,
      sinceMs: nowMs,
    });
    this.#actions.push({ kind: "assign", receiver, server: server.id, path });
    this.#actions.push({ kind: "server", server: server.id, state: "active" });
    this.#divide();
  }

  #dismiss(active: Active, state: "standby" | "silent" | "dropped"): ReceiverIndex {
    this.#takeBack(active, () => true);
    this.#active.delete(active.receiver);
    this.#actions.push({ kind: "release", receiver: active.receiver });
    this.#actions.push({ kind: "server", server: active.server.id, state });
    this.#divide();
    return active.receiver;
  }

  /** One window, one set of buffers and one rate for the whole client. */
  #divide(): void {
    const count = Math.max(1, this.#active.size);
    for (const { receiver } of this.#active.values()) {
      this.#actions.push({
        kind: "allot",
        receiver,
        windowBytesMax: CLIENT_WINDOW_BYTES_MAX / count,
        bufferBytesMax: CHUNK_BUFFER_BYTES_MAX / count,
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
    this.#countRetransmits(server, receiver, report);
    const active = this.#active.get(receiver);
    if (active?.server !== server) return;
    active.rateBytesPerS = report.rateBytesPerS;
    active.rttMs = report.rttMs;
    active.silentMs = report.silentMs;
    if (report.silentMs === 0 || report.receivedBytes > 0) active.aliveMs = nowMs;
    if (report.verified.length > 0) {
      active.startChunks *= 2;
      server.silences = 0;
    }
    if (server.strikes >= STRIKES_MAX) this.#drop(active);
  }

  /** A server that gave too many bad chunks is not asked again. */
  #drop(active: Active): void {
    active.server.isDropped = true;
    this.#dismiss(active, "dropped");
    for (const transfer of this.#transfers.values()) this.#removeHolder(transfer, active.server);
  }

  /** Retransmits are counted a flow; they go to the transfer that the flow worked for. */
  #countRetransmits(server: KnownServer, receiver: ReceiverIndex, report: Report): void {
    const id = report.verified[0]?.transfer ??
      first(this.#active.get(receiver)?.leased)?.transfer.id;
    if (id !== undefined) this.#tally(server, id).retransmits += report.retransmits;
  }

  #onVerified(
    nowMs: number,
    receiver: ReceiverIndex,
    server: KnownServer,
    { transfer: id, chunk, bytes }: ChunkCount,
  ): void {
    this.#unlease(receiver, id, chunk);
    const transfer = this.#transfers.get(id);
    const others = transfer?.leases.verify(chunk, receiver);
    if (transfer === undefined || others === undefined) return;
    transfer.progressMs = nowMs;
    const tally = this.#tally(server, id);
    tally.bytes += bytes;
    tally.chunks += 1;
    for (const other of others) {
      this.#unlease(other, id, chunk);
      this.#actions.push({ kind: "revoke", receiver: other, transfer: id, chunks: [chunk] });
    }
  }

  #onBad(receiver: ReceiverIndex, server: KnownServer, bad: Report["bad"][number]): void {
    const { transfer: id, chunk, isStrike } = bad;
    this.#unlease(receiver, id, chunk);
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    transfer.leases.giveBack(chunk, receiver);
    this.#tally(server, id).badChunks += 1;
    if (!isStrike) return;
    server.strikes += 1;
    const badFrom = transfer.badFrom.get(chunk) ?? new Set();
    transfer.badFrom.set(chunk, badFrom.add(server.id));
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

  #removeHolder(transfer: Transfer, server: KnownServer): void {
    if (!transfer.holders.delete(server.id)) return;
    if (transfer.holders.size > 0 || transfer.leases.isComplete) return;
    this.#actions.push({ kind: "orphaned", transfer: transfer.id });
  }

  #tally(server: KnownServer, id: TransferId): ServerTally {
    let tally = server.tallies.get(id);
    if (tally === undefined) {
      tally = { bytes: 0, chunks: 0, badChunks: 0, retransmits: 0 };
      server.tallies.set(id, tally);
    }
    return tally;
  }

  // — Silence ———————————————————————————————————————————————————————————————————————————————————

  #watch(nowMs: number): void {
    for (const active of [...this.#active.values()]) {
      if (active.leased.size === 0) {
        active.aliveMs = nowMs;
        continue;
      }
      const silentMs = nowMs - active.aliveMs;
      const stallMs = Math.max(LEASE_STALL_MS_MIN, LEASE_STALL_RTTS * active.rttMs);
      if (silentMs < stallMs) continue;
      this.#shareStalled(active);
      if (silentMs >= SERVER_SILENT_MS) this.#onSilent(nowMs, active);
    }
    for (const transfer of this.#transfers.values()) {
      if (transfer.leases.isComplete) continue;
      if (nowMs - transfer.progressMs < this.#options.timeoutMs) continue;
      transfer.progressMs = nowMs;
      this.#actions.push({ kind: "stalled", transfer: transfer.id });
    }
  }

  /** The leases of a receiver that hears nothing go to others, where there are others. */
  #shareStalled(active: Active): void {
    this.#takeBack(active, (transfer) => {
      for (const other of this.#active.values()) {
        if (other === active || !transfer.holders.has(other.server.id)) continue;
        if (other.silentMs < LEASE_STALL_MS_MIN) return true;
      }
      return false;
    });
  }

  /** Another address of the server, if it has one; else a rest, if others can use the receiver. */
  #onSilent(nowMs: number, active: Active): void {
    const { server } = active;
    active.aliveMs = nowMs;
    this.#actions.push({ kind: "server", server: server.id, state: "silent" });
    if (server.paths.length > 1) {
      server.pathIndex += 1;
      const path = server.paths[server.pathIndex % server.paths.length]!;
      this.#actions.push({ kind: "path", receiver: active.receiver, server: server.id, path });
    }
    if (this.#active.size > 1) {
      server.restUntilMs = nowMs + SERVER_SILENT_MS * 2 ** Math.min(server.silences, 4);
      server.silences += 1;
      this.#dismiss(active, "silent");
    }
  }

  /** Frees what `active` has leased of the transfers that `isMeant`. */
  #takeBack(active: Active, isMeant: (transfer: Transfer) => boolean): void {
    const byTransfer = new Map<Transfer, number[]>();
    for (const { transfer, chunk } of active.leased.values()) {
      if (!isMeant(transfer)) continue;
      const chunks = byTransfer.get(transfer) ?? [];
      chunks.push(chunk);
      byTransfer.set(transfer, chunks);
    }
    for (const [transfer, chunks] of byTransfer) {
      for (const chunk of chunks) {
        this.#unlease(active.receiver, transfer.id, chunk);
        transfer.leases.giveBack(chunk, active.receiver);
      }
      this.#actions.push({
        kind: "revoke",
        receiver: active.receiver,
        transfer: transfer.id,
        chunks,
      });
    }
  }

  // — Leasing ———————————————————————————————————————————————————————————————————————————————————

  #topUp(active: Active, nowMs: number): void {
    const stallMs = Math.max(LEASE_STALL_MS_MIN, LEASE_STALL_RTTS * active.rttMs);
    // Whoever hears nothing gets nothing more.
    if (active.leased.size > 0 && nowMs - active.aliveMs >= stallMs) return;
    for (const transfer of this.#transfers.values()) {
      if (!transfer.holders.has(active.server.id)) continue;
      const chunkBytes = chunkBytesFor(transfer.sizeBytes);
      const wantedBytes = active.rateBytesPerS > 0
        ? Math.max(active.rateBytesPerS * LEASE_MS / 1000, chunkBytes)
        : active.startChunks * chunkBytes;
      const chunks: number[] = [];
      while (active.leasedBytes < wantedBytes) {
        const chunk = transfer.leases.takeFree(
          active.receiver,
          (each) => this.#mayFetch(transfer, each, active.server),
        );
        if (chunk === undefined) break;
        chunks.push(chunk);
        this.#lease(active, transfer, chunk);
      }
      this.#sendLease(active, transfer, chunks);
    }
    if (active.leased.size === 0) this.#doubleUp(active);
  }

  /** Whether this server may be asked for a chunk: not while it gave a bad copy and others have one. */
  #mayFetch(transfer: Transfer, chunk: number, server: KnownServer): boolean {
    const bad = transfer.badFrom.get(chunk);
    if (bad === undefined || !bad.has(server.id)) return true;
    for (const holder of transfer.holders) if (!bad.has(holder)) return false;
    return true;
  }

  #lease(active: Active, transfer: Transfer, chunk: number): void {
    const lengthBytes = chunkLength(transfer.sizeBytes, chunk);
    if (active.leased.size === 0) active.silentMs = 0;
    active.leased.set(leaseKey(transfer.id, chunk), { transfer, chunk, lengthBytes });
    active.leasedBytes += lengthBytes;
  }

  #unlease(receiver: ReceiverIndex, id: TransferId, chunk: number): void {
    const active = this.#active.get(receiver);
    const key = leaseKey(id, chunk);
    const lease = active?.leased.get(key);
    if (active === undefined || lease === undefined) return;
    active.leased.delete(key);
    active.leasedBytes -= lease.lengthBytes;
  }

  #sendLease(active: Active, transfer: Transfer, chunks: readonly number[]): void {
    if (chunks.length === 0) return;
    const lease: Lease = {
      transfer: transfer.id,
      root: transfer.root,
      sizeBytes: transfer.sizeBytes,
      chunks,
      hashes: hashesOf(transfer.layer, chunks),
    };
    this.#actions.push({ kind: "lease", receiver: active.receiver, lease });
  }

  /**
   * The endgame: nothing is free, so an idle receiver takes a second copy of the lease that would
   * end last, if it should end sooner that way.
   */
  #doubleUp(idle: Active): void {
    if (idle.rateBytesPerS === 0) return;
    let latest: Leased | undefined;
    let latestEndS = 0;
    for (const other of this.#active.values()) {
      if (other === idle) continue;
      let aheadBytes = 0;
      for (const lease of other.leased.values()) {
        aheadBytes += lease.lengthBytes;
        if (!lease.transfer.holders.has(idle.server.id)) continue;
        if (lease.transfer.leases.freeCount > 0) continue;
        if (lease.transfer.leases.owners(lease.chunk).length > 1) continue;
        if (!this.#mayFetch(lease.transfer, lease.chunk, idle.server)) continue;
        const endS = aheadBytes / Math.max(other.rateBytesPerS, 1) + other.silentMs / 1000;
        if (endS <= latestEndS) continue;
        latest = lease;
        latestEndS = endS;
      }
    }
    if (latest === undefined) return;
    const ownEndS = latest.lengthBytes / idle.rateBytesPerS + idle.rttMs / 1000;
    if (ownEndS >= latestEndS) return;
    latest.transfer.leases.double(latest.chunk, idle.receiver);
    this.#lease(idle, latest.transfer, latest.chunk);
    this.#sendLease(idle, latest.transfer, [latest.chunk]);
  }
}

function leaseKey(transfer: TransferId, chunk: number): string {
  return `${transfer}:${chunk}`;
}

function first<T>(map: ReadonlyMap<string, T> | undefined): T | undefined {
  for (const value of map?.values() ?? []) return value;
  return undefined;
}
