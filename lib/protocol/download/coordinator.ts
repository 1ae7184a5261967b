/**
 * The client's scheduler: which sources are at work, and which chunks each of them fetches
 * (docs/PROTOCOL.md, "Leases"). It knows no sockets and no bytes, only counts: it is told who provides
 * what and what each source brought, and says what each source should do next.
 *
 * Whatever a source does (dies, stalls, lies, comes back), the chunks that it was to bring go to
 * another; a transfer ends when all its chunks are verified, or when its caller gives up on it after
 * a `stalled`.
 */
import type { ServerId, SourceId, TransferId } from "../../ids.ts";
import { LEASE_STALL_MS_MIN, SWAP_INTERVAL_MS } from "./limits.ts";
import { ActiveSource, type Lane, lanesOf } from "./active_source.ts";
import { leaseToDouble, nextHelpMs } from "./endgame.ts";
import type { CoordinatorAction, CoordinatorEvent, SourceState } from "./coordinator_messages.ts";
import { type KnownServer, KnownServers, type ServerTally } from "./known_server.ts";
import { KnownSource } from "./known_source.ts";
import type { LeaseView } from "./lease_table.ts";
import { PathPlan } from "./path_plan.ts";
import type { ChunkCount, Report } from "./receiver_report.ts";
import { allotments, byTurn, hasFailedTrial, isDivided, mayTry } from "./source_trials.ts";
import * as takers from "./takers_at_work.ts";
import { bytesLeftFor, isOfUseTo, pushedBy, TransferState } from "./transfer_state.ts";

type Provided = Extract<CoordinatorEvent, { kind: "provider" }>;
type GoneEvent = Extract<CoordinatorEvent, { kind: "gone" }>;

interface CoordinatorOptions {
  readonly timeoutMs: number;
  /** `--rate`, for all sources together; 0 for none. */
  readonly rateBytesPerS: number;
  /** Of chances; drawn where any are needed. */
  readonly seed?: () => number;
}

