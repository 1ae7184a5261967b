/**
 * A folder on its way here, as one transfer. Everybody who has it is asked for its manifest; what these say is united
 * and compared with what is on disk; and what is missing comes in units that the coordinator leases like the chunks of a
 * file, from all who have them. Long files are downloads of their own beside that.
 *
 * A folder that changes while it is fetched is asked for again at the end, as long as that brings anything.
 */
import { join } from "@std/path/join";
import { type ErrorMessage, ShoalError } from "../../errors.ts";
import { type FileSignature, type SafeFileName, type ServerId, timeOf } from "../../ids.ts";
import { TargetLook } from "../../io/files/target_look.ts";
import type { TreeRecord } from "../../io/store/tree_records.ts";
import type { FindNews, Offer } from "../../protocol/discovery/finder.ts";
import * as texts from "../../protocol/download/download_texts.ts";
import { GATHER_MS, HASHING_VOTE_PATIENCE_MS } from "../../protocol/download/limits.ts";
import type { RouteOffer } from "../../protocol/download/route_fallback.ts";
import { ListingDoubts } from "../../protocol/folder/listing_doubts.ts";
import { disputed, leftOutLinks, notOffered } from "../../protocol/folder/folder_texts.ts";
import type { Dispute } from "../../protocol/folder/merged_tree.ts";
import type { TreeReply } from "../../protocol/folder/tree_messages.ts";
import { planTree } from "../../protocol/folder/tree_plan.ts";
import type { Query } from "../../wire/frames.ts";
import type { TreeFile } from "../../wire/manifest.ts";
import type { Find } from "../discovery/search.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../events.ts";
import type { FolderContext, FolderPass, FolderSettings, TreeSink } from "./folder_context.ts";
import { FolderMirror, NOTHING_WANTED, type WantedTree } from "./folder_mirror.ts";
import { FolderListings } from "./folder_listings.ts";
import { LookAhead, lookAtFolder, type LookedFolder } from "./folder_look.ts";
import { FolderResults } from "./folder_results.ts";
import { folderShapes, madeShapes } from "./folder_shapes.ts";
import type { ReadManifest } from "./read_manifests.ts";
import { TreeTransfer } from "./tree_transfer.ts";
import {
  FOLDER_PASSES_MAX,
  GATHER_STEP_MS,
  MIRROR_CLAIM_PATIENCE_MS,
  PRESENT_SLICE_MS,
} from "./limits.ts";
import type { Progress } from "./run_totals.ts";
import { ShareSums } from "./share_sums.ts";
import { keepTreeAttributes, recordOf } from "./tree_presence.ts";
import type { RoutedDownload } from "./route_driver.ts";
import type { PoolNews } from "./worker_pool.ts";

export class FolderDownload implements RoutedDownload, TreeSink {
  readonly name: string;
  readonly query: Query;
  readonly ended: Promise<readonly (DoneEvent | FailedEvent)[]>;
  readonly #context: FolderContext;
  readonly #settings: FolderSettings;
  readonly #abort = new AbortController();
  readonly #end: (events: readonly (DoneEvent | FailedEvent)[]) => void;
  #find: Find | undefined;
  #queryIndex = 0;
  #startedMs: number;
  /** What the pass before could not bring, while the folder is searched for again. */
  #unmet: ReadonlyMap<string, ErrorMessage> | undefined;
  readonly #doubts = new ListingDoubts(MIRROR_CLAIM_PATIENCE_MS);
  readonly #mirror: FolderMirror;
  #isGathering = false;
  readonly #listings: FolderListings;
  #isEnded = false;
  #tree: TreeTransfer | undefined;
  #failures = new Map<string, ErrorMessage>();
  #wanted: WantedTree = NOTHING_WANTED;
  // — Of all of it —
  #record: TreeRecord | undefined;
  #isRecordSaved = true;
  /** The files that it is to have, and those that it has, by their names in it. */
  #files: ReadonlyMap<string, TreeFile> = new Map();
  readonly #results: FolderResults;
  #totalBytes = 0;
  readonly #shares: ShareSums;

