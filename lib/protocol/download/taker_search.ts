/**
 * Finds the other takers of a content, and what each has of it so far (docs/PROTOCOL.md, "Takers"). Servers that are proved to
 * have all of it are asked who else fetches it; whoever they name is asked what he has, which proves him by
 * a nonce that is sent there alone. What is only said of an endpoint costs it one short question now and then.
 *
 * Lives as long as its transfer.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import {
  type Bytes,
  type Content,
  type PeerId,
  peerId,
  type ServerId,
  type Token,
} from "../../ids.ts";
import type { Frame, FrameOf } from "../../wire/frames.ts";
import type { Bitmap } from "../base/bitmap.ts";
import { Random } from "../base/random.ts";
import { TOKEN_PLEASE } from "../base/tokens.ts";
import { chooseUnvalidated } from "../base/validated_first.ts";
import { chunkCountFor } from "../merkle/merkle.ts";
import {
  TAKER_PLENTY,
  TAKER_REST_MS,
  TAKER_SERVERS_MAX,
  TAKERS_AFTER_MS,
  TAKERS_ASKED_MAX,
  TAKERS_KNOWN_MAX,
  TAKERS_KNOWN_PER_PARTY_MAX,
} from "./limits.ts";
import type { Provider } from "./provider.ts";
import type { DatagramRoute } from "./source_route.ts";
import { TakerPath } from "./taker_path.ts";

type TakerAnswer = FrameOf<"have" | "gone" | "retry" | "busy">;

type TakerSearchEvent =
  /** This server has proved to have all of it; `nonce` is random and new. */
  | {
    readonly kind: "server";
    readonly endpoint: Endpoint;
    readonly token: Token;
    readonly nonce: bigint;
  }
  /** What we have is given at this port from now on, by who calls itself `id`. */
  | { readonly kind: "gives"; readonly port: number; readonly id: ServerId }
  | { readonly kind: "frame"; readonly from: Endpoint; readonly frame: TakerAnswer }
  | { readonly kind: "wakeup" };

export type TakerSearchAction =
  | { readonly kind: "send"; readonly to: Endpoint; readonly datagram: Bytes }
  /** A taker has these chunks by now. */
  | ({ readonly kind: "confirmed" } & Provider<DatagramRoute>)
  /** So many fetch it now, and this is our place among them. */
  | { readonly kind: "crowd"; readonly takerCount: number; readonly place: number };

/** What is to be fetched yet. */
export interface MissingChunks {
  /** None before this one is. */
  readonly firstMissing: () => number;
  readonly isMissing: (chunk: number) => boolean;
}

interface TakerSearchOptions extends MissingChunks {
  readonly content: Content;
  readonly seed: number;
  readonly nextNonce: () => bigint;
  /** Whose share and blame somebody at this address takes. */
  readonly partyAt: (address: string) => string;
}

export class TakerSearch {
  /** Takers may always come: its owner ends it. */
  readonly isDone = false;
  readonly #options: TakerSearchOptions;
  readonly #random: Random;
  readonly #chunkCount: number;
  readonly #paths = new Map<string, TakerPath>();
  readonly #byNonce = new Map<bigint, TakerPath>();
  /** Whom it makes no sense to ask again for now: ourselves, and who has left, by when that was. */
  readonly #left = new Map<string, number>();
  #port = 0;
  #id: ServerId | undefined;
  #crowd = { takerCount: 0, place: 0 };
  #actions: TakerSearchAction[] = [];

  constructor(options: TakerSearchOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
    this.#chunkCount = chunkCountFor(options.content.sizeBytes);
  }

  /** Whether answers with this nonce are for this search. */
  owns(nonce: bigint): boolean {
    return this.#byNonce.has(nonce);
  }

  accepts(frame: Frame): frame is TakerAnswer {
    return ["have", "gone", "retry", "busy"].includes(frame.kind);
  }

