/**
 * The listings of a folder as they are offered: each is fetched, and they are gathered until at least one of them is good.
 * One that is refused proves nothing, and whoever offers it is heard no more.
 */
import type { Endpoint } from "../../address.ts";
import type { ShoalError } from "../../errors.ts";
import {
  type Content,
  contentKey,
  type PeerId,
  type SafeFileName,
  type ServerId,
} from "../../ids.ts";
import type { Offer } from "../../protocol/discovery/finder.ts";
import {
  CLAIM_PATIENCE_MS,
  GATHER_MS,
  HASHING_VOTE_MS_MAX,
} from "../../protocol/download/limits.ts";
import { badListing } from "../../protocol/folder/folder_texts.ts";
import { ManifestGathering } from "../../protocol/folder/manifest_gathering.ts";
import { ManifestQuota } from "../../protocol/folder/manifest_quota.ts";
import { MANIFEST_BYTES_MAX } from "../../wire/limits.ts";
import type { GetEvent } from "../events.ts";
import type { DownloadDriver } from "./download_driver.ts";
import type { FolderContext } from "./folder_context.ts";
import { GATHER_STEP_MS } from "./limits.ts";
import {
  keptManifest,
  manifestName,
  noListing,
  type OfferedManifest,
  type ReadManifest,
  readManifests,
} from "./read_manifests.ts";

interface FolderListingsOptions {
  readonly context: FolderContext;
  /** The folder as the user wrote it, and at its servers. */
  readonly name: string;
  readonly folder: SafeFileName | undefined;
  readonly outDir: string;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** The search is to go on as if the server had not answered. */
  readonly ignore: (server: PeerId) => void;
  readonly onNotice: (event: GetEvent) => void;
}

export class FolderListings {
  readonly #options: FolderListingsOptions;
  #manifests = new Map<string, OfferedManifest>();
  #gathering = newGathering();
  #quota = new ManifestQuota();
  /** Contents that were offered as a listing and are none, … */
  readonly #refused = new Set<string>();
  /** … and what to say if nobody offers another one. */
  refusal: ShoalError | undefined;
  /** How many have been taken into account. */
  #readCount = 0;
  readonly #first = Promise.withResolvers<ReadManifest | undefined>();

  constructor(options: FolderListingsOptions) {
    this.#options = options;
  }

  /** The first that is good, while others may still be offered; `undefined` when none was before they are gathered. */
  get first(): Promise<ReadManifest | undefined> {
    return this.#first.promise;
  }

  /** How many are offered that are not refused. */
  get count(): number {
    return this.#manifests.size;
  }

  /** Whether some have come since they were read. */
  get hasLate(): boolean {
    return this.#manifests.size > this.#readCount;
  }

  /** The folder is searched for anew. */
  restart(): void {
    this.#manifests = new Map();
    this.#quota = new ManifestQuota();
    this.#gathering = newGathering();
  }

  onClaim(endpoint: Endpoint): void {
    this.#gathering.onClaim(endpoint);
  }

  onHashing(server: ServerId, patienceMs: number): void {
    this.#gathering.onHashing(this.#options.context.clock.nowMs(), server, patienceMs);
  }

  /** A server sent bad data, for this folder or anything else. */
  onDropped(server: ServerId): void {
    for (const { offers } of this.#manifests.values()) {
      const index = offers.findIndex((offer) => offer.server === server);
      if (index < 0) continue;
      for (const offer of offers.splice(index, 1)) this.#options.ignore(offer.server);
    }
  }