export class Coordinator {
  readonly #options: CoordinatorOptions;
  readonly #transfers = new Map<TransferId, TransferState>();
  readonly #servers = new KnownServers();
  readonly #sources = new Map<SourceId, KnownSource>();
  readonly #active = new Map<SourceId, ActiveSource>();
  readonly #paths = new PathPlan();
  #actions: CoordinatorAction[] = [];
  #swappedMs = 0;
  /** Whether shares were divided between those who bring chunks and those on trial. */
  #isDivided = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
  }

  handle(nowMs: number, event: CoordinatorEvent): readonly CoordinatorAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "transfer":
        this.#transfers.set(event.transfer, new TransferState(nowMs, event, this.#options.seed));
        break;
      case "forget":
        this.#forget(event.transfer);
        break;
      case "provider":
        this.#addProvider(event);
        break;
      case "report":
        this.#onReport(nowMs, event.report);
        break;
      case "gone":
        this.#onGone(event);
        break;
      case "unproved":
        this.#onUnproved(nowMs, event.transfer, event.chunks);
        break;
      case "window":
        this.#transfers.get(event.transfer)?.openWindow(nowMs, event.endChunk);
        break;
      case "crowd":
        this.#transfers.get(event.transfer)?.onCrowd(event);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    this.#watch(nowMs);
    this.#restPaths(nowMs);
    this.#staff(nowMs);
    // What was taken from who hears nothing goes to others first, or it would have it again at once.
    for (const active of this.#active.values()) if (!active.isSuspect) this.#topUp(nowMs, active);
    for (const active of this.#active.values()) if (active.isSuspect) this.#topUp(nowMs, active);
    if (isDivided([...this.#active.values()]) !== this.#isDivided) this.#divide();
    return this.#actions;
  }

  nextWakeupMs(nowMs: number): number {
    if (this.#transfers.size === 0) return Infinity;
    let nextMs = nowMs + LEASE_STALL_MS_MIN / 2;
    for (const transfer of this.#transfers.values()) {
      nextMs = Math.min(nextMs, transfer.stallMs(this.#options.timeoutMs));
    }
    return Math.min(nextMs, nextHelpMs(nowMs, this.#active.values()));
  }

  /** Whether every chunk of a transfer is verified; true of one that is not known. */
  isComplete(transfer: TransferId): boolean {
    return this.#transfers.get(transfer)?.leases.isComplete ?? true;
  }

  /** What each server gave to one transfer. */
  tallies(transfer: TransferId): ReadonlyMap<ServerId, ServerTally> {
    return this.#servers.tallies(transfer);
  }

  /** Who has what of a transfer leased, for whoever watches. */
  leasesOf(transfer: TransferId): LeaseView | undefined {
    return this.#transfers.get(transfer)?.leases;
  }

  /** Whether a source has brought a whole chunk so far. */
  hasBrought(source: SourceId): boolean {
    return this.#paths.of(source).some((path) => this.#sources.get(path)?.hasBrought);
  }

  isTaker(source: SourceId): boolean {
    return this.#sources.get(source)?.isTaker === true;
  }

  /** The source that this is a path of. */
  wholeOf(source: SourceId): SourceId {
    return this.#sources.get(source)?.whole ?? source;
  }

  /** Whose chunks a source brings. */
  serverOf(source: SourceId): ServerId | undefined {
    return this.#sources.get(source)?.server.id;
  }

  /** The servers that bring chunks now, and what each gives, in bytes per second. */
  lanes(): readonly Lane[] {
    return lanesOf(this.#active.values());
  }

  // — Transfers and servers —————————————————————————————————————————————————————————————————————

  #forget(id: TransferId): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    for (const active of this.#active.values()) this.#release(active, (each) => each === transfer);
    this.#transfers.delete(id);
    this.#servers.forget(id);
  }

  #addProvider(event: Provided): void {
    const { source, server: serverId, party, routes, mode = "pull", isTaker } = event;
    const server = this.#servers.of(serverId, party);
    const paths = mode === "push" ? [{ id: source, routes }] : this.#paths.split(source, routes);
    for (const { id, routes } of paths) {
      const known = this.#sources.get(id);
      const path = known ?? new KnownSource(id, source, server, mode, routes, isTaker);
      this.#sources.set(id, path);
      if (server.isDropped) return;
      // That a taker says what it has does not make up for what it did not bring.
      if (known === undefined || !isTaker) path.onAnswered(routes);
      this.#provide(path, event);
    }
  }

  #provide(source: KnownSource, { transfer: to, holds }: Provided): void {
    const transfer = this.#transfers.get(to);
    if (transfer === undefined) return;
    const isNew = !transfer.isProvider(source.id);
    transfer.addProvider(source, holds);
    const active = this.#active.get(source.id);
    // What was said before is known: only a provider that is new here lacks it.
    if (source.mode === "push" && isNew && active !== undefined) {
      this.#sendLease(active, transfer, transfer.missing());
    }
  }

  #onUnproved(nowMs: number, id: TransferId, chunks: readonly number[]): void {
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    transfer.onUnproved(nowMs);
    const missing = chunks.filter((chunk) => transfer.leases.unverify(chunk));
    for (const pusher of this.#pushersOf(transfer)) this.#sendLease(pusher, transfer, missing);
  }

  /** Whether it holds a content of which not all is there, and of which `isMeant`. */
  #isProvider(source: KnownSource, isMeant: (leases: LeaseView) => boolean = () => true): boolean {
    for (const transfer of this.#transfers.values()) {
      const { leases } = transfer;
      if (transfer.isProvider(source.id) && !leases.isComplete && isMeant(leases)) return true;
    }
    return false;
  }

  /** What a taker has may be here already. */
  #isOfUse(source: KnownSource): boolean {
    if (!source.isTaker) return this.#isProvider(source);
    return isOfUseTo(source.id, [...this.#transfers.values()]);
  }

  // — Staffing ——————————————————————————————————————————————————————————————————————————————————

  /** Puts sources that can help to work, as far as there is room. */
  #staff(nowMs: number): void {
    const transfers = [...this.#transfers.values()];
    const standby: KnownSource[] = [];
    for (const source of this.#sources.values()) {
      if (!source.mayWork(nowMs) || this.#active.has(source.id)) continue;
      if (this.#isOfUse(source)) standby.push(source);
    }
    for (const source of standby.sort(byTurn)) {
      const { id, whole, mode, server } = source;
      const hasWork = (): boolean => this.#isProvider(source, ({ freeCount }) => freeCount > 0);
      const rules = { hasWork, isOfUse: (each: SourceId) => isOfUseTo(each, transfers) };
      if (mode === "pull" && !mayTry(nowMs, server, this.#pulling(), rules)) continue;
      const beside = this.#pathsAtWork(whole);
      if (!this.#paths.mayStart(nowMs, whole, beside, bytesLeftFor(id, transfers))) {
        continue;
      }
      const isFull = takers.isFullFor(source, [...this.#active.values()]);
      if (isFull && (beside.length > 0 || !this.#makeRoom(nowMs, source))) continue;
      this.#assign(nowMs, source);
      this.#paths.started(whole, id, beside);
    }
  }

  #pathsAtWork(whole: SourceId): readonly ActiveSource[] {
    return [...this.#active.values()].filter(({ source }) => source.whole === whole);
  }

  /** Paths that turned out to be of no use beside others of their server rest. */
  #restPaths(nowMs: number): void {
    for (const whole of new Set([...this.#active.values()].map(({ source }) => source.whole))) {
      const resting = this.#paths.toRest(nowMs, whole, this.#pathsAtWork(whole));
      const active = resting && this.#active.get(resting.id);
      if (active === undefined) continue;
      active.source.rest(nowMs, resting!.restMs);
      this.#dismiss(active, "standby");
    }
  }

  #makeRoom(nowMs: number, source: KnownSource): boolean {
    const maySwap = nowMs - this.#swappedMs >= SWAP_INTERVAL_MS;
    const rules = { maySwap, isOfUse: (each: KnownSource) => this.#isOfUse(each) };
    const leaving = takers.whoMakesRoom(nowMs, source, [...this.#active.values()], rules);
    if (leaving === undefined) return false;
    const { active, why } = leaving;
    if (why === "silent") active.source.restFromSilence(nowMs);
    // It stands by for as long as the others get their turn.
    if (why === "crowded" || why === "swapped") active.source.rest(nowMs, SWAP_INTERVAL_MS);
    if (why === "swapped") this.#swappedMs = nowMs;
    return this.#dismiss(active, why === "silent" ? "silent" : "standby");
  }

  #assign(nowMs: number, source: KnownSource): void {
    source.onAssigned(nowMs);
    const active = new ActiveSource(nowMs, source);
    this.#active.set(source.id, active);
    this.#actions.push({ kind: "assign", source: source.id, route: source.route });
    this.#tellState(source, "active");
    this.#divide();
    if (source.mode === "pull") return;
    for (const transfer of this.#transfers.values()) {
      if (transfer.isProvider(source.id)) this.#sendLease(active, transfer, transfer.missing());
    }
  }

  #dismiss(active: ActiveSource, state: "standby" | "silent" | "dropped"): true {
    this.#release(active, () => true);
    this.#active.delete(active.id);
    this.#actions.push({ kind: "release", source: active.id });
    this.#tellState(active.source, state);
    this.#divide();
    return true;
  }

  #pulling(): readonly ActiveSource[] {
    return [...this.#active.values()].filter(({ isPushing }) => !isPushing);
  }

  /** The sources at work that may bring chunks of this transfer unasked. */
  #pushersOf(transfer: TransferState): readonly ActiveSource[] {
    return [...this.#active.values()].filter(({ id, isPushing }) =>
      isPushing && transfer.isProvider(id)
    );
  }

  /** What becomes of a path is nobody's business while another one of the server brings something. */
  #tellState({ id, whole, server }: KnownSource, state: SourceState): void {
    const isReached = this.#pathsAtWork(whole).some((each) => each.id !== id && each.isHeard);
    if (isReached && state !== "dropped") return;
    this.#actions.push({ kind: "server", server: server.id, source: whole, state });
  }

  #divide(): void {
    this.#isDivided = isDivided([...this.#active.values()]);
    this.#actions.push(...allotments([...this.#active.values()], this.#options.rateBytesPerS));
  }

  // — What sources report ———————————————————————————————————————————————————————————————————————

  #onReport(nowMs: number, report: Report): void {
    const source = this.#sources.get(report.source);
    if (source === undefined) return;
    const wasDropped = source.server.isDropped;
    this.#active.get(source.id)?.onBytes(nowMs, report.receivedBytes, this.#transfers.values());
    for (const count of report.verified) this.#onVerified(nowMs, source, count);
    for (const bad of report.bad) this.#onBad(source, bad);
    // A report may cross the release of its source on the way.
    const active = this.#active.get(source.id);
    if (report.verified.length > 0) source.hasBrought = true;
    this.#countRetransmits(source.server, active, report);
    const wasOnTrial = active?.isOnTrial;
    active?.onReport(nowMs, report);
    if (active?.isOnTrial !== wasOnTrial) this.#divide();
    if (source.server.isDropped && !wasDropped) this.#drop(source);
  }

  /** A server that gave too many bad chunks is not asked again, by whatever route. */
  #drop(caught: KnownSource): void {
    for (const source of this.#sources.values()) {
      if (source.server !== caught.server) continue;
      const active = this.#active.get(source.id);
      if (active !== undefined) this.#dismiss(active, "dropped");
      else if (source === caught) this.#tellState(source, "dropped");
      for (const transfer of this.#transfers.values()) this.#removeProvider(transfer, source.id);
    }
  }

  /** Retransmits are counted per source; they go to the transfer that it worked for. */
  #countRetransmits(server: KnownServer, active: ActiveSource | undefined, report: Report): void {
    const id = report.verified[0]?.transfer ?? [...active?.leased ?? []][0]?.transfer.id;
    if (id !== undefined) server.tallyOf(id).retransmits += report.retransmits;
  }

  #onVerified(nowMs: number, source: KnownSource, count: ChunkCount): void {
    const { transfer: id, chunk, bytes, savedBytes = 0 } = count;
    this.#active.get(source.id)?.unlease(id, chunk);
    const transfer = this.#transfers.get(id);
    const others = transfer?.leases.verify(chunk, source.id);
    if (transfer === undefined || others === undefined) return;
    transfer.onVerified(nowMs);
    source.onVerified();
    source.server.onVerified(id, bytes, savedBytes);
    if (transfer.leases.isComplete) this.#actions.push({ kind: "complete", transfer: id });
    for (const other of others) this.#active.get(other)?.unlease(id, chunk);
    const pushers = this.#pushersOf(transfer).map((pusher) => pusher.id);
    for (const other of [...others, ...pushers.filter((pusher) => pusher !== source.id)]) {
      this.#actions.push({ kind: "revoke", source: other, transfer: id, chunks: [chunk] });
    }
  }

  #onBad(source: KnownSource, bad: Report["bad"][number]): void {
    const { transfer: id, chunk, isIntegrityFailure } = bad;
    this.#active.get(source.id)?.unlease(id, chunk);
    const transfer = this.#transfers.get(id);
    if (transfer === undefined) return;
    transfer.leases.giveBack(chunk, source.id);
    source.server.onBad(id, isIntegrityFailure);
    if (isIntegrityFailure) transfer.noteBad(chunk, source.server.id);
    const active = this.#active.get(source.id);
    // A copy that was pushed is over for its source; the next one may be good.
    if (active?.isPushing && !transfer.leases.isVerified(chunk)) {
      this.#sendLease(active, transfer, [chunk]);
    }
  }

  #onGone({ source, transfer: transferId, chunk }: GoneEvent): void {
    const transfer = this.#transfers.get(transferId);
    if (transfer === undefined) return;
    if (chunk !== undefined) return this.#onChunkGone(transfer, source, chunk);
    for (const path of this.#paths.of(this.wholeOf(source))) {
      const active = this.#active.get(path);
      // The source has dropped its leases of this transfer itself.
      if (active !== undefined) this.#release(active, (each) => each === transfer);
      this.#removeProvider(transfer, path);
    }
  }

  /** The folder is not what it was; the rest of it may well be. */
  #onChunkGone(transfer: TransferState, source: SourceId, chunk: number): void {
    this.#active.get(source)?.unlease(transfer.id, chunk);
    transfer.leases.giveBack(chunk, source);
    for (const path of this.#paths.of(this.wholeOf(source))) transfer.withdraw(path, chunk);
    if (transfer.leases.isVerified(chunk) || transfer.isProvided(chunk)) return;
    transfer.leases.verify(chunk, source);
    this.#actions.push({ kind: "unobtainable", transfer: transfer.id, chunk });
    if (transfer.leases.isComplete) this.#actions.push({ kind: "complete", transfer: transfer.id });
  }

  /** What the last provider lacked cannot come any more; a subset that may yet grow is a provider. */
  #removeProvider(transfer: TransferState, source: SourceId): void {
    if (!transfer.removeProvider(source)) return;
    if (transfer.isOrphaned) this.#actions.push({ kind: "orphaned", transfer: transfer.id });
  }

  // — Silence ———————————————————————————————————————————————————————————————————————————————————

  #watch(nowMs: number): void {
    for (const active of [...this.#active.values()]) {
      if (hasFailedTrial(nowMs, active, this.#pulling())) {
        this.#onSilent(nowMs, active);
        continue;
      }
      if (!active.isStalled(nowMs)) continue;
      const wasOnTrial = active.isOnTrial;
      this.#shareStalled(active);
      if (active.isOnTrial !== wasOnTrial) this.#divide();
      if (takers.hasFallenSilent(nowMs, active)) this.#onSilent(nowMs, active);
    }
    for (const transfer of this.#transfers.values()) {
      const inARow = transfer.stalled(nowMs, this.#options.timeoutMs) ?? 0;
      if (inARow > 0) this.#actions.push({ kind: "stalled", transfer: transfer.id, inARow });
    }
  }

  /** The leases of a source that brings nothing go to others, where there are others. */
  #shareStalled(active: ActiveSource): void {
    this.#release(active, (transfer) => {
      for (const other of this.#pulling()) {
        if (other === active || !transfer.isProvider(other.id)) continue;
        if (other.isHeard) return active.isSuspect = true;
      }
      return false;
    });
  }

  /** Another route to it, if there is one; else a rest, if others can make use of its place. */
  #onSilent(nowMs: number, active: ActiveSource): void {
    const { source } = active;
    active.forgiveSilence(nowMs);
    this.#tellState(source, "silent");
    if (source.turnToNextRoute()) {
      this.#actions.push({ kind: "reroute", source: source.id, route: source.route });
    }
    if (takers.mayRest(active, this.#pulling())) {
      source.restFromSilence(nowMs);
      this.#dismiss(active, "silent");
    }
  }

  /** Releases what `active` has leased of the transfers that `isMeant`: all that is missing if it pushes. */
  #release(active: ActiveSource, isMeant: (transfer: TransferState) => boolean): void {
    const { id: source, isPushing } = active;
    const leased = isPushing
      ? pushedBy(source, this.#transfers.values(), isMeant)
      : active.leasedOf(isMeant);
    for (const [transfer, chunks] of leased) {
      for (const chunk of isPushing ? [] : chunks) {
        active.unlease(transfer.id, chunk);
        transfer.leases.giveBack(chunk, source);
      }
      if (chunks.length === 0) continue;
      this.#actions.push({ kind: "revoke", source, transfer: transfer.id, chunks });
    }
  }

  // — Leasing ———————————————————————————————————————————————————————————————————————————————————

  #topUp(nowMs: number, active: ActiveSource): void {
    // What brings nothing gets nothing more.
    if (active.isPushing || active.isStalled(nowMs)) return;
    const mayRepeat = takers.doTakersBringLess(nowMs, active, this.#active.values());
    for (const transfer of this.#transfers.values()) {
      if (!transfer.isProvider(active.id)) continue;
      const chunks: number[] = [];
      while (active.wantsMore(transfer)) {
        const chunk = transfer.takeFree(active.id, mayRepeat);
        if (chunk === undefined) break;
        chunks.push(chunk);
        active.lease(nowMs, transfer, chunk);
      }
      this.#sendLease(active, transfer, chunks);
    }
    if (active.isIdle) this.#doubleUp(nowMs, active);
  }

  #sendLease(
    { id: source }: ActiveSource,
    transfer: TransferState,
    chunks: readonly number[],
  ): void {
    if (chunks.length === 0) return;
    this.#actions.push({ kind: "lease", source, lease: transfer.leaseOf(chunks) });
  }

  /** The endgame: an idle source takes a second copy of the lease that would end last. */
  #doubleUp(nowMs: number, idle: ActiveSource): void {
    const doubled = leaseToDouble(nowMs, idle, this.#pulling());
    if (doubled === undefined) return;
    const { transfer, chunk } = doubled;
    transfer.leases.double(chunk, idle.id);
    idle.lease(nowMs, transfer, chunk);
    this.#sendLease(idle, transfer, [chunk]);
  }
}
