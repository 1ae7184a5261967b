/**
 * The client's main socket in a simulated world: the real finder and layer fetch, wired as in
 * `lib/app/discovery/search.ts`.
 */
import type { Bytes, Content, Endpoint, HashHex, ServerId } from "../../lib/ids.ts";
import { Finder, type FinderAction, type FindNews } from "../../lib/protocol/discovery/finder.ts";
import { LayerFetch, type LayerNews } from "../../lib/protocol/download/layer_fetch.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import type { Frame, Query } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";
import type { Find, LayerFetchHandle } from "../../lib/app/discovery/search.ts";
import { Alarm, type VirtualClock } from "./virtual_clock.ts";

export const BROADCAST: Endpoint = { address: "255.255.255.255", port: 10526 };

interface Listener {
  owns(echo: bigint): boolean;
  receive(frame: Frame, from: Endpoint): void;
  wake(): void;
  nextWakeupMs(): number;
}

export interface SearchOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly send: (to: Endpoint, datagram: Bytes) => void;
  /** This server is asked no more, because what it sent was not proved. */
  readonly onLying: (server: ServerId) => void;
}

export class SimSearch {
  readonly #options: SearchOptions;
  readonly #listeners = new Set<Listener>();
  readonly #alarm: Alarm;
  #isClosed = false;

  constructor(options: SearchOptions) {
    this.#options = options;
    this.#alarm = new Alarm(options.clock, () => this.#wake());
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  close(): void {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#alarm.set(Infinity);
  }

  arrive(bytes: Bytes, from: Endpoint): void {
    for (const frame of framesIn(bytes)) {
      const echo = echoOf(frame);
      if (echo === undefined) continue;
      for (const each of this.#listeners) {
        if (!each.owns(echo)) continue;
        each.receive(frame, from);
        break;
      }
    }
  }

  find(
    queries: readonly Query[],
    onNews: (news: FindNews) => void,
    pinned: HashHex | undefined,
  ): Find {
    const { clock, random, timeoutMs, retries, send } = this.#options;
    const finder = new Finder({
      queries,
      nextQueryId: () => random.u64(),
      seed: random.u32(),
      timeoutMs,
      attempts: retries,
      ...(pinned !== undefined && { pinned }),
    });
    const perform = (action: FinderAction): void => {
      switch (action.kind) {
        case "broadcast":
          return send(BROADCAST, action.datagram);
        case "unicast":
          return send(action.to, action.datagram);
        default:
          onNews(action);
      }
    };
    const handle = (event: Parameters<Finder["handle"]>[1]): void => {
      for (const action of finder.handle(clock.nowMs, event)) perform(action);
      if (finder.isDone) this.#detach(listener);
      else this.#rearm();
    };
    const listener: Listener = {
      owns: (echo) => finder.owns(echo),
      receive: (frame, from) => {
        if (finder.accepts(frame)) handle({ kind: "frame", from, frame });
      },
      wake: () => handle({ kind: "wakeup" }),
      nextWakeupMs: () => finder.nextWakeupMs(),
    };
    this.#listeners.add(listener);
    const startedMs = clock.nowMs;
    handle({ kind: "wakeup" });
    return {
      startedMs,
      settle: (queryIndex) => handle({ kind: "settle", queryIndex }),
      finish: (queryIndex) => handle({ kind: "finish", queryIndex }),
      disbelieve: (queryIndex, server) => handle({ kind: "disbelieve", queryIndex, server }),
      invite: (endpoints) => handle({ kind: "invite", endpoints }),
    };
  }

  fetchLayer(
    content: Content,
    onNews: (news: LayerNews) => void,
    knownLayer?: Bytes,
  ): LayerFetchHandle {
    const { clock, random, timeoutMs, send } = this.#options;
    const fetch = new LayerFetch(content, {
      timeoutMs,
      ...(knownLayer !== undefined && { knownLayer }),
    });
    let isClosed = false;
    const perform = (action: ReturnType<LayerFetch["handle"]>[number]): void => {
      if (action.kind === "send") return send(action.to, action.datagram);
      if (action.kind === "lost" && action.reason === "lying") {
        this.#options.onLying(action.server);
      }
      onNews(action);
    };
    const handle = (event: Parameters<LayerFetch["handle"]>[1]): void => {
      for (const action of fetch.handle(clock.nowMs, event)) if (!isClosed) perform(action);
      this.#rearm();
    };
    const listener: Listener = {
      owns: (echo) => fetch.owns(echo),
      receive: (frame, from) => {
        if (fetch.accepts(frame)) handle({ kind: "frame", from, frame });
      },
      wake: () => handle({ kind: "wakeup" }),
      nextWakeupMs: () => fetch.nextWakeupMs(),
    };
    this.#listeners.add(listener);
    return {
      add: ({ server, path }) => handle({ kind: "path", server, path, nonce: random.u64() }),
      close: () => {
        isClosed = true;
        this.#detach(listener);
      },
    };
  }

  #detach(listener: Listener): void {
    this.#listeners.delete(listener);
    this.#rearm();
  }

  #rearm(): void {
    if (this.#isClosed) return;
    let nextMs = Infinity;
    for (const each of this.#listeners) nextMs = Math.min(nextMs, each.nextWakeupMs());
    this.#alarm.set(nextMs);
  }

  #wake(): void {
    if (this.#isClosed) return;
    const { nowMs } = this.#options.clock;
    for (const each of this.#listeners) if (each.nextWakeupMs() <= nowMs) each.wake();
    this.#rearm();
  }
}

/** What an answer is known by: the query id or nonce of its question. */
function echoOf(frame: Frame): bigint | undefined {
  switch (frame.kind) {
    case "offer":
    case "pending":
    case "absent":
      return frame.queryId;
    case "layer":
    case "gone":
      return frame.nonce;
    case "retry":
      return frame.echo;
    default:
      return undefined;
  }
}
