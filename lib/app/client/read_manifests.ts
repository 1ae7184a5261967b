/** The manifests of a folder as they have come: those that are good, whoever offers the others being told. */
import { ShoalError } from "../../errors.ts";
import { join } from "@std/path/join";
import { type Bytes, type Content, type SafeFileName, toHex } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import type { TreeRecords } from "../../io/store/tree_records.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import type { Offer } from "../../protocol/discovery/finder.ts";
import { decodeManifest, type TreeEntry } from "../../wire/manifest.ts";
import type { DownloadDriver } from "./download_driver.ts";
import { FOLDER_ENTRIES_MAX } from "./limits.ts";

/** On its way, or kept by an earlier run. */
export interface OfferedManifest {
  readonly content: Content;
  readonly offers: Offer[];
  /** `undefined` where nothing had to be fetched. */
  readonly part: DownloadDriver | undefined;
  /** What was read of it: once, for a file that is none is removed. */
  decoded?: ReturnType<typeof decodeManifest>;
}

/** A manifest that was read, and who offers it. */
export interface ReadManifest {
  readonly content: Content;
  readonly offers: readonly Offer[];
  readonly entries: readonly TreeEntry[];
}

/** What of it matters here. */
type Arriving = Omit<OfferedManifest, "part"> & {
  readonly part: Pick<DownloadDriver, "ended"> | undefined;
};

interface ReadingOptions {
  readonly disk: Pick<Disk, "read" | "remove">;
  readonly records: Pick<TreeRecords, "manifestsDir">;
  readonly folder: SafeFileName | undefined;
  /** What is offered here is no manifest, or one too many. */
  readonly onBad: (offers: readonly Offer[], problem: string) => void;
}

/** What a manifest is called where it is kept. */
export function manifestName({ sha256 }: Content): SafeFileName {
  return `${sha256}.manifest` as SafeFileName;
}

/** The entries of a manifest that an earlier run has kept in `dir`; `undefined` where there is none that is one. */
export function keptManifest(
  disk: Pick<Disk, "openRegular">,
  dir: string,
  content: Content,
  folder: SafeFileName | undefined,
): readonly TreeEntry[] | undefined {
  const opened = disk.openRegular(join(dir, manifestName(content)), "refuse");
  if (!opened.ok) return undefined;
  const { sizeBytes } = content;
  let bytes: Bytes;
  try {
    if (opened.file.identity()?.signature.sizeBytes !== sizeBytes) return undefined;
    bytes = new Uint8Array(sizeBytes);
    if (opened.file.readAt(bytes, 0, sizeBytes, 0) !== sizeBytes) return undefined;
  } finally {
    opened.file.close();
  }
  if (toHex(sha256(bytes)) !== content.sha256) return undefined;
  const decoded = decodeManifest(bytes, folder);
  return "problem" in decoded ? undefined : decoded;
}

/** What to say where nothing that was offered as the listing of a folder is one. */
export function noListing(name: string): ShoalError {
  return new ShoalError("unverified", `no server has a listing of '${name}' that is one`);
}

/** Most servers first; and what to say where none is good: `unverified`, unless one did not come. Each problem is told once. */
export async function readManifests(
  name: string,
  offered: readonly Arriving[],
  { disk, records, folder, onBad }: ReadingOptions,
): Promise<{ manifests: readonly ReadManifest[]; problem: ShoalError | undefined }> {
  const manifests: ReadManifest[] = [];
  let problem = noListing(name);
  let entriesLeft = FOLDER_ENTRIES_MAX;
  await Promise.all(offered.map(({ part }) => part?.ended));
  for (const each of offered.toSorted(byServers)) {
    const { content, offers, part } = each;
    const outcome = await part?.ended;
    if (outcome?.event === "failed") {
      // That a listing did not come says nothing against it.
      if (outcome.code !== "unverified") problem = ShoalError.fromMessage(outcome);
      continue;
    }
    const isNew = each.decoded === undefined;
    const entries = each.decoded ??= decodeManifest(disk.read(outcome!.path), folder);
    const isBad = "problem" in entries;
    if (isNew && (isBad || records.manifestsDir === undefined)) disk.remove(outcome!.path);
    if (isBad || entries.length > entriesLeft) {
      if (isNew) onBad(offers, isBad ? entries.problem : "too many entries");
    } else {
      entriesLeft -= entries.length;
      manifests.push({ content, offers, entries });
    }
  }
  return { manifests, problem: manifests.length === 0 ? problem : undefined };
}

function byServers(a: Arriving, b: Arriving): number {
  return b.offers.length - a.offers.length;
}