  constructor(context: FolderContext, settings: FolderSettings) {
    this.#context = context;
    this.#settings = settings;
    this.name = settings.name;
    this.query = { by: "tree", name: settings.folder };
    this.#startedMs = context.clock.nowMs();
    this.#shares = new ShareSums(context.addresses);
    this.#results = new FolderResults({
      ...{ folder: this.name, outDir: settings.outDir, emit: context.emit },
      nameOf: ({ name }) => this.#full(name),
    });
    this.#mirror = new FolderMirror({
      ...{ ...context, name: this.name, outDir: settings.outDir, target: this.#target },
      ...{ isDryRun: settings.dryRun, signal: this.#abort.signal },
      nameOf: ({ name }) => this.#full(name),
      rules: { portableNames: settings.portableNames },
    });
    this.#listings = new FolderListings({
      ...{ context, name: this.name, folder: settings.folder, signal: this.#abort.signal },
      outDir: settings.outDir,
      ignore: (server) => this.#find?.ignore(this.#queryIndex, server),
      onNotice: (event) => this.#onPartEvent(event),
    });
    ({ promise: this.ended, resolve: this.#end } = Promise.withResolvers());
  }

  begin(find: Find, queryIndex: number): void {
    this.#find = find;
    this.#queryIndex = queryIndex;
  }

  /** Whether an earlier run has brought files of it. */
  get isKnown(): boolean {
    return this.#recordRead.size > 0;
  }

  /** Whether nobody has offered it so far. */
  get isSearching(): boolean {
    return this.#listings.count === 0 && !this.#isEnded;
  }

  get progress(): Progress | undefined {
    return this.#tree?.progressOf({
      ...{ files: this.#files.size, filesNamed: this.#results.count, sizeBytes: this.#totalBytes },
      ...{ filesPresent: this.#results.presentFiles, presentBytes: this.#results.presentBytes },
    });
  }

  // — What the search says ——————————————————————————————————————————————————————————————————————

  onFind(news: FindNews, advice?: texts.SearchAdvice): void {
    if (this.#isEnded) return;
    switch (news.kind) {
      case "offer": {
        if (news.offer.isProved) return this.#onOffer(news.offer);
        const { endpoint } = news.offer.path;
        this.#doubts.onClaimed(this.#context.clock.nowMs(), endpoint);
        return this.#listings.onClaim(endpoint);
      }
      case "pending": {
        const { server, endpoint, earnedMs } = news.pending;
        this.#doubts.onOffered(server, endpoint);
        const patienceMs = Math.max(earnedMs, HASHING_VOTE_PATIENCE_MS);
        this.#listings.onHashing(server, patienceMs);
        if (this.isSearching) this.#tellWaiting(1, texts.stillHashing(news.pending));
        return;
      }
      case "attempt":
        if (this.isSearching) this.#tellWaiting(news.attempt, "no answer yet");
        return;
      case "notFound":
      case "timedOut":
        if (!this.isSearching) return;
        if (this.#unmet !== undefined) return void this.#onAllDone(this.#unmet);
        return this.fail(
          this.#listings.refusal ??
            texts.searchFailure({ name: this.name, query: this.query }, news, advice),
        );
      case "server":
      case "classicDue":
        return;
      default:
        news satisfies never;
    }
  }

  #onOffer(offer: Offer): void {
    this.#context.onHeard(offer.server);
    this.#doubts.onOffered(offer.server, offer.path.endpoint);
    this.#listings.onOffer(offer);
    if (this.#isGathering || this.#listings.count === 0) return;
    this.#isGathering = true;
    void this.#run();
  }

  // — What the run says —————————————————————————————————————————————————————————————————————————

  onTree(reply: TreeReply): void {
    this.#tree?.onTree(reply);
  }

  onTransfer(news: Exclude<PoolNews, { kind: "server" }>): void {
    this.#tree?.onTransfer(news);
  }

  /** A server sent bad data, for this folder or anything else. */
  onDropped(server: ServerId): void {
    this.#listings.onDropped(server);
  }

  askOverTcp(offer: RouteOffer): void {
    this.#tree?.askOverTcp(offer);
  }

  fail(error: ShoalError): void {
    if (this.#isEnded) return;
    this.#abort.abort();
    this.#listings.fail(error);
    this.#tree?.abort(error);
    this.#saveRecord();
    const failed = this.#failed(this.name, error.toMessage());
    this.#context.emit(failed);
    this.#conclude([...this.#results.events(), failed]);
  }

  // — One pass after another ————————————————————————————————————————————————————————————————————

  async #run(): Promise<void> {
    try {
      for (let pass = 1;; pass++) {
        const { failures, isStale } = await this.#pass(pass);
        if (this.#isEnded) return;
        if (pass === FOLDER_PASSES_MAX) return await this.#onAllDone(failures);
        if (this.#settings.mirror) await this.#claimsEnd();
        if (this.#isEnded) return;
        // Who was late has a word in the next pass.
        if (this.#listings.hasLate) continue;
        if (!isStale) return await this.#onAllDone(failures);
        this.#unmet = failures;
        this.#listings.restart();
        this.#context.searchFolderAgain();
        await this.#somebodyOffers();
        if (this.#isEnded) return;
      }
    } catch (thrown) {
      this.fail(ShoalError.from(thrown));
    }
  }

  async #somebodyOffers(): Promise<void> {
    while (this.isSearching) await this.#context.clock.sleep(GATHER_MS, this.#abort.signal);
  }

  /** Whoever is said to have the folder has had the time to prove it: nothing of his may be taken for a stray. */
  async #claimsEnd(): Promise<void> {
    const { clock } = this.#context;
    const endMs = this.#doubts.claimsEndMs;
    while (clock.nowMs() < Math.min(endMs, this.#doubts.claimsEndMs) && !this.#isEnded) {
      await clock.sleep(GATHER_STEP_MS, this.#abort.signal);
    }
  }

  async #pass(pass: number): Promise<FolderPass> {
    const ahead = pass > 1
      ? undefined
      : new LookAhead(this.#listings.first, (...args) => this.#look(...args));
    const manifests = await this.#listings.gathered();
    if (this.#isEnded) return { failures: new Map(), isStale: false };
    this.#find?.settle(this.#queryIndex);
    this.#failures = new Map();
    const { signal } = this.#abort;
    const looked = await ahead?.of(manifests) ?? await this.#look(manifests, signal);
    const wanted = this.#wanted = await this.#compared(looked);
    if (this.#settings.dryRun) return { failures: this.#failures, isStale: false };
    await this.#transferAll(manifests, wanted);
    for (const { name } of wanted.missing) {
      if (!this.#results.has(name)) {
        this.#onFailed(name, new ShoalError("stalled", "it did not arrive").toMessage());
      }
    }
    const isStale = [...this.#failures.values()].some(({ code }) => code === "changed");
    return { failures: this.#failures, isStale };
  }

  async #look(
    manifests: readonly ReadManifest[],
    signal: AbortSignal,
  ): Promise<LookedFolder> {
    using look = this.#targetLook();
    return await lookAtFolder(manifests, {
      ...this.#lookOptions(look),
      signal: AbortSignal.any([signal, this.#abort.signal]),
      keepsLinks: this.#settings.links,
      checks: this.#settings.checks,
      replaces: this.#settings.onTaken === "replace",
    });
  }

  #targetLook(): TargetLook {
    const { outDir, portableNames } = this.#settings;
    return new TargetLook(this.#context.disk, outDir, { portableNames });
  }

  #lookOptions(look: TargetLook) {
    const { clock } = this.#context;
    const nameOf = ({ name }: TreeFile): SafeFileName => this.#full(name);
    return { clock, look, record: this.#recordRead, nameOf, signal: this.#abort.signal };
  }

  /** What the folder is to be, and what of it is missing; what is there is told. */
  async #compared(looked: LookedFolder): Promise<WantedTree> {
    const { manifests, merged, files, otherLinks, presence } = looked;
    const full = (name: string): string => this.#full(name);
    for (const dispute of merged.disputes) this.#onDispute(dispute);
    for (const { name } of merged.dissents) {
      this.#warn(`servers disagree about '${full(name)}': using what most have`);
    }
    this.#warn(leftOutLinks(otherLinks.map(full)));
    const leftOut = merged.entries.filter(({ kind }) => kind === "leftOut");
    this.#warn(notOffered(leftOut.map(({ name }) => full(name))));
    for (const entry of merged.entries) {
      if (entry.kind !== "gap") continue;
      const message = "it is being written to: servers offer a file only once it is left alone";
      this.#failures.set(entry.name, new ShoalError("changed", message).toMessage());
    }
    this.#files = new Map(files.map((file) => [file.name, file]));
    this.#totalBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const { missing, present, unlike, ours } = presence;
    if (unlike.length > 0 && !this.#settings.dryRun) {
      using look = this.#targetLook();
      await keepTreeAttributes(unlike, this.#lookOptions(look));
      this.#isRecordSaved = false;
    }
    await this.#tellPresent(present);
    const isComplete = merged.isComplete && merged.disputes.length === 0;
    return { manifests, merged: merged.entries, isComplete, missing, ours };
  }

  async #tellPresent(present: LookedFolder["presence"]["present"]): Promise<void> {
    const { clock } = this.#context;
    let turnEndMs = clock.nowMs() + PRESENT_SLICE_MS;
    for (const { file, path } of present) {
      // What an earlier pass has brought was not there before.
      if (this.#isEnded || this.#results.has(file.name)) continue;
      this.#onDone(file, path, true);
      if (clock.nowMs() < turnEndMs) continue;
      await clock.yieldToEvents();
      turnEndMs = clock.nowMs() + PRESENT_SLICE_MS;
    }
  }

  async #transferAll(manifests: readonly ReadManifest[], wanted: WantedTree): Promise<void> {
    const { missing, ours } = wanted;
    const { outDir, onTaken, retries } = this.#settings;
    const shapes = folderShapes(wanted, this.#settings, (name) => this.#full(name));
    const made = missing.length > 0
      ? undefined
      : madeShapes(this.#context.disk, shapes, this.#settings);
    if (made !== undefined) {
      for (const path of made) this.#onMade(path);
      return this.#saveRecord();
    }
    const transfer = this.#context.openTransfer(this);
    this.#tree = new TreeTransfer({
      ...{ context: this.#context, download: this, manifests, outDir, retries },
      plan: planTree(missing, manifests.map(({ entries }) => entries)),
      target: (file) => ({
        ...timeOf(file),
        name: this.#full(file.name),
        isExecutable: file.isExecutable,
        isReplaced: onTaken === "replace" || ours.has(file.name),
      }),
      shapes,
      onWritten: (file, path, signature) => this.#onWritten(file, path, signature),
      onMade: (path) => this.#onMade(path),
      onFailed: (name, error) => this.#onFailed(name, error),
      onShare: (server, share) => share && this.#shares.add(server, share),
      addPart: ({ name, sizeBytes, sha256, root }, offers) => {
        const savedAs = this.#full(name);
        const settings = { name: savedAs, outDir, content: { sizeBytes, sha256, root }, savedAs };
        return this.#context.addPart(settings, offers, (event) => this.#onPartEvent(event));
      },
    }, transfer);
    try {
      await this.#tree.run();
    } finally {
      this.#context.closeTransfer(transfer);
      this.#saveRecord();
    }
  }

  // — What is told ——————————————————————————————————————————————————————————————————————————————

  /** Of parts, what they notice; how they end is told with the folder. */
  #onPartEvent(event: GetEvent): void {
    if (event.event === "notice") this.#context.emit(event);
  }

  #onWritten(
    file: TreeFile,
    found: string | undefined,
    signature: FileSignature | undefined,
  ): void {
    const path = found ?? this.#results.usualPathOf(file);
    this.#onDone(file, path, false);
    if (signature === undefined) return;
    this.#recordRead.set(file.name, recordOf(file, path, signature));
    this.#isRecordSaved = false;
  }

  #onMade(path: string): void {
    if (this.#settings.mirror) this.#mirror.keep(path);
  }

  /** The first reason counts. Targets are below the folder that files go to, and manifests name what is in them. */
  #onFailed(name: string, error: ErrorMessage): void {
    const own = this.#own(name);
    if (!this.#failures.has(own)) this.#failures.set(own, error);
  }

  #onDispute(dispute: Dispute): void {
    this.#failures.set(dispute.name, disputed(dispute).toMessage());
  }

  #warn(message: string | undefined): void {
    if (message !== undefined) this.#context.emit({ event: "notice", level: "warning", message });
  }

  #tellWaiting(attempt: number, message: string): void {
    const attempts = this.#settings.retries;
    this.#context.emit({ event: "waiting", name: this.name, attempt, attempts, message });
  }

  get #recordRead(): TreeRecord {
    return this.#record ??= this.#context.records.read(this.#target);
  }

  #saveRecord(): void {
    if (this.#record === undefined || this.#isRecordSaved) return;
    this.#context.records.write(this.#target, this.#record);
    this.#isRecordSaved = true;
  }

  async #onAllDone(failures: ReadonlyMap<string, ErrorMessage>): Promise<void> {
    const { mirror, dryRun, onTaken } = this.#settings;
    const removed = mirror ? await this.#removeOthers(failures) : 0;
    const planned = dryRun
      ? await this.#mirror.planned(this.#wanted, onTaken === "replace", removed)
      : undefined;
    if (this.#isEnded) return;
    const failed = [...failures].map(([name, error]) => this.#failed(this.#full(name), error));
    for (const event of failed) this.#context.emit(event);
    this.#context.emit({
      event: "folder",
      name: this.name,
      path: this.#target,
      files: this.#results.count,
      presentFiles: this.#results.presentFiles,
      size: this.#results.bytes,
      presentBytes: this.#results.presentBytes,
      failedFiles: failed.length,
      removed: dryRun ? 0 : removed,
      ...(planned !== undefined && { planned }),
      seconds: this.#seconds,
      ...this.#shares.sums,
    });
    this.#conclude([...this.#results.events(), ...failed]);
  }

  async #removeOthers(failures: ReadonlyMap<string, ErrorMessage>): Promise<number> {
    const { manifests, isComplete } = this.#wanted;
    // Whoever is late with a listing that was read is among these.
    const servers = manifests.flatMap(({ offers }) => offers.map(({ server }) => server));
    this.#doubts.onRead(new Set(servers), isComplete);
    const doubt = failures.size > 0 ? "not everything could be had" : this.#doubts.reason;
    const removed = await this.#mirror.remove(this.#wanted, doubt);
    for (const name of removed) {
      if (this.#recordRead.delete(name)) this.#isRecordSaved = false;
    }
    if (!this.#settings.dryRun) this.#saveRecord();
    return removed.length;
  }

  get #seconds(): number {
    return (this.#context.clock.nowMs() - this.#startedMs) / 1000;
  }

  #onDone(file: TreeFile, path: string, isPresent: boolean): void {
    this.#onMade(path);
    this.#results.add(file, path, this.#seconds, isPresent);
  }

  #failed(name: string, { code, message, hint }: ErrorMessage): FailedEvent {
    return { event: "failed", name, code, message, hint };
  }

  #conclude(events: readonly (DoneEvent | FailedEvent)[]): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#find?.finish(this.#queryIndex);
    this.#end(events);
  }

  /** What is fetched into. */
  get #target(): string {
    const { outDir, folder } = this.#settings;
    return folder === undefined ? outDir : join(outDir, folder);
  }

  /** The other way round; a name that is one of the folder stays that. */
  #own(full: string): string {
    const { folder } = this.#settings;
    if (folder === undefined || this.#files.has(full)) return full;
    return full.startsWith(`${folder}/`) ? full.slice(folder.length + 1) : full;
  }

  /** A name of the folder as it is below the target folder. */
  #full(name: string): SafeFileName {
    const { folder } = this.#settings;
    return [folder, name].filter((each) => each !== undefined && each !== "").join(
      "/",
    ) as SafeFileName;
  }
}
