/** The manifests of a folder as they have come: those that are good, whoever offers the others being told. */
import { ShoalError } from "../../errors.ts";
import type { Content, SafeFileName } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import type { TreeRecords } from "../../io/store/tree_records.ts";
import type { Offer } from "../../protocol/discovery/finder.ts";
import { decodeManifest, type TreeEntry } from "../../wire/manifest.ts";
import type { DownloadDriver } from "./download_driver.ts";
import { FOLDER_ENTRIES_MAX } from "./limits.ts";

/** On its way. */
export interface OfferedManifest {
  readonly content: Content;
  readonly offers: Offer[];
  readonly part: DownloadDriver;
}

/** A manifest that was read, and who offers it. */
export interface ReadManifest {
  readonly content: Content;
  readonly offers: readonly Offer[];
  readonly entries: readonly TreeEntry[];
}

interface ReadingOptions {
  readonly disk: Disk;
  readonly records: TreeRecords;
  readonly folder: SafeFileName | undefined;
  /** What is offered here is no manifest, or one too many. */
  readonly onBad: (offers: readonly Offer[], problem: string) => void;
}

/** Most servers first; and what to say where none is good. */
export async function readManifests(
  name: string,
  offered: readonly OfferedManifest[],
  { disk, records, folder, onBad }: ReadingOptions,
): Promise<{ manifests: readonly ReadManifest[]; problem: ShoalError | undefined }> {
  const manifests: ReadManifest[] = [];
  let problem = new ShoalError("unverified", `no server has a listing of '${name}' that is one`);
  let entriesLeft = FOLDER_ENTRIES_MAX;
  await Promise.all(offered.map(({ part }) => part.ended));
  for (const { content, offers, part } of offered.toSorted(byServers)) {
    const outcome = await part.ended;
    if (outcome.event === "failed") {
      // That a listing did not come says nothing against it.
      if (outcome.code !== "unverified") problem = ShoalError.fromMessage(outcome);
      continue;
    }
    const entries = decodeManifest(disk.read(outcome.path), folder);
    const isBad = "problem" in entries;
    if (isBad || records.manifestsDir === undefined) disk.remove(outcome.path);
    if (isBad) onBad(offers, entries.problem);
    else if (entries.length > entriesLeft) onBad(offers, "too many entries");
    else {
      entriesLeft -= entries.length;
      manifests.push({ content, offers, entries });
    }
  }
  return { manifests, problem: manifests.length === 0 ? problem : undefined };
}

function byServers(a: OfferedManifest, b: OfferedManifest): number {
  return b.offers.length - a.offers.length;
}
