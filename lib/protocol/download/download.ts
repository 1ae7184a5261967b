/**
 * One name of a `get`, from its first offer to its last: choose a content, have its target opened and
 * its piece layer fetched, let the coordinator bring the chunks, and say how it ended. It does nothing
 * itself and is only the order of events; its driver performs its actions in their order, and
 * hands it what comes of them after that.
 *
 * | stage     | until                                                                      |
 * | --------- | -------------------------------------------------------------------------- |
 * | searching | an offer may be chosen                                                     |
 * | queued    | one of the `--jobs` is free                                                |
 * | opening   | the target is open, or turns out to be there already                       |
 * | fetching  | the file is published, or nothing is left to get it from (searching again) |
 * | classic   | the classic server that answered first has brought it, or has failed       |
 * | listening | those who hold another content have had the time to say so                 |
 * | ended     |                                                                            |
 *
 * Beside these, offers are gathered for a moment after the first. That one is nearly always what will
 * be chosen, so its transfer begins at once, before it is proved even; until the choice its content is a guess,
 * and nothing that becomes of it counts.
 */
import { LOOPBACK_ADDRESS } from "../../address.ts";
import {
  type Content,
  type SafeFileName,
  sameContent,
  timeOf,
  type TransferId,
} from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { nameOfContent } from "../../names.ts";
import { Random } from "../base/random.ts";
import type { Choice } from "../discovery/content_choice.ts";
import type { FindNews, Offer, PendingNotice } from "../discovery/finder.ts";
import { ContentTransfer, type TransferHost, type TransferOutcome } from "./content_transfer.ts";
import type { DownloadAction, DownloadEvent, DownloadSettings } from "./download_messages.ts";
import * as texts from "./download_texts.ts";
import { Gathering } from "./gathering.ts";
import { GivenUpServers } from "./given_up_servers.ts";
import { RivalTurns } from "./rival_turns.ts";
import { LateDissent } from "./late_dissent.ts";
import { GUESSES_MAX, LATE_CLAIM_PATIENCE_MS, LATE_OFFERS_MS } from "./limits.ts";

type Stage = "searching" | "queued" | "opening" | "fetching" | "classic" | "listening" | "ended";
type Chosen = Extract<Choice, { kind: "chosen" }>;
type Done = Extract<TransferOutcome, { kind: "done" }>;
type Lost = Extract<TransferOutcome, { kind: "lost" }>;

