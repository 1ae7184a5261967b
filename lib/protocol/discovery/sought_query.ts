/**
 * One query of a search: who has answered what, and how long to wait for more. Only what is proved is told
 * here, so that there are as many answers as servers that the search keeps track of, at most.
 */
import { type Endpoint, isSameEndpoint } from "../../address.ts";
import {
  type Content,
  contentKey,
  type HashHex,
  type ModificationTime,
  type PeerId,
  type SafeFileName,
  sameContent,
} from "../../ids.ts";
import { SIMILAR_NAMES_MAX } from "../../wire/limits.ts";
import { ABSENT_END_MS, CLASSIC_ASK_AFTER_MS, TURN_PATIENCES_MAX } from "./limits.ts";
import type { FrameOf, Query } from "../../wire/frames.ts";
import type { ServerPath } from "../base/server_path.ts";

/** A server's word that it holds a content under a name. */
export interface Offer extends ModificationTime {
  readonly server: PeerId;
  /** Whose vote it is. */
  readonly party: string;
  /** Whether its endpoint has proved that it said so; otherwise anybody may have. */
  readonly isProved: boolean;
  readonly path: ServerPath;
  readonly content: Content;
  /** Where its TCP sessions are, at the same address; 0 for nowhere. */
  readonly tcpPort: number;
  readonly name: SafeFileName;
  /** Whether it is the beginning of a file that is being appended to. */
  readonly isGrowing?: true;
}

/** A server has the name but is still hashing the file. */
export interface PendingNotice {
  readonly server: PeerId;
  /** Whose vote it will be. */
  readonly party: string;
  readonly endpoint: Endpoint;
  readonly sizeBytes: number;
  readonly hashedBytes: number;
  readonly rateBytesPerS: number;
  /** How much longer this makes it worth waiting. */
  readonly earnedMs: number;
}

/** What registries of servers together know of one name or content. */
export interface RegistryWord {
  /** Whether they know of nobody who has it. */
  readonly isUnknown: boolean;
  /** Names like it that they know. */
  readonly similar: readonly SafeFileName[];
}

export interface Patience {
  readonly timeoutMs: number;
  /** How often `timeoutMs` is waited. */
  readonly attempts: number;
  /** How long nobody at all may have answered, however many attempts that is; by default as long as these take. */
  readonly waitMs?: number;
  /** Offers of another SHA-256 count as if the server lacked the name, but are told. */
  readonly pinned?: HashHex;
}

/** Who has been heard in this search. */
interface Heard {
  /** How many servers: some may not have answered this query yet. */
  readonly count: number;
  /** When one of them last answered a query that it had not answered before, whichever. */
  readonly progressMs: number;
}

type Answer =
  | { readonly kind: "offer"; readonly content: Content; readonly paths: readonly ServerPath[] }
  | { readonly kind: "pending" }
  | { readonly kind: "absent" }
  /** Whatever it said or says, it is as if it had not. */
  | { readonly kind: "ignored" };

export interface TimedOut {
  readonly kind: "timedOut";
  /** A server said that it has it, and got on with hashing it too slowly or not at all. */
  readonly isHashing?: true;
  /** … and it was another file each time that it was asked. */
  readonly isChanging?: true;
}

/** What a look at the clock has shown. After `notFound` and `timedOut` the query is finished. */
type Verdict =
  | { readonly kind: "notFound"; readonly similar: readonly SafeFileName[] }
  | { readonly kind: "classicDue" }
  | { readonly kind: "attempt"; readonly attempt: number }
  | TimedOut;

export class SoughtQuery {
  readonly index: number;
  readonly query: Query;
  readonly #patience: Patience;
  readonly #answers = new Map<PeerId, Answer>();
  /** Names that are similar, and the parties that say so. */
  readonly #similar = new Map<SafeFileName, Set<string>>();
  #state: "seeking" | "settled" | "finished" = "seeking";
  #startedMs = 0;
  #attempt = 1;
  #attemptEndMs = 0;
  #isClassicDue = false;
  /** Whether registries know of nobody who has it. */
  #isUnknown = false;
  /** Since when nobody is there who has answered anything. */
  #aloneSinceMs = 0;
  /** Whether nobody can be where servers were said to be. */
  #isVain = false;

