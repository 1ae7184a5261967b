/**
 * One content on its way into one target: who provides it, its piece layer, what an earlier run has
 * left of it. It brings the three together and lets the coordinator begin once they are there. Which
 * content it should be, and what follows from its outcome, is decided by {@linkcode Download}.
 *
 * Until it is told that its content is the one that is meant, nothing is published, and an end that came
 * by itself is held back.
 */
import type { ErrorMessage } from "../../errors.ts";
import type { Bytes, Content, SafeFileName, ServerId, SourceId } from "../../ids.ts";
import { sourceId, type TransferId } from "../../ids.ts";
import type { Offer } from "../discovery/finder.ts";
import { chunkCountFor, chunkLength } from "../merkle/merkle.ts";
import type { DownloadAction, TransferNews } from "./download_messages.ts";
import type { LayerNews } from "./layer_fetch.ts";
import { PATH_WARM_UP_BYTES_MIN } from "./limits.ts";
import { hasSeveralPaths } from "./path_plan.ts";
import { isAsked, type Provider } from "./provider.ts";
import type { TargetReply, TargetRequest } from "./target_messages.ts";

type OpenRequest = Omit<
  Extract<TargetRequest, { kind: "open" }>,
  "kind" | "content" | "mayPublish"
>;
type Opened = Extract<TargetReply, { kind: "opened" }>;

/** What has become of it, as far as that is not its own business. */
export type TransferOutcome =
  | { readonly kind: "done"; readonly path: string; readonly isPresent: boolean }
  /** Each chunk was proved and the whole is not what was offered. */
  | { readonly kind: "unverified" }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  /** The only way to a server is closed, and was for all of the patience. */
  | { readonly kind: "unreachable"; readonly error: ErrorMessage }
  /** Nothing has arrived for a whole timeout, so many times in a row; it continues. */
  | { readonly kind: "stalled"; readonly inARow: number }
  /** Nobody holds the content any more. */
  | { readonly kind: "orphaned" }
  /** This server is asked no more. */
  | { readonly kind: "lost"; readonly server: ServerId; readonly reason: "gone" | "lying" };

/** What it needs of its download. */
export interface TransferHost {
  act(action: DownloadAction): void;
  /** Layer fetches are numbered: news of one that was closed must not count. */
  nextFetch(): number;
  /** Who says that he holds this content. */
  offersOf(content: Content): readonly Offer[];
  isDropped(server: ServerId): boolean;
}

export class ContentTransfer {
  readonly content: Content;
  readonly #host: TransferHost;
  /** The sources that have answered. */
  readonly #providers = new Map<SourceId, Provider>();
  /** Servers that have been providers, whatever became of that. */
  readonly #triedServers = new Set<ServerId>();
  #fetch: number | undefined;
  #layer: Bytes | undefined;
  #transfer: TransferId | undefined;
  #name: SafeFileName | undefined;
  #opened: Opened | undefined;
  /** What of it was found not to be what it should be. */
  #unprovedBytes = 0;
  #isMeant = false;
  /** Whether the assembler knows that it is. */
  #mayPublish = false;
  #heldOutcome: TransferOutcome | undefined;
  #isCoordinated = false;
  /** Whether every chunk was reported; true where the coordinator has nothing to bring. */
  #isComplete = true;
  /** Whether the assembler has said its last word about the target. */
  #isTargetEnded = false;
  /** Where the file is, once it is published. */
  #finishedPath: string | undefined;

  constructor(content: Content, host: TransferHost) {
    this.content = content;
    this.#host = host;
  }

  /** Its number; `undefined` while it waits for a job, and when it is over. */
  get transfer(): TransferId | undefined {
    return this.#transfer;
  }

  /** Whether the coordinator was told of it. */
  get isCoordinated(): boolean {
    return this.#isCoordinated;
  }

  /** Whether its content is chosen; until then it is a guess. */
  get isMeant(): boolean {
    return this.#isMeant;
  }

  get isOpened(): boolean {
    return this.#opened !== undefined;
  }

  /** What its file is to be called, once it was asked for. */
  get name(): SafeFileName | undefined {
    return this.#name;
  }