export class Download {
  readonly #settings: DownloadSettings;
  readonly #gathering: Gathering;
  readonly #host: TransferHost = {
    act: (action) => this.#act(action),
    nextFetch: () => ++this.#fetches,
    offersOf: (content) => this.#gathering.of(content),
    isDropped: (server) => this.#gathering.isDropped(server),
  };
  #stage: Stage = "searching";
  /** What is transferred; there is one from `queued` to `fetching`. */
  #current: ContentTransfer | undefined;
  /** Whether one of the `--jobs` was asked for and is not ours yet. */
  #isAwaitingJob = false;
  #fetches = 0;
  #searches = 1;
  /** Contents that were begun before anybody had proved to offer them. */
  #guesses = 0;
  /** What is meant, and who it was that held it then. */
  #chosen: Chosen | undefined;
  /** Whose turn it is of contents that share what is pinned. */
  readonly #turns = new RivalTurns();
  /** What others have said too late for the choice. */
  readonly #late: LateDissent;
  readonly #givenUp = new GivenUpServers();
  /** Why it fails, as nothing has come for all of its patience, if no better reason is found. */
  #lastWord: ShoalError | undefined;
  #actions: DownloadAction[] = [];

  constructor(settings: DownloadSettings) {
    this.#settings = settings;
    const { query, pinned = query.by === "sha256" ? query.sha256 : undefined } = settings;
    this.#late = new LateDissent(settings.name, (level, message) => this.#notice(level, message));
    this.#gathering = new Gathering(pinned, new Random(settings.seed));
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Whether nobody has proved to offer it so far, so that a classic server may. */
  get isSearching(): boolean {
    if (this.#stage === "searching") return !this.#gathering.hasProved;
    return this.#current?.isMeant === false && !this.#gathering.hasProved;
  }

  /** What is being fetched; `undefined` while nothing is. */
  get current(): ContentTransfer | undefined {
    return this.#stage === "fetching" ? this.#current : undefined;
  }

  handle(nowMs: number, event: DownloadEvent): readonly DownloadAction[] {
    this.#actions = [];
    if (this.#stage !== "ended") {
      this.#on(nowMs, event);
      this.#watchRivals(nowMs, event.kind === "wakeup" ? event.bytes ?? 0 : undefined);
      const silence = this.#silence;
      if (silence !== undefined) this.#fail(silence);
    } else if (event.kind === "admitted") this.#act({ kind: "release", transfer: event.transfer });
    return this.#actions;
  }

  nextWakeupMs(): number {
    if (this.#stage === "ended") return Infinity;
    if (this.#stage === "listening") return this.#listenedMs;
    return Math.min(this.#gathering.endMs, this.#turns.endMs);
  }

  #on(nowMs: number, event: DownloadEvent): void {
    switch (event.kind) {
      case "find":
        return this.#onFind(nowMs, event.news, event.advice);
      case "layerFetch":
        if ("server" in event.news) this.#givenUp.onHeard(event.news.server);
        return this.#onOutcome(nowMs, this.#current?.onLayerFetch(event.fetch, event.news));
      case "target":
        return this.#onOutcome(nowMs, this.#onTarget(event));
      case "transfer":
        return this.#onOutcome(nowMs, this.#current?.onTransfer(event.news));
      case "admitted":
        return this.#onAdmitted(nowMs, event.transfer);
      case "dropped":
        this.#gathering.drop(event.server);
        return this.#current?.remove(event.server);
      case "givenUp":
        this.#givenUp.add(event.servers, event.waitedMs);
        if (this.#lastWord !== undefined) this.#fail(this.#silence ?? this.#lastWord);
        return;
      case "classicAnswered":
        return this.#onClassicAnswered();
      case "classicEnded":
        if (this.#stage === "classic") this.#end();
        return;
      case "fail":
        return this.#stage === "listening" ? this.#end() : this.#fail(event.error);
      case "wakeup":
        if (this.#stage === "listening" && nowMs >= this.#listenedMs) return this.#end();
        if (nowMs >= this.#gathering.endMs) this.#choose(nowMs);
        return;
      default:
        event satisfies never;
    }
  }

  // — What the search says ——————————————————————————————————————————————————————————————————————

  #onFind(nowMs: number, news: FindNews, advice: texts.SearchAdvice | undefined): void {
    if (news.kind === "offer") return this.#onOffer(nowMs, news.offer);
    if (news.kind === "pending") this.#onHashing(nowMs, news.pending);
    // A guess that nobody has proved to offer ends no search, and no search waits for it.
    if (this.#stage !== "searching" && !this.isSearching) return;
    switch (news.kind) {
      case "pending":
        return this.#act({
          kind: "waiting",
          attempt: 1,
          message: texts.stillHashing(news.pending),
        });
      case "attempt":
        return this.#act({ kind: "waiting", attempt: news.attempt, message: "no answer yet" });
      case "notFound":
      case "timedOut": {
        // Who lied is the better reason.
        return this.#fail(
          this.#gathering.hasDropped
            ? texts.unverified(this.#settings.name)
            : texts.searchFailure(this.#settings, news, advice),
        );
      }
      case "server":
      case "classicDue":
        return;
      default:
        news satisfies never;
    }
  }

  #onOffer(nowMs: number, offer: Offer): void {
    if (this.#stage === "classic") return;
    const { content, server, isProved } = offer;
    // The search must not wait for what nobody is going to take.
    if (this.#gathering.isDropped(server)) return this.#act({ kind: "disbelieve", server });
    if (isProved) this.#givenUp.onHeard(server);
    const isNew = this.#gathering.add(nowMs, offer, this.#current?.content);
    if (isNew && isProved) this.#act({ kind: "offered", offer });
    const current = this.#current;
    if (this.#chosen === undefined) this.#guess(offer);
    // What begins now looks into this offer itself.
    if (current !== this.#current) return;
    if (current !== undefined && sameContent(content, current.content)) current.addOffer(offer);
    else if (this.#chosen !== undefined && isNew && isProved) {
      this.#late.onOffer(offer, this.#chosen.content);
    }
  }

  /** Its vote is still to come. */
  #onHashing(nowMs: number, pending: PendingNotice): void {
    const isNew = this.#gathering.addHashing(nowMs, pending);
    if (isNew && this.#chosen !== undefined) this.#late.onHashing(pending, this.#chosen.content);
  }

  /** A classic server is taken only where nobody else has offered the name. */
  #onClassicAnswered(): void {
    if (!this.isSearching) return;
    this.#giveUpGuess();
    this.#stage = "classic";
    this.#act({ kind: "finish" });
  }

  // — Choosing and opening ——————————————————————————————————————————————————————————————————————

  /**
   * The first content that may be chosen is begun at once, and another instead where that is proved and nobody
   * has shown to hold the first.
   */
  #guess({ content, isProved }: Offer): void {
    if (!this.#settings.looksAhead || !this.#gathering.mayChoose(content)) return;
    const current = this.#current;
    if (current !== undefined) {
      const isBetter = isProved && current.lacksProviders &&
        !this.#gathering.isProved(current.content);
      if (!isBetter || sameContent(content, current.content)) return;
    } else if (!isProved && this.#guesses++ >= GUESSES_MAX) return;
    this.#begin(content);
  }

  #choose(nowMs: number): void {
    const choice = this.#gathering.decide();
    if (choice.kind === "chosen") {
      this.#gathering.close();
      this.#chosen = choice;
      if (choice.dissent !== undefined && this.#isUnpinned) {
        this.#notice("warning", texts.dissent(this.#settings.name, choice.dissent));
      }
      if (choice.unfinished !== undefined) {
        this.#notice("warning", texts.unfinished(this.#settings.name, choice.unfinished));
      }
      const current = this.#begin(choice.content);
      this.#act({ kind: "settle" });
      return this.#onOutcome(nowMs, current.mean());
    }
    this.#giveUpGuess();
    if (choice.kind === "ambiguous") this.#fail(texts.ambiguous(this.#settings.name, choice));
    else this.#onOrphaned(nowMs);
  }

  get #isUnpinned(): boolean {
    return this.#settings.pinned === undefined && this.#settings.query.by === "name";
  }

  /** Transfers this content from now on, and none that was begun before. */
  #begin(content: Content): ContentTransfer {
    const before = this.#current;
    if (before !== undefined && sameContent(content, before.content)) return before;
    this.#giveUpGuess();
    const current = this.#current = new ContentTransfer(content, this.#host);
    if (this.#settings.looksAhead) current.lookInto();
    this.#stage = "queued";
    if (!this.#isAwaitingJob) this.#act({ kind: "acquire" });
    this.#isAwaitingJob = true;
    return current;
  }

  /** What an earlier run has fetched stays; what the wrong guess has brought goes. */
  #giveUpGuess(): void {
    this.#letGo((this.#current?.resumedBytes ?? 0) > 0);
  }

  #onAdmitted(nowMs: number, transfer: TransferId): void {
    this.#isAwaitingJob = false;
    const current = this.#current;
    const offer = current && this.#gathering.of(current.content)[0];
    if (this.#stage !== "queued" || current === undefined || offer === undefined) {
      this.#act({ kind: "release", transfer });
      if (this.#stage === "queued") this.#onOrphaned(nowMs);
      return;
    }
    this.#stage = "opening";
    const { outDir, onTaken, query, pinned } = this.#settings;
    const name = this.#targetName(offer);
    const supersedes = query.by === "name" && pinned === undefined;
    current.open({ transfer, outDir, name, ...timeOf(offer), onTaken, supersedes });
  }

  /** What was asked for by name keeps that name; by content, the last part of what a server calls it. */
  #targetName(offer: Offer): SafeFileName {
    const { query, savedAs } = this.#settings;
    if (savedAs !== undefined) return savedAs;
    return query.by === "name" ? query.name : nameOfContent(offer.name);
  }

  // — What becomes of the transfer ——————————————————————————————————————————————————————————————

  #onTarget({ reply }: Extract<DownloadEvent, { kind: "target" }>): TransferOutcome | undefined {
    const outcome = this.#current?.onTarget(reply);
    if (this.#stage === "opening" && this.#current?.isOpened) this.#stage = "fetching";
    return outcome;
  }

  #onOutcome(nowMs: number, outcome: TransferOutcome | undefined): void {
    switch (outcome?.kind) {
      case undefined:
        return;
      case "done":
        return this.#onDone(nowMs, this.#current!, outcome);
      case "unverified":
        return this.#onUnverified(nowMs, this.#current!);
      case "failed":
        return this.#fail(ShoalError.fromMessage(outcome.error));
      case "unreachable":
        return this.#onUnreachable(this.#current!, ShoalError.fromMessage(outcome.error));
      case "stalled":
        return this.#onStalled(outcome.inARow);
      case "orphaned":
        // A liar who is faster than others is found out before these have been given work.
        return this.#current?.hasUntried ? undefined : this.#onOrphaned(nowMs);
      case "lost":
        return this.#onLost(nowMs, this.#current!, outcome);
      default:
        outcome satisfies never;
    }
  }

  #onDone(
    nowMs: number,
    { transfer, content, resumedBytes, name }: ContentTransfer,
    { path, isPresent }: Done,
  ): void {
    // The coordinator must still know who gave what.
    const about = { transfer: transfer!, content, name: name!, resumedBytes };
    const isGrowing = this.#gathering.of(content).some((offer) => offer.isGrowing);
    this.#act({ kind: "done", ...about, path, isPresent, ...(isGrowing && { isGrowing }) });
    if (nowMs >= this.#listenedMs) return this.#end();
    this.#letGo(true);
    this.#stage = "listening";
  }

  /** Until when those who hold another content are listened to, whoever has brought the chosen one. */
  get #listenedMs(): number {
    if (!this.#isUnpinned || this.#chosen === undefined) return -Infinity;
    const { openedMs } = this.#gathering;
    const { votes, party, content } = this.#chosen;
    const claimsEndMs = this.#gathering.claimsEndMs(LATE_CLAIM_PATIENCE_MS, content);
    const isOneWord = votes === 1 && party !== LOOPBACK_ADDRESS && this.#settings.asksAnybody;
    const endMs = isOneWord ? openedMs + LATE_OFFERS_MS : -Infinity;
    return Math.max(
      endMs,
      Math.min(claimsEndMs, openedMs + LATE_OFFERS_MS + LATE_CLAIM_PATIENCE_MS),
    );
  }

  /** That offer was a lie. */
  #onUnverified(nowMs: number, { content, isMeant }: ContentTransfer): void {
    const { name } = this.#settings;
    if (!isMeant) {
      this.#gathering.distrust(content);
      return this.#giveUpGuess();
    }
    this.#notice("warning", texts.wholeIsAnother(name));
    this.#gathering.distrust(content);
    this.#letGo(false);
    this.#chosen = undefined;
    if (this.#gathering.decide().kind !== "none") return this.#choose(nowMs);
    this.#fail(texts.unverified(name));
  }

  #onStalled(inARow: number): void {
    const current = this.#current;
    // Nobody has to have what was only guessed: the search knows when nobody answers.
    if (current?.isMeant !== true) return;
    const { name, retries } = this.#settings;
    if (inARow >= retries) return this.#onUnreachable(current, texts.stalled(name));
    this.#act({ kind: "waiting", attempt: inARow + 1, message: "nothing arrives" });
  }

  /** Its patience is at its end: what that means for its servers is decided for all who wait for them. */
  #onUnreachable({ content }: ContentTransfer, error: ShoalError): void {
    if (this.#lastWord !== undefined) return;
    this.#lastWord = error;
    const servers = this.#gathering.of(content).map(({ server }) => server);
    this.#act({ kind: "waited", servers });
  }

  /** Why nothing can come any more; what is still queued may turn out to be there. */
  get #silence(): ShoalError | undefined {
    const current = this.current;
    if (this.#givenUp.isEmpty || current?.isMeant !== true) return undefined;
    if (!current.needsServers) return undefined;
    return this.#givenUp.silenceOf(this.#gathering.of(current.content));
  }

  #onLost(nowMs: number, current: ContentTransfer, { server, reason }: Lost): void {
    if (reason === "lying") {
      this.#notice("warning", texts.droppedLiar(server, this.#gathering.ofServer(server)));
      this.#gathering.drop(server);
    }
    this.#gathering.forget(server, current.content);
    // Who has not answered yet may still have it; those who never do are seen by the timeout.
    if (current.isCoordinated) return;
    if (this.#gathering.of(current.content).length === 0) this.#onOrphaned(nowMs);
  }

  /** Nobody holds the content any more: it changed, or those who had it lied. Look again. */
  #onOrphaned(nowMs: number): void {
    // Whoever is fast would end the search before others are heard: the time for offers runs on.
    if (this.#current?.isMeant === false) return this.#giveUpGuess();
    const [rival] = this.#rivals;
    if (rival !== undefined) return this.#turnTo(nowMs, rival, true);
    const { name, retries } = this.#settings;
    const hasLiars = this.#gathering.hasDropped;
    if (this.#searches >= retries) return this.#fail(texts.orphaned(name, hasLiars));
    this.#searches += 1;
    this.#notice("warning", texts.searchingAgain(name, hasLiars));
    this.#letGo(true);
    this.#chosen = undefined;
    this.#gathering.restart();
    this.#act({ kind: "finish" });
    this.#act({ kind: "searchAgain" });
  }

  // — Rivals ————————————————————————————————————————————————————————————————————————————————————

  /** Of contents that share the pinned SHA-256 those that are lies may bring nothing, for ever. */
  #watchRivals(nowMs: number, bytes: number | undefined): void {
    const current = this.#current;
    const isAtWork = this.#stage === "opening" || this.#stage === "fetching";
    const rivals = this.#rivals;
    if (current === undefined || !isAtWork || rivals.length === 0) return this.#turns.stop();
    if (bytes === undefined && this.#turns.endMs < Infinity) return;
    const next = this.#turns.next(nowMs, current.content, bytes ?? current.resumedBytes, rivals);
    if (next !== undefined) this.#turnTo(nowMs, next, (bytes ?? 0) > 0);
  }

  get #rivals(): readonly Content[] {
    const current = this.#current;
    if (current?.isMeant !== true || this.#isUnpinned) return [];
    return this.#gathering.rivalsOf(current.content);
  }

  /** What is there of the one before stays, for its next turn. */
  #turnTo(nowMs: number, content: Content, keepsPart: boolean): void {
    this.#letGo(keepsPart);
    this.#onOutcome(nowMs, this.#begin(content).mean());
  }

  // — Ends ——————————————————————————————————————————————————————————————————————————————————————

  /** What is verified stays in the part file. */
  #fail(error: ShoalError): void {
    this.#act({ kind: "failed", error });
    this.#end();
  }

  #end(): void {
    this.#gathering.close();
    if (this.#chosen !== undefined && this.#isUnpinned) {
      this.#late.tell(this.#gathering.decide(), this.#chosen.content);
    }
    this.#letGo(true);
    this.#act({ kind: "finish" });
    this.#stage = "ended";
  }

  /** As before the first offer, as far as the transfer is concerned. */
  #letGo(keepsPart: boolean): void {
    this.#current?.close(keepsPart);
    this.#current = undefined;
    this.#lastWord = undefined;
    this.#stage = "searching";
  }

  #notice(level: "info" | "warning", message: string): void {
    this.#act({ kind: "notice", level, message });
  }

  #act(action: DownloadAction): void {
    this.#actions.push(action);
  }
}