  handle(nowMs: number, event: TakerSearchEvent): readonly TakerSearchAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "server":
        this.#addServer(nowMs, event);
        break;
      case "gives":
        this.#port = event.port;
        this.#id = event.id;
        for (const path of this.#paths.values()) if (path.role === "server") path.hasten(nowMs);
        break;
      case "frame":
        this.#onFrame(nowMs, event.from, event.frame);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    for (const path of this.#paths.values()) {
      path.expire(nowMs);
      if (path.isVain) this.#leave(nowMs, path);
    }
    this.#ask(nowMs);
    return this.#actions;
  }

  nextWakeupMs(): number {
    let nextMs = Infinity;
    for (const path of this.#paths.values()) {
      if (this.#isAsked(path)) nextMs = Math.min(nextMs, path.nextMs());
    }
    return nextMs;
  }

  // — Whom ——————————————————————————————————————————————————————————————————————————————————————

  #addServer(
    nowMs: number,
    { endpoint, token, nonce }: Extract<TakerSearchEvent, { kind: "server" }>,
  ): void {
    const known = this.#paths.get(endpointKey(endpoint));
    if (known !== undefined) return void (known.token = token);
    const servers = [...this.#paths.values()].filter(({ role }) => role === "server");
    if (servers.length >= TAKER_SERVERS_MAX) return;
    // What is fetched within a moment needs nobody else.
    this.#add(nowMs + TAKERS_AFTER_MS, "server", endpoint, { nonce, token });
  }

  #addTaker(nowMs: number, endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    const leftMs = this.#left.get(key) ?? -Infinity;
    if (this.#paths.has(key) || nowMs < leftMs + TAKER_REST_MS) return;
    const takers = [...this.#paths.values()].filter(({ role }) => role === "taker");
    const party = this.#options.partyAt(endpoint.address);
    const neighbours = takers.filter((each) =>
      this.#options.partyAt(each.endpoint.address) === party
    );
    if (neighbours.length >= TAKERS_KNOWN_PER_PARTY_MAX) return;
    if (takers.length >= TAKERS_KNOWN_MAX) {
      const evicted = chooseUnvalidated(takers, (each) => each.isProved, this.#random);
      if (evicted === undefined) return;
      this.#forget(evicted);
    }
    const nonce = this.#options.nextNonce();
    this.#add(nowMs, "taker", endpoint, { nonce, token: TOKEN_PLEASE });
  }

  #add(
    dueMs: number,
    role: TakerPath["role"],
    endpoint: Endpoint,
    known: { readonly nonce: bigint; readonly token: Token },
  ): void {
    const about = { lot: this.#random.u32(), chunkCount: this.#chunkCount };
    const path = new TakerPath(dueMs, role, endpoint, { ...known, ...about });
    this.#paths.set(endpointKey(endpoint), path);
    this.#byNonce.set(known.nonce, path);
  }

  #forget(path: TakerPath): void {
    this.#paths.delete(endpointKey(path.endpoint));
    this.#byNonce.delete(path.nonce);
  }

  /** It is not there, gives nothing any more, or is who asks: what it had is nowhere. */
  #leave(nowMs: number, path: TakerPath): void {
    const key = endpointKey(path.endpoint);
    this.#forget(path);
    this.#left.delete(key);
    this.#left.set(key, nowMs);
    const [oldest] = this.#left.keys();
    if (this.#left.size > TAKERS_KNOWN_MAX) this.#left.delete(oldest!);
    if (!path.isConfirmed || path.id === undefined) return;
    path.holds.bytes.fill(0);
    this.#confirm(path, path.id);
  }

  // — Questions —————————————————————————————————————————————————————————————————————————————————

  #ask(nowMs: number): void {
    const { content, firstMissing } = this.#options;
    // In the order of lots as well: who answers first is put to work first.
    for (const path of [...this.#paths.values()].sort((a, b) => a.lot - b.lot)) {
      if (!path.isAskable(nowMs) || !this.#isAsked(path)) continue;
      const datagram = path.ask(nowMs, content, this.#port, firstMissing());
      this.#actions.push({ kind: "send", to: path.endpoint, datagram });
    }
  }

  /** Of many takers, a few are talked to, by lot: or all would talk to the same few. */
  #isAsked(path: TakerPath): boolean {
    if (path.role === "server") return true;
    let ahead = 0;
    for (const { role, lot } of this.#paths.values()) {
      if (role === "taker" && lot < path.lot) ahead += 1;
    }
    return ahead < TAKERS_ASKED_MAX;
  }

  /** How many of what somebody has are missing here, as far as that matters. */
  #lacked(holds: Bitmap): number {
    const { firstMissing, isMissing } = this.#options;
    let count = 0;
    let chunk = holds.firstSet(firstMissing());
    for (; chunk !== undefined && count < TAKER_PLENTY; chunk = holds.firstSet(chunk + 1)) {
      if (isMissing(chunk)) count += 1;
    }
    return count;
  }

  // — Answers ———————————————————————————————————————————————————————————————————————————————————

  #onFrame(nowMs: number, from: Endpoint, frame: TakerAnswer): void {
    const path = this.#byNonce.get("echo" in frame ? frame.echo : frame.nonce);
    if (path === undefined || !path.isAt(from) || !path.takes(nowMs, frame.number)) return;
    switch (frame.kind) {
      case "retry":
        if (path.role === "taker") path.id ??= frame.server;
        if (frame.server === this.#id) return this.#leave(nowMs, path);
        return path.refused(nowMs, frame.token);
      case "busy":
        return path.postpone(nowMs, frame.waitMs);
      case "gone":
        return this.#leave(nowMs, path);
      case "have":
        return this.#onHave(nowMs, path, frame);
      default:
        frame satisfies never;
    }
  }

  #onHave(nowMs: number, path: TakerPath, have: FrameOf<"have">): void {
    const isNews = path.answered(nowMs, have, (holds) => this.#lacked(holds));
    for (const taker of have.takers) this.#addTaker(nowMs, taker);
    if (path.role === "server") return this.#onCrowd(have);
    if (isNews && path.id !== undefined) this.#confirm(path, path.id);
  }

  #onCrowd({ takerCount, place }: FrameOf<"have">): void {
    if (this.#crowd.takerCount === takerCount && this.#crowd.place === place) return;
    this.#crowd = { takerCount, place };
    this.#actions.push({ kind: "crowd", takerCount, place });
  }

  #confirm(path: TakerPath, id: ServerId): void {
    const { endpoint, token, rttMs, holds } = path;
    path.isConfirmed = true;
    const server: PeerId = peerId(id, endpointKey(endpoint));
    const party = this.#options.partyAt(endpoint.address);
    const routes = [{ kind: "datagrams" as const, endpoint, token, rttMs }];
    this.#actions.push({ kind: "confirmed", server, party, routes, holds, isTaker: true });
  }
}
