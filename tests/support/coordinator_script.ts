/** A coordinator with one transfer, and sources that a test speaks for. */
import { hashHex, serverId, type SourceId, sourceId, transferId } from "../../lib/ids.ts";
import type { Bitmap } from "../../lib/protocol/base/bitmap.ts";
import { Coordinator } from "../../lib/protocol/download/coordinator.ts";
import type {
  CoordinatorAction,
  CoordinatorEvent,
} from "../../lib/protocol/download/coordinator_messages.ts";
import type { LeasedUnit } from "../../lib/protocol/download/fetch_list.ts";
import type { SourceMode } from "../../lib/protocol/download/provider.ts";
import type { Report } from "../../lib/protocol/download/receiver_report.ts";
import { chunkBytesFor, chunkLength } from "../../lib/protocol/merkle/merkle.ts";

export const TRANSFER = transferId(1);
/** How many there are. */
export const CHUNKS = 8;
const SIZE_BYTES = CHUNKS * chunkBytesFor(1);
const CONTENT = {
  sizeBytes: SIZE_BYTES,
  sha256: hashHex("aa".repeat(32)),
  root: hashHex("bb".repeat(32)),
};

export class CoordinatorScript {
  readonly actions: CoordinatorAction[] = [];
  /** What sources that deliver nothing say at intervals. */
  readonly #silent = new Map<SourceId, number>();
  readonly #coordinator = new Coordinator({ timeoutMs: 10_000, rateBytesPerS: 0 });
  readonly #leased = new Map<SourceId, Set<number>>();
  #nowMs = 0;

  /**
   * @param units what is fetched, if that is a folder
   * @param isVerified what an earlier run has left
   */
  constructor(units?: readonly LeasedUnit[], isVerified: (chunk: number) => boolean = () => false) {
    this.tell({
      ...(units && { units }),
      kind: "transfer",
      transfer: TRANSFER,
      content: CONTENT,
      layer: new Uint8Array(32 * CHUNKS),
      isVerified,
    });
  }

  tell(event: CoordinatorEvent): void {
    for (const action of this.#coordinator.handle(this.#nowMs, event)) {
      this.actions.push(action);
      if (action.kind === "lease") {
        for (const chunk of action.lease.chunks) this.leasedTo(action.source).add(chunk);
      } else if (action.kind === "revoke") {
        for (const chunk of action.chunks) this.leasedTo(action.source).delete(chunk);
      }
    }
  }

  source(
    kind: string,
    options: { holds?: Bitmap; mode?: SourceMode; server?: string; party?: string } = {},
  ): SourceId {
    const server = serverId((options.server ?? kind).padEnd(32, "0"));
    const source = sourceId(server, kind);
    const route = { kind: "stream", endpoint: { address: "10.0.0.1", port: 1 }, rttMs: 1 } as const;
    const { holds, mode, party = server } = options;
    this.tell({
      kind: "provider",
      source,
      server,
      party,
      routes: [route],
      transfer: TRANSFER,
      ...(holds && { holds }),
      ...(mode && { mode }),
    });
    return source;
  }

  leasedTo(source: SourceId): Set<number> {
    let leased = this.#leased.get(source);
    if (leased === undefined) this.#leased.set(source, leased = new Set());
    return leased;
  }

  /** `source` brings these, whether it was asked for them or not. */
  bring(source: SourceId, ...chunks: number[]): void {
    this.#nowMs += 10;
    for (const chunk of chunks) this.leasedTo(source).delete(chunk);
    const verified = chunks.map((chunk) => ({
      transfer: TRANSFER,
      chunk,
      bytes: chunkLength(SIZE_BYTES, chunk),
    }));
    const receivedBytes = verified.reduce((sum, { bytes }) => sum + bytes, 0);
    const report = { ...emptyReport(source), verified, receivedBytes, rateBytesPerS: 1e8 };
    this.tell({ kind: "report", report });
  }

  /** `source` has a copy of `chunk` that proves itself wrong: it has ended its fetch. */
  spoil(source: SourceId, chunk: number): void {
    this.leasedTo(source).delete(chunk);
    const bad = [{ transfer: TRANSFER, chunk, bytes: 1, isIntegrityFailure: true }];
    this.tell({ kind: "report", report: { ...emptyReport(source), bad, receivedBytes: 1 } });
  }

  /** A part of a chunk comes from `source`. */
  trickle(source: SourceId, receivedBytes = 1): void {
    this.tell({
      kind: "report",
      report: { ...emptyReport(source), receivedBytes, rateBytesPerS: 9 },
    });
  }

  /** From now on `source` reports that nothing comes. */
  fallSilent(source: SourceId): void {
    this.#silent.set(source, this.#nowMs);
  }

  /** It reports no silence any more. */
  hear(source: SourceId): void {
    this.#silent.delete(source);
  }

  /** So much time passes, with every wake-up that is due and a report of each silent source. */
  pass(ms: number): void {
    const untilMs = this.#nowMs + ms;
    while (this.#nowMs < untilMs) {
      this.#nowMs = Math.min(untilMs, this.#coordinator.nextWakeupMs(this.#nowMs));
      this.tell({ kind: "wakeup" });
      for (const [source, sinceMs] of this.#silent) {
        const isWaiting = this.leasedTo(source).size > 0;
        const silentMs = isWaiting ? this.#nowMs - sinceMs : 0;
        this.tell({ kind: "report", report: { ...emptyReport(source), silentMs } });
      }
    }
  }

  /** What was done since `from`, a number of actions, to `source`, in a word each. */
  toldTo(source: SourceId, from = 0): string[] {
    return this.actions.slice(from).flatMap((action) => {
      if (!("source" in action) || action.source !== source) return [];
      if (action.kind === "lease") return `lease ${action.lease.chunks}`;
      return action.kind === "revoke" ? `revoke ${action.chunks}` : action.kind;
    });
  }

  /** Lets `source` bring what it is leased until it is leased nothing more. */
  drain(source: SourceId): void {
    for (let next = this.#next(source); next !== undefined; next = this.#next(source)) {
      this.bring(source, next);
    }
  }

  tally(server: string): number | undefined {
    return this.#coordinator.tallies(TRANSFER).get(serverId(server.padEnd(32, "0")))?.chunks;
  }

  count(kind: CoordinatorAction["kind"]): number {
    return this.actions.filter((action) => action.kind === kind).length;
  }

  #next(source: SourceId): number | undefined {
    return [...this.leasedTo(source)][0];
  }
}

function emptyReport(source: SourceId): Report {
  return {
    source,
    verified: [],
    bad: [],
    receivedBytes: 0,
    retransmits: 0,
    rateBytesPerS: 0,
    rttMs: 1,
    leasedBytes: 0,
    silentMs: 0,
  };
}
