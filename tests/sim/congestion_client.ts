/**
 * A whole client on one port of a switch: the real coordinator divides its window over real receivers,
 * and all servers, each behind a line of its own, answer into the same {@linkcode BottleneckLink}.
 */
import { type ServerId, serverId, type SourceId, sourceId, transferId } from "../../lib/ids.ts";
import { Coordinator } from "../../lib/protocol/download/coordinator.ts";
import type { DatagramRoute } from "../../lib/protocol/download/source_route.ts";
import type { CoordinatorAction } from "../../lib/protocol/download/coordinator_messages.ts";
import type { Report } from "../../lib/protocol/download/receiver_report.ts";
import type { BottleneckLink, Party } from "../support/bottleneck_link.ts";
import { ReceiverFlow, ZEROS } from "../support/receiver_link.ts";

/** What crosses from one thread of the client to another takes this long. */
const HOP_MS = 0.1;

export interface ClientOptions {
  readonly servers: number;
  /** They are found one after another, this far apart. */
  readonly foundEveryMs: number;
  readonly baseRttMs: number;
  readonly accessBytesPerMs: number;
  /** Files of the same size, one after another: as long as there is something to fetch, all fetch. */
  readonly files: number;
}

interface Pending {
  readonly atMs: number;
  readonly run: (nowMs: number) => void;
}

export class CoordinatedClient implements Party {
  readonly #link: BottleneckLink;
  readonly #options: ClientOptions;
  readonly #coordinator = new Coordinator({ timeoutMs: 10_000, rateBytesPerS: 0 });
  readonly #flows = new Map<SourceId, ReceiverFlow>();
  readonly #pending: Pending[] = [];
  #wakeMs = Infinity;
  #nextNonce = 1n;
  readonly workedFor = new Set<ServerId>();

  constructor(link: BottleneckLink, options: ClientOptions) {
    this.#link = link;
    this.#options = options;
    for (let file = 1; file <= options.files; file++) {
      const transfer = transferId(file);
      const start = { ...ZEROS, transfer, isVerified: () => false };
      this.#coordinate(0, { kind: "transfer", ...start });
    }
    for (let index = 0; index < options.servers; index++) {
      this.#at(index * options.foundEveryMs, (nowMs) => this.#find(nowMs, index));
    }
  }

  get arrivedBytes(): number {
    let sum = 0;
    for (const flow of this.#flows.values()) sum += flow.arrivedBytes;
    return sum;
  }

  nextMs(nowMs: number): number {
    let nextMs = Math.min(this.#wakeMs, this.#pending[0]?.atMs ?? Infinity);
    for (const flow of this.#flows.values()) nextMs = Math.min(nextMs, flow.nextMs(nowMs));
    return nextMs;
  }

  step(nowMs: number): void {
    if ((this.#pending[0]?.atMs ?? Infinity) <= nowMs) this.#pending.shift()!.run(nowMs);
    else if (this.#wakeMs <= nowMs) this.#coordinate(nowMs, { kind: "wakeup" });
    else for (const flow of this.#flows.values()) if (flow.nextMs(nowMs) <= nowMs) flow.step(nowMs);
  }

  #at(atMs: number, run: (nowMs: number) => void): void {
    const i = this.#pending.findIndex((each) => each.atMs > atMs);
    this.#pending.splice(i < 0 ? this.#pending.length : i, 0, { atMs, run });
  }

  #find(nowMs: number, index: number): void {
    const server = serverId(index.toString(16).padStart(32, "0"));
    const endpoint = { address: `10.0.1.${index + 1}`, port: 10530 };
    const { baseRttMs: rttMs } = this.#options;
    const routes = [{ kind: "datagrams" as const, endpoint, token: new Uint8Array(16), rttMs }];
    const source = sourceId(server, "datagrams");
    for (let file = 1; file <= this.#options.files; file++) {
      const transfer = transferId(file);
      this.#coordinate(nowMs, {
        kind: "provider",
        source,
        server,
        party: server,
        routes,
        transfer,
      });
    }
  }

  #coordinate(nowMs: number, event: Parameters<Coordinator["handle"]>[1]): void {
    for (const action of this.#coordinator.handle(nowMs, event)) {
      this.#at(nowMs + HOP_MS, (atMs) => this.#perform(atMs, action));
    }
    this.#wakeMs = this.#coordinator.nextWakeupMs(nowMs);
  }

  #perform(nowMs: number, action: CoordinatorAction): void {
    switch (action.kind) {
      case "assign":
      case "reroute": {
        const { source } = action;
        const route = action.route as DatagramRoute;
        this.workedFor.add(this.#coordinator.serverOf(source)!);
        const flow = this.#flowOf(source);
        return flow.assign(nowMs, source, route.endpoint, this.#nextNonce++, route.rttMs);
      }
      case "lease":
      case "revoke":
      case "allot":
      case "release":
        return this.#flowOf(action.source).handle(nowMs, action);
      default:
        return;
    }
  }

  #flowOf(source: SourceId): ReceiverFlow {
    let flow = this.#flows.get(source);
    if (flow === undefined) {
      const { baseRttMs, accessBytesPerMs } = this.#options;
      const onReport = (nowMs: number, report: Report): void => {
        this.#at(nowMs + HOP_MS, (atMs) => {
          this.#coordinate(atMs, { kind: "report", report });
        });
      };
      flow = new ReceiverFlow(this.#link, { baseRttMs, accessBytesPerMs, onReport });
      this.#flows.set(source, flow);
    }
    return flow;
  }
}
