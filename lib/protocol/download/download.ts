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
 * | ended     |                                                                            |
 *
 * Beside these, offers are gathered for a moment after the first. That one is nearly always what will
 * be chosen, so its transfer begins at once; until the choice its content is a guess, and nothing that
 * becomes of it counts.
 */
import { type Content, type SafeFileName, sameContent, type TransferId } from "../../ids.ts";
import type { ServerId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { FindNews, Offer } from "../discovery/finder.ts";
import { ContentTransfer, type TransferHost, type TransferOutcome } from "./content_transfer.ts";
import type { DownloadAction, DownloadEvent, DownloadSettings } from "./download_messages.ts";
import * as texts from "./download_texts.ts";
import { Gathering } from "./gathering.ts";
import { STREAM_FALLBACK_MS, STREAM_TRIES_MAX } from "./limits.ts";

type Stage = "searching" | "queued" | "opening" | "fetching" | "classic" | "ended";
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
  #stalls = 0;
  #searches = 1;
  /** When those who offer it are tried over TCP, as nobody has answered over UDP. */
  #streamDueMs = Infinity;
  #actions: DownloadAction[] = [];

  constructor(settings: DownloadSettings) {
    this.#settings = settings;
    this.#gathering = new Gathering(settings.pinned);
  }

  get stage(): Stage {
    return this.#stage;
  }

  /** Whether nobody has offered it so far, so that a classic server may. */
  get isSearching(): boolean {
    return this.#stage === "searching" && this.#gathering.isEmpty;
  }

  /** What is being fetched; `undefined` while nothing is. */
  get current(): ContentTransfer | undefined {
    return this.#stage === "fetching" ? this.#current : undefined;
  }

  handle(nowMs: number, event: DownloadEvent): readonly DownloadAction[] {
    this.#actions = [];
    if (this.#stage !== "ended") {
      this.#on(nowMs, event);
      this.#watchSilence(nowMs);
    } else if (event.kind === "admitted") this.#act({ kind: "release", transfer: event.transfer });
    return this.#actions;
  }

  nextWakeupMs(): number {
    return Math.min(this.#gathering.endMs, this.#streamDueMs);
  }

  #on(nowMs: number, event: DownloadEvent): void {
    switch (event.kind) {
      case "find":
        return this.#onFind(nowMs, event.news, event.hint);
      case "layerFetch":
        return this.#onOutcome(this.#current?.onLayerFetch(event.fetch, event.news));
      case "target":
        return this.#onOutcome(this.#onTarget(event));
      case "transfer":
        return this.#onOutcome(this.#current?.onTransfer(event.news));
      case "admitted":
        return this.#onAdmitted(event.transfer);
      case "dropped":
        this.#gathering.drop(event.server);
        return this.#current?.remove(event.server);
      case "unheard":
        return this.#onUnheard(event.server);
      case "classicAnswered":
        return this.#onClassicAnswered();
      case "classicEnded":
        if (this.#stage === "classic") this.#end();
        return;
      case "fail":
        return this.#fail(event.error);
      case "wakeup":
        if (nowMs >= this.#gathering.endMs) this.#choose();
        return;
      default:
        event satisfies never;
    }
  }

  // — What the search says ——————————————————————————————————————————————————————————————————————

  #onFind(nowMs: number, news: FindNews, hint: string | undefined): void {
    if (news.kind === "offer") return this.#onOffer(nowMs, news.offer);
    if (this.#stage !== "searching") return;
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
        const { name } = this.#settings;
        const { hasDropped } = this.#gathering;
        return this.#fail(
          hasDropped ? texts.unverified(name) : texts.searchFailure(name, news, hint),
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
    const { content, server } = offer;
    // The search must not wait for what nobody is going to take.
    if (this.#gathering.isDropped(server)) return this.#act({ kind: "disbelieve", server });
    const current = this.#current;
    const isNew = this.#gathering.add(offer, current?.content);
    if (isNew) this.#act({ kind: "offered", offer });
    if (current === undefined) this.#gatherMore(nowMs);
    else if (sameContent(content, current.content)) current.addOffer(offer);
    else if (isNew && !this.#gathering.isOpen) this.#notice("info", texts.leftAside(offer));
  }

  /** A classic server is taken only where nobody else has offered the name. */
  #onClassicAnswered(): void {
    if (!this.isSearching) return;
    this.#stage = "classic";
    this.#act({ kind: "finish" });
  }

  // — Choosing and opening ——————————————————————————————————————————————————————————————————————

  /** The first offer that may be chosen starts the time in which others may come. */
  #gatherMore(nowMs: number): void {
    if (this.#gathering.isOpen) return;
    const choice = this.#gathering.decide();
    if (choice.kind === "none") return;
    this.#gathering.open(nowMs);
    if (choice.kind === "chosen" && this.#settings.looksAhead) this.#begin(choice.content);
  }

  #choose(): void {
    this.#gathering.close();
    const choice = this.#gathering.decide();
    if (choice.kind === "chosen") {
      const current = this.#begin(choice.content);
      this.#act({ kind: "settle" });
      return this.#onOutcome(current.mean());
    }
    this.#giveUpGuess();
    if (choice.kind === "ambiguous") this.#fail(texts.ambiguous(this.#settings.name, choice));
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

  #onAdmitted(transfer: TransferId): void {
    this.#isAwaitingJob = false;
    const current = this.#current;
    const offer = current && this.#gathering.of(current.content)[0];
    if (this.#stage !== "queued" || current === undefined || offer === undefined) {
      this.#act({ kind: "release", transfer });
      if (this.#stage === "queued") this.#onOrphaned();
      return;
    }
    this.#stage = "opening";
    const { outDir, force } = this.#settings;
    const { mtimeMs } = offer;
    current.open({ transfer, outDir, name: this.#targetName(offer), mtimeMs, force });
  }

  /** What was asked for by name keeps that name; by hash, the name that it has on the server. */
  #targetName(offer: Offer): SafeFileName {
    const { query } = this.#settings;
    return query.by === "name" ? query.name : offer.name;
  }

  // — What becomes of the transfer ——————————————————————————————————————————————————————————————

  #onTarget({ reply }: Extract<DownloadEvent, { kind: "target" }>): TransferOutcome | undefined {
    const outcome = this.#current?.onTarget(reply);
    if (this.#stage === "opening" && this.#current?.isOpened) this.#stage = "fetching";
    return outcome;
  }

  #onOutcome(outcome: TransferOutcome | undefined): void {
    switch (outcome?.kind) {
      case undefined:
        return;
      case "done":
        return this.#onDone(this.#current!, outcome);
      case "unverified":
        return this.#onUnverified(this.#current!);
      case "failed":
        return this.#fail(ShoalError.fromMessage(outcome.error));
      case "stalled":
        return this.#onStalled();
      case "orphaned":
        return this.#onOrphaned();
      case "lost":
        return this.#onLost(this.#current!, outcome);
      default:
        outcome satisfies never;
    }
  }

  #onDone({ transfer, content, resumedBytes }: ContentTransfer, { path, isPresent }: Done): void {
    // The coordinator must still know who gave what.
    this.#act({ kind: "done", transfer: transfer!, content, path, resumedBytes, isPresent });
    this.#end();
  }

  /** That offer was a lie. */
  #onUnverified({ content }: ContentTransfer): void {
    const { name } = this.#settings;
    this.#notice("warning", texts.wholeIsAnother(name));
    this.#gathering.distrust(content);
    this.#letGo(false);
    if (this.#gathering.decide().kind !== "none") return this.#choose();
    this.#fail(texts.unverified(name));
  }

  /** Somebody offers it, and nobody answers on the ports that the offers name: TCP may pass. */
  #watchSilence(nowMs: number): void {
    const current = this.#current;
    if (current === undefined || !current.lacksProviders) {
      this.#streamDueMs = Infinity;
    } else if (nowMs < this.#streamDueMs) {
      this.#streamDueMs = Math.min(this.#streamDueMs, nowMs + STREAM_FALLBACK_MS);
    } else {
      this.#streamDueMs = nowMs + STREAM_FALLBACK_MS;
      this.#tryStreams(current);
    }
  }

  #tryStreams(current: ContentTransfer): void {
    let tries = 0;
    for (const offer of this.#gathering.of(current.content)) {
      if (tries < STREAM_TRIES_MAX && current.tryStream(offer)) tries += 1;
    }
  }

  /** What it says arrives, and what it sends does not. */
  #onUnheard(server: ServerId): void {
    const current = this.#current;
    const offer = this.#gathering.ofServer(server);
    if (current === undefined || offer === undefined) return;
    if (sameContent(offer.content, current.content)) current.tryStream(offer);
  }

  #onStalled(): void {
    this.#stalls += 1;
    const { name, retries } = this.#settings;
    if (this.#stalls >= retries) return this.#fail(texts.stalled(name));
    this.#act({ kind: "waiting", attempt: this.#stalls + 1, message: "nothing arrives" });
    // Those who answered bring nothing, and those who only offer it may not be reached over UDP.
    if (this.#current !== undefined) this.#tryStreams(this.#current);
  }

  #onLost(current: ContentTransfer, { server, reason }: Lost): void {
    if (reason === "lying") {
      this.#notice("warning", texts.droppedLiar(server, this.#gathering.ofServer(server)));
      this.#gathering.drop(server);
    }
    this.#gathering.forget(server);
    // Who has not answered yet may still have it; those who never do are seen by the timeout.
    if (current.isCoordinated) return;
    if (this.#gathering.of(current.content).length === 0) this.#onOrphaned();
  }

  /** Nobody holds the content any more: it changed, or those who had it lied. Look again. */
  #onOrphaned(): void {
    const { name, retries } = this.#settings;
    const hasLiars = this.#gathering.hasDropped;
    if (this.#searches >= retries) return this.#fail(texts.orphaned(name, hasLiars));
    this.#searches += 1;
    this.#notice("warning", texts.searchingAgain(name, hasLiars));
    this.#letGo(true);
    this.#gathering.restart();
    this.#act({ kind: "finish" });
    this.#act({ kind: "searchAgain" });
  }

  // — Ends ——————————————————————————————————————————————————————————————————————————————————————

  /** What is verified stays in the part file. */
  #fail(error: ShoalError): void {
    this.#act({ kind: "failed", error });
    this.#end();
  }

  #end(): void {
    this.#gathering.close();
    this.#letGo(true);
    this.#act({ kind: "finish" });
    this.#stage = "ended";
  }

  /** As before the first offer, as far as the transfer is concerned. */
  #letGo(keepsPart: boolean): void {
    this.#current?.close(keepsPart);
    this.#current = undefined;
    this.#stage = "searching";
  }

  #notice(level: "info" | "warning", message: string): void {
    this.#act({ kind: "notice", level, message });
  }

  #act(action: DownloadAction): void {
    this.#actions.push(action);
  }
}
