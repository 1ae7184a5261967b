/**
 * What is missing of a folder, on its way: units that the coordinator leases from all who have them, into the files that
 * they are made of, and long files as downloads of their own. It knows manifests that are read and a plan
 * that is made; what becomes of the folder after that is for {@linkcode FolderDownload} to say.
 */
import { endpointText } from "../../address.ts";
import { type ErrorMessage, ShoalError } from "../../errors.ts";
import {
  type Bytes,
  type FileSignature,
  fromHex,
  type ServerId,
  type SourceId,
  sourceId,
  timeOf,
  type TransferId,
} from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { stagingTag } from "../../io/files/staged_files.ts";
import { Bitmap } from "../../protocol/base/bitmap.ts";
import type { Offer } from "../../protocol/discovery/finder.ts";
import type { CoordinatorEvent } from "../../protocol/download/coordinator_messages.ts";
import type { LayerNews } from "../../protocol/download/layer_fetch.ts";
import type { RouteOffer } from "../../protocol/download/route_fallback.ts";
import { treeColumns, type TreeTarget, writtenFiles } from "../../protocol/folder/tree_columns.ts";
import type { TreeReply, TreeRequest } from "../../protocol/folder/tree_messages.ts";
import type { TreePlan } from "../../protocol/folder/tree_plan.ts";
import type { TreeFile } from "../../wire/manifest.ts";
import type { DoneEvent, ServerShare } from "../events.ts";
import type { DownloadDriver } from "./download_driver.ts";
import type { FolderContext } from "./folder_context.ts";
import { LayerLookup } from "./layer_lookup.ts";
import type { RoutedDownload } from "./route_driver.ts";
import type { Progress } from "./run_totals.ts";
import type { ReadManifest } from "./read_manifests.ts";
import type { PoolNews } from "./worker_pool.ts";

interface TreeTransferOptions {
  readonly context: FolderContext;
  /** Whose routes these are. */
  readonly download: RoutedDownload;
  readonly manifests: readonly ReadManifest[];
  readonly plan: TreePlan;
  readonly outDir: string;
  readonly target: (file: TreeFile) => TreeTarget;
  /** What is made beside files. */
  readonly shapes: Pick<Extract<TreeRequest, { kind: "openTree" }>, "root" | "folders" | "links">;
  /** Stalls in a row after which nothing more is waited for. */
  readonly retries: number;
  /** @param path `undefined` where its own name leads to it */
  readonly onWritten: (
    file: TreeFile,
    path: string | undefined,
    signature: FileSignature | undefined,
  ) => void;
  /** A folder or a link is there. */
  readonly onMade: (path: string) => void;
  /** Of a file as its manifest names it, of a folder or a link as the target does. */
  readonly onFailed: (name: string, error: ErrorMessage) => void;
  readonly onShare: (server: ServerId, share: ServerShare | undefined) => void;
  readonly addPart: (file: TreeFile, offers: readonly Offer[]) => DownloadDriver;
}

/** What is known of a folder beside what is on its way. */
interface FolderState {
  readonly files: number;
  /** Those that are under their names. */
  readonly filesNamed: number;
  readonly filesPresent: number;
  readonly sizeBytes: number;
  readonly presentBytes: number;
}

interface Arrived {
  readonly files: number;
  readonly current: string | undefined;
}

type Ended = Extract<TreeReply, { kind: "treeFinished" | "treeFailed" }>;

export class TreeTransfer {
  readonly #options: TreeTransferOptions;
  readonly #transfer: TransferId;
  /** One for each manifest, and who offers that. */
  readonly #lookups: { readonly lookup: LayerLookup; readonly servers: ReadonlySet<ServerId> }[] =
    [];
  readonly #holdings = new Map<SourceId, Bitmap>();
  /** By the numbers that the assembler knows them by. */
  readonly #files: readonly TreeFile[];
  /** Long files on their way, with their names. */
  readonly #parts = new Map<DownloadDriver, string>();
  readonly #unobtainable = new Set<number>();
  readonly #targetEnded = Promise.withResolvers<Ended>();
  /** Who provides, until the coordinator knows of the transfer. */
  readonly #early: CoordinatorEvent[] = [];
  #isOpened = false;
  #isFinished = false;
  #partBytes = 0;
  /** Files of units that were seen to have come, and of long ones; and the units that were not. */
  #arrived: Arrived;
  #unitsLeft: readonly number[] | undefined;