  /** What an earlier run has left. */
  get resumedBytes(): number {
    return Math.max(0, (this.#opened?.haveBytes ?? 0) - this.#unprovedBytes);
  }

  /** Finds out which of those who offer it answer, and fetches the piece layer from them. */
  lookInto(knownLayer?: Bytes): void {
    if (this.content.sizeBytes === 0) return;
    if (this.#fetch !== undefined) this.#host.act({ kind: "closeLayerFetch" });
    const fetch = this.#fetch = this.#host.nextFetch();
    const known = knownLayer === undefined ? {} : { knownLayer };
    this.#host.act({ kind: "fetchLayer", fetch, content: this.content, ...known });
    for (const offer of this.#host.offersOf(this.content)) this.addOffer(offer);
  }

  /** A server says that it holds the content. It is asked for it once that is proved: anybody can name anybody. */
  addOffer(offer: Offer): void {
    if (this.#fetch !== undefined && offer.isProved) this.#host.act({ kind: "probe", offer });
  }

  /** A server turned out not to be a provider. */
  remove(server: ServerId): void {
    for (const [source, provider] of this.#providers) {
      if (provider.server === server) this.#providers.delete(source);
    }
  }

  /** Whether somebody has proved to offer it and has not been a provider yet: then it is not without hope. */
  get hasUntried(): boolean {
    return this.#host.offersOf(this.content).some(({ server, isProved }) =>
      isProved && !this.#triedServers.has(server)
    );
  }

  /** Whether those who offer it are asked, and none of them has shown to hold it: who pushes cannot be asked. */
  get lacksProviders(): boolean {
    return this.#fetch !== undefined && this.#askedCount === 0;
  }

  /** Whether something is still to come from a server. */
  get needsServers(): boolean {
    return this.#fetch !== undefined && !(this.#isCoordinated && this.#isComplete);
  }

  open(request: OpenRequest): void {
    this.#transfer = request.transfer;
    this.#name = request.name;
    this.#mayPublish = this.#isMeant;
    const { content } = this;
    this.#target({ kind: "open", content, mayPublish: this.#isMeant, ...request });
  }

  /** This content is the one that is meant. What was held back is the outcome. */
  mean(): TransferOutcome | undefined {
    this.#isMeant = true;
    if (this.#heldOutcome === undefined) this.#publish();
    return this.#heldOutcome;
  }

  /** Ends it here, and for everybody who was told of it. */
  close(keepsPart: boolean): void {
    if (this.#fetch !== undefined) this.#host.act({ kind: "closeLayerFetch" });
    this.#fetch = undefined;
    const transfer = this.#transfer;
    if (transfer === undefined) return;
    this.#host.act({ kind: "coordinate", event: { kind: "forget", transfer } });
    if (!this.#isTargetEnded) this.#target({ kind: "abort", transfer, keep: keepsPart });
    this.#host.act({ kind: "release", transfer });
    this.#transfer = undefined;
  }

  // — What happens ——————————————————————————————————————————————————————————————————————————————

  /** What came of the `fetchLayer` of this number. */
  onLayerFetch(fetch: number, news: LayerNews): TransferOutcome | undefined {
    if (fetch !== this.#fetch) return undefined;
    switch (news.kind) {
      case "confirmed":
        this.#onConfirmed(news);
        return undefined;
      case "layer":
        this.#layer ??= news.layer;
        this.#coordinateWhenReady();
        return undefined;
      case "lost":
        this.remove(news.server);
        return news;
      case "failed":
        return isSilence(news.error) ? { kind: "unreachable", error: news.error } : news;
      case "stalled":
        return news;
      default:
        return news satisfies never;
    }
  }

  onTarget(reply: TargetReply): TransferOutcome | undefined {
    if (reply.transfer !== this.#transfer) return undefined;
    switch (reply.kind) {
      case "opened":
        this.#onOpened(reply);
        return undefined;
      case "unproved":
        this.#onUnproved(reply);
        return undefined;
      case "window": {
        const { transfer, endChunk } = reply;
        this.#host.act({ kind: "coordinate", event: { kind: "window", transfer, endChunk } });
        return undefined;
      }
      case "finished":
        this.#isTargetEnded = true;
        this.#finishedPath = reply.path;
        return this.#doneWhenTold();
      case "present":
        this.#isTargetEnded = true;
        return this.#whenMeant({ kind: "done", path: reply.path, isPresent: true });
      case "transferFailed":
        this.#isTargetEnded = true;
        return this.#whenMeant({ kind: "failed", error: reply.error });
      case "unverified":
        this.#isTargetEnded = true;
        return { kind: "unverified" };
      case "aborted":
        return undefined;
      default:
        return reply satisfies never;
    }
  }

  onTransfer(news: TransferNews): TransferOutcome | undefined {
    if (news.transfer !== this.#transfer) return undefined;
    if (news.kind !== "complete") return news;
    this.#isComplete = true;
    return this.#doneWhenTold();
  }

  #onConfirmed(provider: Provider): void {
    const { server, routes: [route] } = provider;
    if (this.#host.isDropped(server) || route === undefined) return;
    const source = sourceId(server, route.kind);
    this.#providers.set(source, provider);
    this.#triedServers.add(server);
    this.#host.act({ kind: "reached", server, route });
    if (this.#isCoordinated) this.#tellProvider(source, provider);
    if (this.#isCoordinated && !hasSeveralPaths(provider.routes)) return;
    // What will move the file starts while its target is opened and its layer is in flight.
    this.#host.act({ kind: "warmUp", flowCount: this.#flowCount });
  }

  /** Of a party one server is tried at a time; a second path to one, where there is much to bring. */
  get #flowCount(): number {
    const isLong = this.content.sizeBytes >= PATH_WARM_UP_BYTES_MIN;
    const asked = [...this.#providers.values()].filter(isAsked);
    const count = new Set(asked.map(({ party }) => party)).size;
    return isLong && asked.some(({ routes }) => hasSeveralPaths(routes)) ? count + 1 : count;
  }

  get #askedCount(): number {
    let count = 0;
    for (const provider of this.#providers.values()) if (isAsked(provider)) count += 1;
    return count;
  }

  #onOpened(reply: Opened): void {
    this.#opened = reply;
    const isLayerNew = reply.layer !== undefined && this.#layer === undefined;
    if (this.#fetch === undefined || isLayerNew) this.lookInto(reply.layer);
    if (this.content.sizeBytes > 0) this.#layer ??= reply.layer;
    this.#coordinateWhenReady();
    this.#publish();
  }

  #onUnproved({ chunks, transfer }: Extract<TargetReply, { kind: "unproved" }>): void {
    // They are found one by one: it is said once.
    if (this.#unprovedBytes === 0) {
      const message = "not all of what is on disk is what it was: fetching that again";
      this.#host.act({ kind: "notice", level: "warning", message });
    }
    for (const chunk of chunks) {
      this.#unprovedBytes += chunkLength(this.content.sizeBytes, chunk);
    }
    if (this.#isCoordinated) this.#isComplete = false;
    this.#host.act({ kind: "coordinate", event: { kind: "unproved", transfer, chunks } });
  }

  // — What follows ——————————————————————————————————————————————————————————————————————————————

  #whenMeant(outcome: TransferOutcome): TransferOutcome | undefined {
    if (this.#isMeant) return outcome;
    this.#heldOutcome = outcome;
    return undefined;
  }

  /** The target may be whole before the last receiver has said who gave what. */
  #doneWhenTold(): TransferOutcome | undefined {
    const path = this.#finishedPath;
    if (path === undefined || !this.#isComplete) return undefined;
    return { kind: "done", path, isPresent: false };
  }

  #publish(): void {
    const transfer = this.#transfer;
    if (!this.#isMeant || this.#mayPublish || !this.isOpened || transfer === undefined) return;
    this.#mayPublish = true;
    this.#target({ kind: "publish", transfer });
  }

  /** Target and layer are both there: the coordinator can begin. */
  #coordinateWhenReady(): void {
    const [layer, transfer, opened] = [this.#layer, this.#transfer, this.#opened];
    if (this.#isCoordinated || !layer || transfer === undefined || !opened) return;
    const { content } = this;
    const isVerified = (chunk: number): boolean =>
      ((opened.have[chunk >> 3] ?? 0) & (1 << (chunk & 7))) !== 0;
    const chunkCount = chunkCountFor(content.sizeBytes);
    if (chunkCount > 1 || opened.haveBytes > 0) this.#target({ kind: "layer", transfer, layer });
    const window = opened.endChunk === undefined ? {} : { endChunk: opened.endChunk };
    const start = { transfer, content, layer, isVerified, ...window };
    this.#host.act({ kind: "coordinate", event: { kind: "transfer", ...start } });
    this.#isCoordinated = true;
    this.#isComplete = areAll(chunkCount, isVerified);
    for (const [source, provider] of this.#providers) this.#tellProvider(source, provider);
    const { partPath } = opened;
    if (!this.#isComplete) this.#host.act({ kind: "begun", transfer, content, layer, partPath });
  }

  #tellProvider(source: SourceId, provider: Provider): void {
    const event = { ...provider, kind: "provider", source, transfer: this.#transfer! } as const;
    this.#host.act({ kind: "coordinate", event });
  }

  #target(request: TargetRequest): void {
    this.#host.act({ kind: "target", request });
  }
}

/** Whether a server does not answer, rather than with something of no use. */
function isSilence({ code }: ErrorMessage): boolean {
  return code === "stalled" || code === "no_server";
}

function areAll(count: number, predicate: (index: number) => boolean): boolean {
  for (let index = 0; index < count; index++) if (!predicate(index)) return false;
  return true;
}
