/** Beginnings of files that are appended to all the time: which are offered, how old they are, and which were before. */
import type { FileSignature, SafeFileName } from "../../ids.ts";
import { stillIs } from "../../io/files/regular_file.ts";
import type { Clock } from "../../io/system/clock.ts";
import {
  type ContentPlace,
  type ContentRef,
  keyOf,
  type ServedFile,
} from "../../protocol/base/served_file.ts";
import { RecentMap } from "../../protocol/base/recent_map.ts";
import type { CatalogueEntry } from "../../protocol/serve/catalogue.ts";
import { Growth } from "./growth.ts";
import {
  SNAPSHOT_BYTES_PER_S,
  SNAPSHOT_MS,
  SNAPSHOTS_KEPT_MAX,
  SNAPSHOTS_KEPT_MS,
} from "./limits.ts";

export class Snapshots {
  readonly #clock: Clock;
  readonly #growth = new Growth();
  readonly #takenMs = new Map<SafeFileName, number>();
  /** Earlier ones, by content: they are still there, and somebody may be fetching them. */
  readonly #kept = new RecentMap<ServedFile>(SNAPSHOTS_KEPT_MAX, SNAPSHOTS_KEPT_MS);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** What can be offered of a file that does not rest and looks like this now, if anything can. */
  take(name: SafeFileName, signature: FileSignature): FileSignature | undefined {
    const now = this.#clock.nowMs();
    if (!this.#growth.isAppendedTo(now, name, signature)) return undefined;
    this.#takenMs.set(name, now);
    return { ...signature, isPrefix: true };
  }

  /** The file changes inside: for a while it is not taken for one that only grows. */
  refuse(name: SafeFileName): void {
    this.#growth.refuse(this.#clock.nowMs(), name);
  }

  /** Whether what is offered of the file that was found can be given to somebody who asks for it now. */
  isCurrent(found: FileSignature, { name, signature }: CatalogueEntry): boolean {
    if (!stillIs(found, signature)) return false;
    if (!signature.isPrefix || found.sizeBytes === signature.sizeBytes) return true;
    const ageMs = this.#clock.nowMs() - (this.#takenMs.get(name) ?? -Infinity);
    return ageMs < Math.max(SNAPSHOT_MS, signature.sizeBytes / SNAPSHOT_BYTES_PER_S * 1_000);
  }

  /** Another one takes its place, or the whole file: it stays for those who fetch it, if it is what it was. */
  keep({ name, signature, content }: CatalogueEntry, place: ContentPlace, found: FileSignature) {
    if (content === undefined || !signature.isPrefix || !stillIs(found, signature)) return;
    this.#kept.set(this.#clock.nowMs(), keyOf(content), { name, place, ...signature });
  }

  /** An earlier one with this content. */
  located(ref: ContentRef): ServedFile | undefined {
    return this.#kept.get(this.#clock.nowMs(), keyOf(ref));
  }

  forget(name: SafeFileName): void {
    this.#takenMs.delete(name);
  }
}