  constructor(options: TreeTransferOptions, transfer: TransferId) {
    this.#options = options;
    this.#transfer = transfer;
    const { units, emptyFiles } = options.plan;
    this.#files = [...units.flatMap(({ names }) => names.flat()), ...emptyFiles];
    this.#arrived = { files: options.plan.emptyFiles.length, current: undefined };
  }

  get #bytes(): number {
    const { coordinator } = this.#options.context.pool;
    let bytes = this.#partBytes;
    for (const tally of coordinator.tallies(this.#transfer).values()) bytes += tally.bytes;
    for (const part of this.#parts.keys()) bytes += part.progress?.bytes ?? 0;
    return bytes;
  }

  /** How far a folder is of which this brings what was not there. */
  progressOf(folder: FolderState): Progress {
    const { files, filesNamed, filesPresent, sizeBytes, presentBytes } = folder;
    const { files: arrived, current } = this.#countArrived();
    // What an earlier transfer of the folder brought has its names.
    const filesDone = Math.min(files, Math.max(filesNamed, filesPresent + arrived));
    const bytes = Math.min(presentBytes + this.#bytes, sizeBytes);
    return { bytes, sizeBytes, folder: { files, filesDone, filesPresent, current } };
  }

  /** Files that have come, whether or not they have their names, and one that is at work. */
  #countArrived(): Arrived {
    const { context: { pool }, plan: { units } } = this.#options;
    const leases = pool.coordinator.leasesOf(this.#transfer);
    if (leases === undefined) {
      const [current = this.#arrived.current] = this.#parts.values();
      return { ...this.#arrived, current };
    }
    const left = this.#unitsLeft ??= units.map((_, chunk) => chunk);
    let { files, current } = this.#arrived;
    this.#unitsLeft = left.filter((chunk) => {
      if (!leases.isVerified(chunk)) return true;
      if (this.#unobtainable.has(chunk)) return false;
      const named = units[chunk]!.names.flat();
      files += named.length;
      current = named.at(-1)?.name ?? current;
      return false;
    });
    // Long files are what is left when all others have come.
    if (this.#unitsLeft.length === 0) [current = current] = this.#parts.values();
    return this.#arrived = { files, current };
  }

  /** Resolves when all that could come has its name; rejects with a ShoalError where the disk took no more. */
  async run(): Promise<void> {
    const { context, manifests, plan } = this.#options;
    const { pool } = context;
    pool.askAssembler(this.#openRequest());
    context.routes.handle({ kind: "lookup", download: this.#options.download });
    manifests.forEach((manifest, i) => this.#lookUp(manifest, plan.holdings[i]!));
    const servers = new Set(manifests.flatMap(({ offers }) => offers.map(({ server }) => server)));
    pool.warmUp(servers.size);
    await Promise.all(plan.longFiles.map((file) => this.#fetchLong(file)));
    const ended = await this.#targetEnded.promise;
    for (const { lookup } of this.#lookups) lookup.close();
    for (const [server, tally] of pool.coordinator.tallies(this.#transfer)) {
      this.#options.onShare(server, { server: "", id: server, ...tally });
    }
    pool.step({ kind: "forget", transfer: this.#transfer });
    context.routes.handle({ kind: "closed", download: this.#options.download });
    if (ended.kind === "treeFailed") throw ShoalError.fromMessage(ended.error);
    for (const chunk of this.#unobtainable) this.#failUnit(chunk, errorOf("changed", GONE_MESSAGE));
  }

  // — What happens ——————————————————————————————————————————————————————————————————————————————

  onTree(reply: TreeReply): void {
    switch (reply.kind) {
      case "treeOpened":
        this.#isOpened = true;
        return this.#coordinate();
      case "treeWritten":
        return this.#onWritten(reply);
      case "treeFailed":
        // Nothing more is of use to a target that takes none.
        for (const part of this.#parts.keys()) part.fail(ShoalError.fromMessage(reply.error));
        return this.#targetEnded.resolve(reply);
      case "treeFinished":
        return this.#targetEnded.resolve(reply);
      default:
        reply satisfies never;
    }
  }

  #onWritten({ files, others }: Extract<TreeReply, { kind: "treeWritten" }>): void {
    const { onWritten, onMade, onFailed } = this.#options;
    for (const { number, path, signature } of writtenFiles(files)) {
      const file = this.#files[number];
      if (file !== undefined) onWritten(file, path, signature);
    }
    for (const each of others) {
      if ("path" in each) onMade(each.path);
      else onFailed("name" in each ? each.name : this.#files[each.number]?.name ?? "", each.error);
    }
  }

  onTransfer(news: Exclude<PoolNews, { kind: "server" }>): void {
    switch (news.kind) {
      case "unobtainable":
        this.#unobtainable.add(news.chunk);
        return;
      case "complete":
        return this.#finish();
      case "orphaned":
        return this.#giveUp(errorOf("changed", GONE_MESSAGE));
      case "stalled": {
        const { context, download, retries } = this.#options;
        context.routes.handle({ kind: "stalled", download });
        if (news.inARow >= retries) this.#giveUp(errorOf("stalled", "nothing more arrives"));
        return;
      }
      default:
        news satisfies never;
    }
  }

  askOverTcp(offer: RouteOffer): void {
    const theirs = this.#lookups.filter(({ servers }) => servers.has(offer.server));
    for (const { lookup } of theirs) lookup.addOverTcp(offer);
  }

  /** What is whole stays. */
  abort(error: ShoalError): void {
    for (const part of this.#parts.keys()) part.fail(error);
    this.#options.context.pool.askAssembler({ kind: "abortTree", transfer: this.#transfer });
  }

  // — Units —————————————————————————————————————————————————————————————————————————————————————

  #openRequest(): TreeRequest {
    const { plan, outDir, target, shapes } = this.#options;
    const units = plan.units.map(({ files, names }) =>
      files.map(({ sizeBytes, sha256, root }, i) => ({
        ...{ sizeBytes, sha256: sha256 === root ? undefined : sha256 },
        targets: names[i]!.length,
      }))
    );
    // A content that goes to several names needs room for each.
    let neededBytes = plan.longFiles.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    for (const { sizeBytes } of this.#files) neededBytes += sizeBytes;
    return {
      ...{ kind: "openTree", transfer: this.#transfer, outDir, ...shapes },
      tag: stagingTag(shapes.root),
      files: treeColumns(units, this.#files.map(target)),
      neededBytes,
    };
  }

  /** The target is open: units may come. */
  #coordinate(): void {
    const { context: { pool }, plan: { units }, manifests } = this.#options;
    if (units.length === 0) return this.#finish();
    const layer: Bytes = new Uint8Array(units.length * HASH_BYTES);
    units.forEach(({ root }, i) => layer.set(fromHex(root)!, i * HASH_BYTES));
    const sizeBytes = units.reduce((sum, unit) => sum + unit.sizeBytes, 0);
    pool.step({
      kind: "transfer",
      transfer: this.#transfer,
      content: { ...manifests[0]!.content, sizeBytes },
      layer,
      units: units.map(({ root, sizeBytes, files }) => ({
        ...{ root, sizeBytes },
        parts: files.map((file) => file.sizeBytes),
      })),
      isVerified: () => false,
    });
    for (const event of this.#early) pool.step(event);
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    const { context: { pool }, plan: { units } } = this.#options;
    const leases = pool.coordinator.leasesOf(this.#transfer);
    // What is done with counts as verified as well.
    const unitCount =
      units.filter((_, chunk) =>
        leases?.isVerified(chunk) === true && !this.#unobtainable.has(chunk)
      ).length;
    pool.askAssembler({ kind: "finishTree", transfer: this.#transfer, unitCount });
  }

  /** What has not come by now does not come. */
  #giveUp(error: ErrorMessage): void {
    const { context, plan } = this.#options;
    const leases = context.pool.coordinator.leasesOf(this.#transfer);
    plan.units.forEach((_, chunk) => {
      if (leases?.isVerified(chunk) !== true) this.#failUnit(chunk, error);
    });
    this.#finish();
  }

  #failUnit(chunk: number, error: ErrorMessage): void {
    for (const { name } of this.#options.plan.units[chunk]!.names.flat()) {
      this.#options.onFailed(name, error);
    }
  }

  // — Sources ———————————————————————————————————————————————————————————————————————————————————

  /** Finds out which of those who offer a manifest answer, and by which way: these have its units. */
  #lookUp({ content, offers }: ReadManifest, holding: Bitmap): void {
    const { context, download } = this.#options;
    const { search, streams, routes, extension } = context;
    const lookup = new LayerLookup({
      ...{ search, streams, extension, content },
      onNews: (news) => this.#onLayerNews(news, holding),
      onUnanswered: (server) => routes.handle({ kind: "unanswered", download, server }),
    });
    this.#lookups.push({ lookup, servers: new Set(offers.map(({ server }) => server)) });
    for (const offer of offers) {
      lookup.add(offer);
      routes.handle({ kind: "candidate", download, offer });
    }
  }

  #onLayerNews(news: LayerNews, holding: Bitmap): void {
    const { context, download } = this.#options;
    const { routes, pool, addresses } = context;
    if ("server" in news) context.onHeard(news.server);
    if (news.kind === "failed") return this.#giveUp(news.error);
    if (news.kind === "lost") return routes.handle({ kind: "lost", download, server: news.server });
    if (news.kind === "stalled") return routes.handle({ kind: "stalled", download });
    if (news.kind !== "confirmed") return;
    const { server, routes: [route] } = news;
    if (route === undefined) return;
    routes.handle({ kind: "answered", download, provider: news });
    addresses.set(server, endpointText(route.endpoint));
    routes.onReached(server, route);
    const source = sourceId(server, route.kind);
    const holds = this.#holdings.get(source) ?? new Bitmap(holding.length);
    for (let unit = 0; unit < holding.length; unit++) if (holding.has(unit)) holds.set(unit);
    this.#holdings.set(source, holds);
    const transfer = this.#transfer;
    const event = { ...news, kind: "provider", source, transfer, holds } as const;
    if (this.#isOpened) pool.step(event);
    else this.#early.push(event);
  }

  // — Long files ————————————————————————————————————————————————————————————————————————————————

  async #fetchLong(file: TreeFile): Promise<void> {
    const { manifests, addPart, onFailed, onWritten, onShare, context } = this.#options;
    const { sizeBytes, sha256, root, name } = file;
    const holders = manifests.filter(({ entries }) =>
      entries.some((entry) => entry.kind === "file" && entry.sha256 === sha256)
    );
    const offers = holders.flatMap((holder) => holder.offers)
      .map((offer) => ({ ...offer, content: { sizeBytes, sha256, root }, ...timeOf(file), name }));
    const part = addPart(file, offers);
    this.#parts.set(part, name);
    const outcome = await part.ended;
    this.#parts.delete(part);
    if (outcome.event === "failed") return onFailed(name, outcome);
    this.#partBytes += sizeBytes;
    this.#arrived = { ...this.#arrived, files: this.#arrived.files + 1 };
    for (const share of sharesOf(outcome)) onShare(share.id as ServerId, share);
    const found = context.disk.identityAt(outcome.path);
    onWritten(file, outcome.path, found?.signature);
  }
}

function errorOf(code: "changed" | "stalled", message: string): ErrorMessage {
  return new ShoalError(code, message).toMessage();
}

const GONE_MESSAGE = "it has changed since the folder was listed";

/** What was there already has come from nobody. */
function sharesOf({ servers, present }: DoneEvent): readonly ServerShare[] {
  return present ? [] : servers;
}