  fail(error: ShoalError): void {
    for (const { part } of this.#manifests.values()) part?.fail(error);
    this.#first.resolve(undefined);
  }

  onOffer(offer: Offer): void {
    const { server, path: { endpoint } } = offer;
    const key = contentKey(offer.content);
    if (this.#refused.has(key)) return this.#options.ignore(server);
    const nowMs = this.#options.context.clock.nowMs();
    const known = this.#manifests.get(key);
    if (known !== undefined) {
      this.#gathering.onProved(nowMs, server, endpoint);
      if (known.offers.some((each) => each.server === server)) return;
      known.offers.push(offer);
      return known.part?.onFind({ kind: "offer", queryIndex: 0, offer });
    }
    const { party } = offer;
    if (!this.#quota.take(party, this.#manifests.size, this.#refused.size)) {
      return this.#options.ignore(server);
    }
    if (offer.content.sizeBytes > MANIFEST_BYTES_MAX) {
      this.#onBadListing([offer], "too long");
      this.refusal = noListing(this.#options.name);
      return this.#options.ignore(server);
    }
    this.#gathering.onProved(nowMs, server, endpoint);
    const manifest = this.#kept(offer) ?? this.#fetched(offer);
    this.#manifests.set(key, manifest);
    void this.#readAhead(manifest);
  }

  /** What an earlier run has fetched, and what is in it is still what is offered. */
  #kept(offer: Offer): OfferedManifest | undefined {
    const { content } = offer;
    const { context: { disk, records }, folder } = this.#options;
    if (records.manifestsDir === undefined) return undefined;
    const decoded = keptManifest(disk, records.manifestsDir, content, folder);
    return decoded && { content, offers: [offer], part: undefined, decoded };
  }

  #fetched(offer: Offer): OfferedManifest {
    return { content: offer.content, offers: [offer], part: this.#fetch(offer) };
  }

  /** There is time to look at the first one while others are waited for. */
  async #readAhead(manifest: OfferedManifest): Promise<void> {
    try {
      const { manifests: [first] } = await this.#read([manifest]);
      if (first !== undefined) this.#first.resolve(first);
    } catch {
      // Whatever it is, it is met again when all are read.
    }
  }

  #fetch(offer: Offer): DownloadDriver {
    const content: Content = offer.content;
    const savedAs = manifestName(content);
    const outDir = this.#options.context.records.manifestsDir ?? this.#options.outDir;
    const settings = { name: this.#options.name, outDir, content, savedAs };
    return this.#options.context.addPart(settings, [offer], this.#options.onNotice);
  }

  /** The listings that are good, once there is one: those that are none prove nothing, and end no search. */
  async gathered(): Promise<readonly ReadManifest[]> {
    const manifests = await this.#gathered();
    this.#first.resolve(undefined);
    return manifests;
  }

  async #gathered(): Promise<readonly ReadManifest[]> {
    const { clock } = this.#options.context;
    for (;;) {
      while (clock.nowMs() < this.#gathering.endMs && !this.#options.signal.aborted) {
        await clock.sleep(GATHER_STEP_MS, this.#options.signal);
      }
      const offered = [...this.#manifests.values()];
      this.#readCount = offered.length;
      const { manifests, problem } = await this.#read(offered);
      if (this.#options.signal.aborted) return [];
      if (problem === undefined) {
        return manifests;
      }
      // Whoever is there and offers another one has been heard while one did not come.
      const isLate = this.#manifests.size > offered.length;
      if (problem.code !== "unverified" && !isLate) throw problem;
      this.#refuse(offered, problem);
      while (this.count === 0 && !this.#options.signal.aborted) {
        await clock.sleep(GATHER_MS, this.#options.signal);
      }
      if (this.#options.signal.aborted) return [];
    }
  }

  #read(offered: readonly OfferedManifest[]): ReturnType<typeof readManifests> {
    return readManifests(this.#options.name, offered, {
      ...this.#options.context,
      folder: this.#options.folder,
      onBad: (offers, problem) => this.#onBadListing(offers, problem),
    });
  }

  #refuse(manifests: readonly OfferedManifest[], problem: ShoalError): void {
    this.refusal = problem;
    for (const { content } of manifests) {
      this.#manifests.delete(contentKey(content));
      this.#refused.add(contentKey(content));
    }
    if (this.#manifests.size === 0) this.#gathering = newGathering();
    for (const { offers } of manifests) {
      for (const { server } of offers) this.#options.ignore(server);
    }
  }

  #onBadListing(offers: readonly Offer[], problem: string): void {
    const message = badListing(this.#options.name, offers.map(({ party }) => party), problem);
    this.#options.context.emit({ event: "notice", level: "warning", message });
  }
}

function newGathering(): ManifestGathering {
  return new ManifestGathering({
    gatherMs: GATHER_MS,
    claimMs: CLAIM_PATIENCE_MS,
    hashingMsMax: HASHING_VOTE_MS_MAX,
  });
}
