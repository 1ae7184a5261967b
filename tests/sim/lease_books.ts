/**
 * A second set of books about leases: what each receiver of a simulated client was really given, held
 * against the coordinator's own table. No chunk may be forgotten: it is free, leased to one lane (to
 * more near the end, each once), or verified; and whoever the table says fetches it has been told so.
 */
import type { Content, SourceId, TransferId } from "../../lib/ids.ts";
import {
  CHUNK_BUFFER_BYTES_MAX,
  CLIENT_WINDOW_BYTES_MAX,
  RECEIVERS_MAX,
} from "../../lib/protocol/download/limits.ts";
import type { Coordinator } from "../../lib/protocol/download/coordinator.ts";
import type {
  CoordinatorAction,
  CoordinatorEvent,
} from "../../lib/protocol/download/coordinator_messages.ts";
import { chunkCountFor } from "../../lib/protocol/merkle/merkle.ts";
import type { SourceOrder, SourceReply } from "../../lib/messages/chunk_source.ts";

export class LeaseBooks {
  readonly #given = new Map<SourceId, Set<string>>();
  readonly #allotted = new Map<SourceId, { windowBytesMax: number; bufferBytesMax: number }>();
  #transfer: TransferId | undefined;
  #chunkCount = 0;
  #coordinator: Coordinator | undefined;
  readonly #verified = new Set<number>();
  /** Sources at work that push … */
  readonly #pushers = new Set<SourceId>();
  /** … and whether they push what is fetched. */
  readonly #isPushed: (content: Content) => boolean;
  #hasPush = false;

  constructor(isPushed: (content: Content) => boolean) {
    this.#isPushed = isPushed;
  }

  get verifiedCount(): number {
    return this.#verified.size;
  }

  /** Follows everything that this coordinator is told and says. */
  follow(coordinator: Coordinator): void {
    this.#coordinator = coordinator;
    const handle = coordinator.handle.bind(coordinator);
    coordinator.handle = (nowMs, event) => {
      const actions = handle(nowMs, event);
      this.#onCoordinator(event, actions);
      return actions;
    };
  }

  #onCoordinator(event: CoordinatorEvent, actions: readonly CoordinatorAction[]): void {
    switch (event.kind) {
      case "transfer":
        this.#transfer = event.transfer;
        this.#chunkCount = chunkCountFor(event.content.sizeBytes);
        this.#hasPush = this.#isPushed(event.content);
        this.#verified.clear();
        for (let chunk = 0; chunk < this.#chunkCount; chunk++) {
          if (event.isVerified(chunk)) this.#verified.add(chunk);
        }
        break;
      case "forget":
        if (event.transfer === this.#transfer) this.#transfer = undefined;
        break;
      case "report":
        for (const { transfer, chunk } of event.report.verified) {
          if (transfer === this.#transfer) this.#verified.add(chunk);
        }
        break;
      case "unproved":
        if (event.transfer !== this.#transfer) break;
        for (const chunk of event.chunks) this.#verified.delete(chunk);
        break;
      default:
    }
    for (const action of actions) {
      if (action.kind === "allot") this.#allotted.set(action.source, action);
      if (action.kind === "release") {
        this.#allotted.delete(action.source);
        this.#pushers.delete(action.source);
      }
      if (action.kind === "assign" && action.route.kind === "push") {
        this.#pushers.add(action.source);
      }
    }
  }

  /** A source has been handed this. */
  onOrder(order: SourceOrder): void {
    let given = this.#given.get(order.source);
    if (given === undefined) this.#given.set(order.source, given = new Set());
    switch (order.kind) {
      case "assign":
      case "release":
        return given.clear();
      case "lease":
        for (const chunk of order.lease.chunks) given.add(keyOf(order.lease.transfer, chunk));
        return;
      case "revoke":
        for (const chunk of order.chunks) given.delete(keyOf(order.transfer, chunk));
        return;
      default:
    }
  }

  /** A source says this. */
  onReport(reply: Extract<SourceReply, { kind: "report" | "gone" }>): void {
    const given = this.#given.get(reply.kind === "report" ? reply.report.source : reply.source);
    if (given === undefined) return;
    if (reply.kind === "report") {
      const { verified, bad } = reply.report;
      for (const { transfer, chunk } of [...verified, ...bad]) given.delete(keyOf(transfer, chunk));
    } else {
      for (const key of given) if (key.startsWith(`${reply.transfer}:`)) given.delete(key);
    }
  }

  /** @param isQuiet whether no message is on its way between the coordinator and its receivers */
  problem(isQuiet: boolean): string | undefined {
    const problem = this.#allotmentProblem() ?? this.#tableProblem(isQuiet);
    return problem ?? (isQuiet ? this.#pushProblem() : undefined);
  }

  /** Who pushes can prove what is missing, and takes up memory for nothing else. */
  #pushProblem(): string | undefined {
    const transfer = this.#transfer;
    for (const pusher of this.#pushers) {
      const given = this.#given.get(pusher) ?? new Set();
      const missing = new Set<string>();
      for (let chunk = 0; this.#hasPush && chunk < this.#chunkCount; chunk++) {
        if (transfer !== undefined && !this.#verified.has(chunk)) {
          missing.add(keyOf(transfer, chunk));
        }
      }
      if (given.symmetricDifference(missing).size === 0) continue;
      return `${[...missing]} are missing, and ${pusher} knows of ${[...given]}`;
    }
    return undefined;
  }

  #allotmentProblem(): string | undefined {
    let windowBytes = 0;
    let bufferBytes = 0;
    for (const allotted of this.#allotted.values()) {
      windowBytes += allotted.windowBytesMax;
      bufferBytes += allotted.bufferBytesMax;
    }
    if (windowBytes > CLIENT_WINDOW_BYTES_MAX + 1) {
      return `${windowBytes} bytes of window given out`;
    }
    if (bufferBytes > CHUNK_BUFFER_BYTES_MAX + 1) {
      return `${bufferBytes} bytes of buffers given out`;
    }
    return undefined;
  }

  #tableProblem(isQuiet: boolean): string | undefined {
    const transfer = this.#transfer;
    const table = transfer && this.#coordinator?.leasesOf(transfer);
    if (transfer === undefined || table === undefined) return undefined;
    let leasedCount = 0;
    for (let chunk = 0; chunk < this.#chunkCount; chunk++) {
      const owners = table.owners(chunk);
      if (owners.length === 0) continue;
      leasedCount += 1;
      if (owners.length > RECEIVERS_MAX || new Set(owners).size < owners.length) {
        return `chunk ${chunk} is leased to ${owners.join(", ")}`;
      }
      if (this.#verified.has(chunk)) return `chunk ${chunk} is verified and leased`;
      for (const owner of isQuiet ? owners : []) {
        if (this.#given.get(owner)?.has(keyOf(transfer, chunk))) continue;
        return `chunk ${chunk} is leased to ${owner}, which does not fetch it`;
      }
    }
    const sum = table.freeCount + leasedCount + this.#verified.size;
    if (sum !== this.#chunkCount) {
      return `${table.freeCount} chunks free, ${leasedCount} leased, ${this.#verified.size} ` +
        `verified of ${this.#chunkCount}`;
    }
    return undefined;
  }
}

function keyOf(transfer: TransferId, chunk: number): string {
  return `${transfer}:${chunk}`;
}
