/**
 * One name of a `get`, from its first offer to its last: choose a content, open the target, fetch the
 * layer, let the coordinator bring the chunks, and say how it ended. What moves bytes is elsewhere.
 */
import type { Bytes, SafeFileName, ServerId, TransferId } from "../../ids.ts";
import { type Content, endpointText, sameContent, sourceId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { GATHER_MS } from "./limits.ts";
import { nowMs, WakeupTimer } from "../../io/system/clock.ts";
import type { AssemblerReply } from "../../messages/assembler.ts";
import type { ConfirmedPath } from "../../protocol/download/layer_fetch.ts";
import { ContentChoice } from "../../protocol/discovery/content_choice.ts";
import type { Offer, PendingNotice } from "../../protocol/discovery/finder.ts";
import type { Query } from "../../wire/frames.ts";
import type { PoolNews } from "./worker_pool.ts";
import type { DownloadContext } from "./download_context.ts";
import type { DoneEvent, FailedEvent, ServerShare } from "../events.ts";
import { OfferBook } from "../../protocol/discovery/offer_book.ts";
import type { Find, FindHandlers } from "../discovery/search.ts";
import { Sources } from "./sources.ts";

type TransferReply = Extract<AssemblerReply, { transfer: TransferId }>;

type Stage = "searching" | "queued" | "opening" | "fetching" | "classic" | "ended";

export class Download implements Omit<FindHandlers, "onClassicDue"> {
  readonly name: string;
  readonly query: Query;
  readonly ended: Promise<DoneEvent | FailedEvent>;
  readonly #context: DownloadContext;
  readonly #end: (event: DoneEvent | FailedEvent) => void;
  readonly #gather = new WakeupTimer(() => this.#choose());
  readonly #offers = new OfferBook();
  #stage: Stage = "searching";
  #find: Find | undefined;
  /** Which query of `#find` is ours. */
  #queryIndex = 0;
  #choice: ContentChoice;
  /** Whether offers are still awaited, so that `#content` may yet turn out to be another. */
  #isGathering = false;
  #content: Content | undefined;
  #transfer: TransferId | undefined;
  #sources: Sources | undefined;
  #isTransferring = false;
  /** How the transfer ended, while it is not certain that its content was the right one. */
  #heldReply: TransferReply | undefined;
  #have: Bytes = new Uint8Array(0);
  /** Where the file is, once it is published. */
  #finishedPath: string | undefined;
  #resumedBytes = 0;
  #startedMs: number;
  #stalls = 0;
  #searches = 1;

  constructor(context: DownloadContext, name: string, query: Query) {
    this.#context = context;
    this.name = name;
    this.query = query;
    this.#choice = this.#freshChoice();
    this.#startedMs = nowMs();
    ({ promise: this.ended, resolve: this.#end } = Promise.withResolvers());
  }

  /** The search that looks for this name has begun. */
  begin(find: Find, queryIndex: number): void {
    if (this.#find === undefined) this.#startedMs = find.startedMs;
    this.#find = find;
    this.#queryIndex = queryIndex;
  }

  /** When the first FIND for it left. */
  get startedMs(): number {
    return this.#startedMs;
  }

  /** Whether nobody has offered it so far, so that a classic server may. */
  get isSearching(): boolean {
    return this.#stage === "searching" && this.#offers.isEmpty;
  }

  get progress(): { readonly bytes: number; readonly sizeBytes: number } | undefined {
    if (this.#stage !== "fetching" || this.#transfer === undefined) return undefined;
    let bytes = this.#resumedBytes;
    for (const tally of this.#context.crew.coordinator.tallies(this.#transfer).values()) {
      bytes += tally.bytes;
    }
    return { bytes, sizeBytes: this.#content?.sizeBytes ?? 0 };
  }

  // — What the search says ——————————————————————————————————————————————————————————————————————

  onOffer(_queryIndex: number, offer: Offer): void {
    if (this.#stage === "ended" || this.#stage === "classic") return;
    const { content, server, path } = offer;
    // The search must not wait for what nobody is going to take.
    if (this.#offers.isDropped(server)) return this.#find?.disbelieve(this.#queryIndex, server);
    const isNew = this.#offers.add(offer, this.#content);
    if (isNew) this.#tellOffer(offer);
    this.#choice.add(offer);
    if (this.#content === undefined) this.#gatherMore();
    else if (sameContent(content, this.#content)) this.#sources?.add(offer);
    else if (isNew && !this.#isGathering) {
      const address = endpointText(path.endpoint);
      this.#notice("info", `${address} offers another file under this name: left aside`);
    }
  }

  onPending(_queryIndex: number, pending: PendingNotice): void {
    if (this.#stage !== "searching") return;
    const { hashedBytes, sizeBytes, endpoint } = pending;
    const share = sizeBytes === 0 ? 100 : Math.floor(100 * hashedBytes / sizeBytes);
    this.#waiting(1, `${endpointText(endpoint)} is still hashing it (${share} %)`);
  }

  onAttempt(_queryIndex: number, attempt: number): void {
    if (this.#stage === "searching") this.#waiting(attempt, "no answer yet");
  }

  onNotFound(_queryIndex: number, similar: readonly string[]): void {
    if (this.#stage !== "searching") return;
    const meant = similar.map((each) => `'${each}'`).join(" or ");
    const hint = meant === "" ? {} : { hint: `Did you mean ${meant}?` };
    const absence = new ShoalError("not_found", `no server has '${this.name}'`, hint);
    this.fail(this.#unverified ?? absence);
  }

  onTimedOut(_queryIndex: number, hint?: string): void {
    if (this.#stage !== "searching") return;
    const message = `nobody answered the search for '${this.name}'`;
    const silence = new ShoalError("no_server", message, hint === undefined ? {} : { hint });
    this.fail(this.#unverified ?? silence);
  }

  // — Choosing and opening ——————————————————————————————————————————————————————————————————————

  /**
   * The first offer that may be chosen starts the time in which others may come. Nearly always it is
   * what will be chosen, so its transfer begins at once; only publishing waits for the choice.
   */
  #gatherMore(): void {
    if (this.#stage !== "searching" || this.#isGathering) return;
    const choice = this.#choice.decide();
    if (choice.kind === "none") return;
    this.#isGathering = true;
    this.#gather.set(nowMs() + GATHER_MS);
    if (choice.kind === "chosen" && this.#context.looksAhead) this.#begin(choice.content);
  }

  #lookInto(content: Content): Sources | undefined {
    if (content.sizeBytes === 0) return undefined;
    const sources = new Sources(this.#context.search, content, {
      onConfirmed: (server, paths) => this.#onConfirmed(server, paths),
      onLayer: () => this.#transferWhenReady(),
      onLost: (server, reason) => this.#onLost(server, reason),
      onStalled: () => this.#onStalled(),
    });
    for (const offer of this.#offers.of(content)) sources.add(offer);
    return sources;
  }

  #choose(): void {
    this.#isGathering = false;
    const choice = this.#choice.decide();
    if (choice.kind === "chosen") {
      this.#begin(choice.content);
      this.#find?.settle(this.#queryIndex);
      return this.#publishWhenChosen();
    }
    this.#giveUpGuess();
    if (choice.kind === "none") return;
    const message = `servers disagree about '${this.name}': ${choice.message}`;
    this.fail(new ShoalError("ambiguous", message, { hint: choice.hint }));
  }

  /** Transfers this content from now on, and none that was begun before. */
  #begin(content: Content): void {
    if (this.#content !== undefined && sameContent(content, this.#content)) return;
    this.#giveUpGuess();
    this.#content = content;
    if (this.#context.looksAhead) this.#sources = this.#lookInto(content);
    this.#stage = "queued";
    this.#context.acquire(() => this.#open());
  }

  /** What an earlier run has fetched stays; what the wrong guess has brought goes. */
  #giveUpGuess(): void {
    this.#letGo(this.#resumedBytes > 0);
    this.#stage = "searching";
  }

  #open(): void {
    if (this.#stage === "ended") return this.#context.release();
    const content = this.#content!;
    const [offer] = this.#offers.of(content);
    if (offer === undefined) {
      this.#context.release();
      return this.#afterOrphaned();
    }
    this.#stage = "opening";
    this.#transfer = this.#context.adopt(this);
    this.#context.crew.askAssembler({
      kind: "open",
      transfer: this.#transfer,
      outDir: this.#context.outDir,
      name: this.#targetName(offer),
      content,
      mtimeMs: offer.mtimeMs,
      force: this.#context.force,
    });
  }

  /** What was asked for by name keeps that name; by hash, the name that it has on the server. */
  #targetName(offer: Offer): SafeFileName {
    return this.query.by === "name" ? this.query.name : offer.name;
  }

  // — What the assembler says ———————————————————————————————————————————————————————————————————

  onAssembler(reply: TransferReply): void {
    if (this.#stage === "ended" || reply.transfer !== this.#transfer) return;
    if (this.#isGathering && (reply.kind === "present" || reply.kind === "transferFailed")) {
      this.#heldReply = reply;
      return;
    }
    switch (reply.kind) {
      case "present":
        return this.#done(reply.path, true);
      case "opened":
        return this.#onOpened(reply);
      case "unproved":
        this.#notice("warning", `${reply.chunks.length} chunks on disk were bad: fetching anew`);
        return this.#context.crew.step({ ...reply });
      case "finished":
        this.#finishedPath = reply.path;
        return this.#doneWhenTold();
      case "unverified":
        return this.#onUnverified();
      case "transferFailed":
        return this.fail(ShoalError.fromMessage(reply.error));
      case "aborted":
        return;
      default:
        reply satisfies never;
    }
  }

  #onOpened(reply: Extract<AssemblerReply, { kind: "opened" }>): void {
    this.#stage = "fetching";
    this.#have = reply.have;
    this.#resumedBytes = reply.haveBytes;
    const content = this.#content!;
    this.#sources ??= this.#lookInto(content);
    if (reply.layer !== undefined) this.#sources?.know(reply.layer, this.#offers.of(content));
    this.#transferWhenReady();
    this.#publishWhenChosen();
  }

  /** The choice is made and the target open: what becomes of the transfer counts. */
  #publishWhenChosen(): void {
    if (this.#isGathering || this.#transfer === undefined) return;
    const reply = this.#heldReply;
    this.#heldReply = undefined;
    if (reply !== undefined) return this.onAssembler(reply);
    if (this.#stage !== "fetching") return;
    this.#context.crew.askAssembler({ kind: "publish", transfer: this.#transfer });
  }

  /** Target and layer are both there: the coordinator can begin. */
  #transferWhenReady(): void {
    const layer = this.#sources?.layer;
    if (this.#stage !== "fetching" || this.#isTransferring || layer === undefined) return;
    const transfer = this.#transfer!;
    const have = this.#have;
    this.#context.crew.askAssembler({ kind: "layer", transfer, layer });
    this.#context.crew.step({
      kind: "transfer",
      transfer,
      content: this.#content!,
      layer,
      isVerified: (chunk) => ((have[chunk >> 3] ?? 0) & (1 << (chunk & 7))) !== 0,
    });
    this.#isTransferring = true;
    for (const [server, paths] of this.#sources!.confirmed) this.#hold(server, paths);
  }

  #onConfirmed(server: ServerId, paths: readonly ConfirmedPath[]): void {
    if (this.#stage === "ended" || this.#offers.isDropped(server)) return;
    this.#context.addresses.set(server, endpointText(paths[0]!.endpoint));
    if (this.#isTransferring) this.#hold(server, paths);
    // What will move the file starts while its target is opened and its layer is on its way.
    else this.#context.crew.warmUp(this.#sources?.confirmed.size ?? 0);
  }

  #hold(server: ServerId, paths: readonly ConfirmedPath[]): void {
    const routes = paths.map((path) => ({ kind: "datagrams" as const, ...path }));
    const source = sourceId(server, "datagrams");
    const transfer = this.#transfer!;
    this.#context.crew.step({ kind: "provider", source, server, routes, transfer });
  }

  #onLost(server: ServerId, reason: "gone" | "lying"): void {
    if (this.#stage === "ended") return;
    this.#sources?.remove(server);
    const offer = this.#offers.ofServer(server);
    if (reason === "lying") {
      this.#offers.drop(server);
      const address = offer === undefined ? server : endpointText(offer.path.endpoint);
      this.#notice("warning", `${address} sent hashes that do not prove the file: dropped`);
    }
    this.#offers.forget(server);
    // Who has not answered yet may still have it; those who never do are seen by the timeout.
    if (this.#content === undefined || this.#isTransferring) return;
    if (this.#offers.of(this.#content).length === 0) this.#afterOrphaned();
  }

  // — Trouble ———————————————————————————————————————————————————————————————————————————————————

  onNews(news: Extract<PoolNews, { transfer: TransferId }>): void {
    if (this.#stage === "ended" || news.transfer !== this.#transfer) return;
    switch (news.kind) {
      case "complete":
        return this.#doneWhenTold();
      case "stalled":
        return this.#onStalled();
      case "orphaned":
        return this.#afterOrphaned();
      default:
        news satisfies never;
    }
  }

  /** Nothing has come for a whole timeout. */
  #onStalled(): void {
    this.#stalls += 1;
    if (this.#stalls >= this.#context.retries) {
      return this.fail(new ShoalError("stalled", `nothing more of '${this.name}' arrives`));
    }
    this.#waiting(this.#stalls + 1, "nothing arrives");
  }

  /** A server was caught lying, whoever noticed. */
  onDropped(server: ServerId): void {
    this.#offers.drop(server);
    this.#sources?.remove(server);
  }

  /** Nobody holds the content any more: it changed, or those who had it lied. Look again. */
  #afterOrphaned(): void {
    const hasLiars = this.#offers.hasDropped;
    if (this.#searches >= this.#context.retries) {
      const message = `no server still offers '${this.name}' as it was`;
      return this.fail(new ShoalError(hasLiars ? "unverified" : "changed", message));
    }
    this.#searches += 1;
    const why = hasLiars
      ? `every server of '${this.name}' sent bad chunks: looking for others`
      : `'${this.name}' changed on its server: looking again`;
    this.#notice("warning", why);
    this.#stopGathering();
    this.#letGo(true);
    this.#find?.finish(this.#queryIndex);
    this.#stage = "searching";
    this.#offers.clear();
    this.#choice = this.#freshChoice();
    this.#context.searchAgain(this);
  }

  /** Each chunk was proved and the whole is not what was offered: that offer was a lie. */
  #onUnverified(): void {
    this.#notice("warning", `the whole of '${this.name}' is not what was offered: trying others`);
    for (const { server } of this.#offers.of(this.#content!)) this.#offers.drop(server);
    this.#choice.distrust(this.#content!);
    this.#letGo(false);
    this.#stage = "searching";
    if (this.#choice.decide().kind !== "none") return this.#choose();
    this.fail(this.#unverified!);
  }

  /** What is to be said when nothing came of it because servers were caught lying. */
  get #unverified(): ShoalError | undefined {
    const error = new ShoalError("unverified", `'${this.name}' could not be verified`);
    return this.#offers.hasDropped ? error : undefined;
  }

  #stopGathering(): void {
    this.#gather.clear();
    this.#isGathering = false;
  }

  /** Lets go of the transfer, and of the job's slot. */
  #letGo(keepsPart: boolean): void {
    this.#sources?.close();
    this.#sources = undefined;
    if (this.#transfer !== undefined) {
      this.#context.crew.step({ kind: "forget", transfer: this.#transfer });
      const transfer = this.#transfer;
      this.#context.crew.askAssembler({ kind: "abort", transfer, keep: keepsPart });
      this.#context.release();
    }
    this.#transfer = undefined;
    this.#content = undefined;
    this.#isTransferring = false;
    this.#heldReply = undefined;
    this.#resumedBytes = 0;
  }

  // — Ends ——————————————————————————————————————————————————————————————————————————————————————

  /** The assembler may be done before the last receiver has said who gave what. */
  #doneWhenTold(): void {
    if (this.#finishedPath === undefined || this.#transfer === undefined) return;
    if (!this.#context.crew.coordinator.isComplete(this.#transfer)) return;
    this.#done(this.#finishedPath, false);
  }

  #done(path: string, isPresent: boolean): void {
    const { sizeBytes: size, sha256, root } = this.#content!;
    const event: DoneEvent = {
      event: "done",
      name: this.name,
      path,
      size,
      sha256,
      root,
      seconds: (nowMs() - this.#startedMs) / 1000,
      resumedBytes: this.#resumedBytes,
      present: isPresent,
      servers: this.#shares(),
    };
    this.#finish(event);
  }

  /** Ends the download; what is verified stays in the part file. */
  fail(error: ShoalError): void {
    if (this.#stage === "ended") return;
    const { code, message, hint } = error;
    this.#finish({ event: "failed", name: this.name, code, message, hint });
  }

  /** A classic server has brought the file, or has failed to after it was yielded to. */
  endElsewhere(event: DoneEvent | FailedEvent): void {
    if (this.#stage === "classic") this.#finish(event);
  }

  /** A classic server answered first: Shoal servers are no longer waited for. */
  yieldToClassic(): boolean {
    if (!this.isSearching) return false;
    this.#stage = "classic";
    this.#find?.finish(this.#queryIndex);
    return true;
  }

  #finish(event: DoneEvent | FailedEvent): void {
    this.#stopGathering();
    this.#letGo(true);
    this.#find?.finish(this.#queryIndex);
    this.#stage = "ended";
    this.#context.emit(event);
    this.#end(event);
  }

  #shares(): ServerShare[] {
    if (this.#transfer === undefined) return [];
    const tallies = this.#context.crew.coordinator.tallies(this.#transfer);
    return [...tallies].map(([id, tally]) => ({
      server: this.#context.addresses.get(id) ?? "",
      id,
      ...tally,
    }));
  }

  // — Telling ———————————————————————————————————————————————————————————————————————————————————

  #tellOffer({ server, path, content }: Offer): void {
    this.#context.emit({
      event: "offer",
      name: this.name,
      server: endpointText(path.endpoint),
      id: server,
      size: content.sizeBytes,
      sha256: content.sha256,
      root: content.root,
    });
  }

  #waiting(attempt: number, message: string): void {
    const { retries: attempts } = this.#context;
    this.#context.emit({ event: "waiting", name: this.name, attempt, attempts, message });
  }

  #notice(level: "info" | "warning", message: string): void {
    this.#context.emit({ event: "notice", level, message });
  }

  #freshChoice(): ContentChoice {
    return new ContentChoice(this.#context.pinned);
  }
}