  constructor(index: number, query: Query, patience: Patience) {
    this.index = index;
    this.query = query;
    this.#patience = patience;
  }

  start(nowMs: number): void {
    this.#startedMs = this.#aloneSinceMs = nowMs;
    this.#attemptEndMs = nowMs + this.#patience.timeoutMs;
  }

  get isFinished(): boolean {
    return this.#state === "finished";
  }

  get isSeeking(): boolean {
    return this.#state === "seeking";
  }

  /** It is known where to take it from: no more patience is needed. */
  settle(): void {
    if (this.#state === "seeking") this.#state = "settled";
  }

  finish(): void {
    this.#state = "finished";
    this.#answers.clear();
  }

  /** Whether the server needs not be asked any more; one that is still hashing does. */
  isAnsweredBy(server: PeerId): boolean {
    return (this.#answers.get(server)?.kind ?? "pending") !== "pending";
  }

  /** The server is not there any more: as if it had never answered. */
  forget(nowMs: number, server: PeerId): void {
    this.#answers.delete(server);
    this.#aloneSinceMs = nowMs;
  }

  /** Nobody can be where servers were said to be: who is heard all the same counts, and nobody is waited for. */
  onVain(): void {
    this.#isVain = true;
  }

  /** The offer, if it tells anything new. */
  onOffer(offer: Offer): Offer | undefined {
    const { server, content, path } = offer;
    const before = this.#answers.get(server);
    if (before?.kind === "ignored") return undefined;
    let paths = [path];
    if (before?.kind === "offer" && contentKey(before.content) === contentKey(content)) {
      if (before.paths.includes(path)) return undefined;
      paths = [
        ...before.paths.filter((each) => !isSameEndpoint(each.endpoint, path.endpoint)),
        path,
      ];
    }
    this.#answers.set(server, { kind: "offer", content, paths });
    return offer;
  }

  /** @param earnedMs how much longer it is worth waiting, which is never longer than the timeout */
  onPending(nowMs: number, server: PeerId, earnedMs: number): void {
    if (this.#isIgnored(server)) return;
    this.#answers.set(server, { kind: "pending" });
    const endMs = Math.min(this.#attemptEndMs + earnedMs, nowMs + this.#patience.timeoutMs);
    this.#attemptEndMs = Math.max(this.#attemptEndMs, endMs);
  }

  onAbsent(
    { id, party }: { readonly id: PeerId; readonly party: string },
    similar: readonly SafeFileName[],
  ): void {
    if (this.#isIgnored(id)) return;
    this.#answers.set(id, { kind: "absent" });
    this.#addSimilar(party, similar);
  }

  #addSimilar(party: string, similar: readonly SafeFileName[]): void {
    for (const name of similar) {
      const parties = this.#similar.get(name) ?? new Set();
      this.#similar.set(name, parties.add(party));
    }
  }

  /** Where registries know of nobody who has it, whoever is heard may still, and nobody else is waited for. */
  onRegistries({ isUnknown, similar }: RegistryWord): void {
    this.#isUnknown = isUnknown;
    this.#addSimilar("registries", similar);
  }

  /** What this server says is not believed: as if it lacked the name. */
  disbelieve(server: PeerId): void {
    this.#answers.set(server, { kind: "absent" });
  }

  /** What this server has answered proves nothing: as if it had not, now and later. */
  ignore(server: PeerId): void {
    if (this.#answers.has(server)) this.#answers.set(server, { kind: "ignored" });
  }

  #isIgnored(server: PeerId): boolean {
    return this.#answers.get(server)?.kind === "ignored";
  }

  /** Whether what a server is said to have said differs from what it has proved to say. */
  isNews(server: PeerId, frame: FrameOf<"offer" | "pending" | "absent">): boolean {
    const answer = this.#answers.get(server);
    if (answer?.kind === "ignored") return false;
    if (answer?.kind !== frame.kind) return true;
    return answer.kind === "offer" && frame.kind === "offer" &&
      !sameContent(answer.content, frame);
  }

  /** Names that most parties say, first. */
  get #mostSimilar(): SafeFileName[] {
    return [...this.#similar].sort(([, a], [, b]) => b.size - a.size)
      .slice(0, SIMILAR_NAMES_MAX).map(([name]) => name);
  }

  review(nowMs: number, heard: Heard): Verdict | undefined {
    if (this.#state !== "seeking") return undefined;
    const isLacked = this.#answers.size >= heard.count &&
      !this.#isAny((answer) => answer.kind === "pending" || this.#isWantedOffer(answer));
    const isTold = this.#isAny(({ kind }) => kind !== "ignored") || this.#isUnknown;
    if (this.query.by !== "any" && isLacked && isTold && nowMs >= this.#absentEndMs) {
      const similar = this.#mostSimilar;
      this.finish();
      return { kind: "notFound", similar };
    }
    if (this.query.by === "name" && !this.#isClassicDue && isLacked && nowMs >= this.#classicMs) {
      this.#isClassicDue = true;
      return { kind: "classicDue" };
    }
    if (this.#isAlone(heard.count) && nowMs >= this.#aloneEndMs) {
      this.finish();
      return { kind: "timedOut" };
    }
    if (nowMs < this.#attemptEndMs) return undefined;
    const turnEndMs = this.#turnEndMs(heard);
    if (nowMs >= turnEndMs) return this.#nextAttempt(nowMs, heard.count);
    this.#attemptEndMs = turnEndMs;
    return undefined;
  }

  /** Until when it may just not be its turn yet: whoever is heard answers other queries meanwhile. */
  #turnEndMs({ count, progressMs }: Heard): number {
    if (this.#answers.size >= count) return -Infinity;
    const { timeoutMs, attempts } = this.#patience;
    const endMs = this.#startedMs + TURN_PATIENCES_MAX * attempts * timeoutMs;
    return Math.min(progressMs + timeoutMs, endMs);
  }

  #isAlone(heardCount: number): boolean {
    const ignoredCount = this.#answers.values().filter(({ kind }) => kind === "ignored")
      .reduce((count) => count + 1, 0);
    return heardCount <= ignoredCount && this.#answers.size === ignoredCount;
  }

  /** When a review may show something that no answer brings about. */
  nextReviewMs(nowMs: number): number {
    if (this.#state !== "seeking") return Infinity;
    const dueMs = [this.#classicMs, this.#absentEndMs, this.#aloneEndMs];
    const futureMs = dueMs.filter((atMs) => atMs > nowMs);
    return Math.min(this.#attemptEndMs, ...futureMs);
  }

  #nextAttempt(nowMs: number, heardCount: number): Verdict | undefined {
    this.#attemptEndMs = nowMs + this.#patience.timeoutMs;
    if (this.#isAny((answer) => this.#isWantedOffer(answer))) return undefined;
    if (this.#attempt >= this.#patience.attempts) {
      // How long nobody may answer is for the wait to say.
      if (this.#patience.waitMs !== undefined && this.#isAlone(heardCount)) return undefined;
      const isLacked = this.#isAny((answer) => answer.kind === "absent");
      const isHashing = this.#isAny((answer) => answer.kind === "pending");
      const similar = this.#mostSimilar;
      this.finish();
      if (isHashing) return { kind: "timedOut", isHashing };
      return isLacked ? { kind: "notFound", similar } : { kind: "timedOut" };
    }
    this.#attempt += 1;
    return { kind: "attempt", attempt: this.#attempt };
  }

  get #classicMs(): number {
    return this.#startedMs + CLASSIC_ASK_AFTER_MS;
  }

  get #absentEndMs(): number {
    return this.#startedMs + ABSENT_END_MS;
  }

  /** When it ends, if nobody answers anything until then. */
  get #aloneEndMs(): number {
    const { waitMs = Infinity } = this.#patience;
    const endMs = this.#aloneSinceMs + waitMs;
    return this.#isVain ? Math.min(endMs, this.#absentEndMs) : endMs;
  }

  #isAny(predicate: (answer: Answer) => boolean): boolean {
    for (const answer of this.#answers.values()) if (predicate(answer)) return true;
    return false;
  }

  #isWanted({ sha256 }: Content): boolean {
    return (this.#patience.pinned ?? sha256) === sha256;
  }

  #isWantedOffer(answer: Answer): boolean {
    return answer.kind === "offer" && this.#isWanted(answer.content);
  }
}
