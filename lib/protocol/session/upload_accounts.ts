/**
 * What uploads take on the disk, and who has to give way when somebody needs room. Everything counts until it is gone:
 * what is being received, what broke off and may be resumed, and what was stored; and it counts twice, in bytes, and in
 * entries: an empty file, and a folder that was made for one, count like all others.
 *
 * Nobody has room for what it has only announced: an upload that is under way counts for twice what it has brought. What broke
 * off has the least right to stay, that of the party with the most of it first; then uploads so slow that they do
 * little more than hold their room. What was stored stays.
 */
import {
  UPLOAD_BYTES_COUNTED_MIN,
  UPLOAD_GRACE_MS,
  UPLOAD_KEPT_COUNT_MAX,
  UPLOAD_KEPT_PER_PARTY_COUNT_MAX,
  UPLOAD_PACE_BYTES_PER_S,
} from "./limits.ts";

/** What uploads may leave on the disk, until it is gone. Infinity for no bound. */
export interface UploadQuota {
  /** What all uploads together may take. */
  readonly bytes: number;
  /** … and those of one party. */
  readonly perPartyBytes: number;
  /** Files and folders that all uploads together may have made. */
  readonly entries: number;
  /** … and those of one party. */
  readonly perPartyEntries: number;
}

interface UploadBounds {
  readonly quota: UploadQuota;
  /** What broke off, of one party and in all. */
  readonly keptPerPartyBytes: number;
  readonly keptBytes: number;
}

/** What is on the disk of an upload that is not finished. */
interface Unfinished {
  readonly party: string;
  readonly isReceiving: boolean;
  /** Itself, and the folders that its name will need. */
  readonly entries: number;
  /** On the disk. */
  readonly bytes: number;
  /** All that is announced; how much was there when it began, and when that was, or its last byte came. */
  readonly announcedBytes: number;
  readonly startBytes: number;
  readonly sinceMs: number;
}

interface Stored {
  readonly party: string;
  readonly bytes: number;
}

/** What an upload takes of a disk, and what somebody wants to bring. */
export interface UploadRoom {
  readonly bytes: number;
  /** The file, and folders that have to be made for it. */
  readonly entries: number;
}

/** A bound that leaves no room, and how much room it leaves: bytes, or entries. */
export interface Shortage {
  readonly bound: keyof UploadQuota;
  readonly left: number;
}

export class UploadAccounts {
  readonly #bounds: UploadBounds;
  /** By the tag of its part. */
  readonly #unfinished = new Map<string, Unfinished>();
  /** By name. */
  readonly #stored = new Map<string, Stored>();
  #storedBytes = 0;
  readonly #storedOf = new Map<string, UploadRoom>();

  constructor(bounds: UploadBounds) {
    this.#bounds = bounds;
  }

  /** Names of what was stored. */
  get storedNames(): string[] {
    return [...this.#stored.keys()];
  }

  /** Tags of what broke off. */
  get keptTags(): string[] {
    return [...this.#unfinished].filter(([, each]) => !each.isReceiving).map(([tag]) => tag);
  }

  /** What everything takes. */
  get usedBytes(): number {
    return this.#storedBytes + sumOf(this.#unfinished.values());
  }

  /** It has broken off, or was found; at the time of its last byte. */
  keep(tag: string, party: string, bytes: number, changedMs: number): void {
    const fields = { announcedBytes: bytes, startBytes: bytes, sinceMs: changedMs, entries: 1 };
    this.#unfinished.set(tag, { party, isReceiving: false, bytes, ...fields });
  }

  /** A file, or a folder that was made for one. */
  store(name: string, party: string, bytes: number): void {
    this.forgetStored(name);
    const countedBytes = Math.max(bytes, UPLOAD_BYTES_COUNTED_MIN);
    this.#stored.set(name, { party, bytes: countedBytes });
    this.#addStored(party, { bytes: countedBytes, entries: 1 });
  }

  /** Its part is gone. */
  drop(tag: string): void {
    this.#unfinished.delete(tag);
  }

  /** There is no such file any more. */
  forgetStored(name: string): void {
    const stored = this.#stored.get(name);
    if (stored === undefined) return;
    this.#stored.delete(name);
    this.#addStored(stored.party, { bytes: -stored.bytes, entries: -1 });
  }

  /** Why a whole upload has no room, even if everything goes that may; `undefined` if it has. */
  shortageFor(nowMs: number, tag: string, party: string, wanted: UploadRoom): Shortage | undefined {
    const others = this.#othersThan(tag);
    return this.#shortageOfBytes(nowMs, others, party, countedBytes(wanted)) ??
      this.#shortageOfEntries(others, party, wanted.entries);
  }

  /** It is being received, and so much of it is there. */
  begin(nowMs: number, tag: string, party: string, bytes: number, announced: UploadRoom): void {
    const { bytes: announcedBytes, entries } = announced;
    const fields = { announcedBytes, entries, startBytes: bytes, sinceMs: nowMs };
    this.#unfinished.set(tag, { party, isReceiving: true, bytes, ...fields });
  }

  /**
   * So much of it is there from now on. Returns which others must go for that; `undefined` if there is no room, and
   * nothing changes.
   */
  advance(nowMs: number, tag: string, bytes: number): readonly string[] | undefined {
    const upload = this.#unfinished.get(tag);
    if (upload === undefined) return undefined;
    const next = { ...upload, bytes };
    const going = this.#goingFor(nowMs, tag, next);
    if (going !== undefined) this.#unfinished.set(tag, next);
    return going;
  }

  /** What broke off beyond what is kept of that. */
  surplus(): readonly string[] {
    const kept = [...this.#unfinished].filter(([, { isReceiving }]) => !isReceiving);
    const { keptPerPartyBytes, keptBytes } = this.#bounds;
    const own = [...Map.groupBy(kept, ([, { party }]) => party).values()]
      .flatMap((each) => beyond(each, keptPerPartyBytes, UPLOAD_KEPT_PER_PARTY_COUNT_MAX));
    const gone = new Set(own);
    const rest = kept.filter(([tag]) => !gone.has(tag));
    return [...own, ...beyond(rest, keptBytes, UPLOAD_KEPT_COUNT_MAX)];
  }

  /** Tags of what may go, in the order in which it goes. */
  expendable(nowMs: number): readonly string[] {
    const going = [...this.#unfinished].filter(([, each]) => this.#mayGo(nowMs, each));
    const bytesOf = new Map<string, number>();
    for (const [, each] of going) {
      bytesOf.set(each.party, (bytesOf.get(each.party) ?? 0) + usedBy(each));
    }
    return going.sort(([, a], [, b]) =>
      Number(a.isReceiving) - Number(b.isReceiving) ||
      bytesOf.get(b.party)! - bytesOf.get(a.party)! || a.sinceMs - b.sinceMs
    ).map(([tag]) => tag);
  }

  #goingFor(nowMs: number, tag: string, next: Unfinished): readonly string[] | undefined {
    const { bytes: quotaBytes, perPartyBytes } = this.#bounds.quota;
    const others = this.#othersThan(tag);
    const own = others.filter(({ party }) => party === next.party);
    const wantedBytes = usedBy(next);
    let overBytes = this.#storedBytes + sumOf(others) + wantedBytes - quotaBytes;
    let ownOverBytes = this.#storedBy(next.party).bytes + sumOf(own) + wantedBytes - perPartyBytes;
    const going: string[] = [];
    for (const each of overBytes > 0 || ownOverBytes > 0 ? this.expendable(nowMs) : []) {
      if (overBytes <= 0 && ownOverBytes <= 0) break;
      const other = this.#unfinished.get(each)!;
      const isOwn = other.party === next.party;
      // Where only the own bound is short, nobody else's going would help.
      if (each === tag || (overBytes <= 0 && !isOwn)) continue;
      going.push(each);
      overBytes -= usedBy(other);
      if (isOwn) ownOverBytes -= usedBy(other);
    }
    // Room for as much again is kept for those who came before, and wished for by this one itself.
    const gone = new Set(going);
    const staying = [...this.#unfinished].filter(([each]) => each !== tag && !gone.has(each))
      .map(([, upload]) => upload);
    const needed = (uploads: readonly Unfinished[]): number =>
      uploads.reduce(
        (sum, each) => sum + (each.sinceMs <= next.sinceMs ? usedBy(each) : presentOf(each)),
        presentOf(next),
      );
    const ownStaying = staying.filter(({ party }) => party === next.party);
    const fits = this.#storedBytes + needed(staying) <= quotaBytes &&
      this.#storedBy(next.party).bytes + needed(ownStaying) <= perPartyBytes;
    return fits ? going : undefined;
  }

  #shortageOfBytes(
    nowMs: number,
    others: readonly Unfinished[],
    party: string,
    bytes: number,
  ): Shortage | undefined {
    const staying = others.filter((each) => !this.#mayGo(nowMs, each));
    const own = staying.filter((each) => each.party === party);
    const { quota } = this.#bounds;
    const left = Math.max(0, quota.bytes - this.#storedBytes - sumOf(staying));
    const storedBytes = this.#storedBy(party).bytes;
    const ownLeft = Math.max(0, quota.perPartyBytes - storedBytes - sumOf(own));
    if (left < bytes && left <= ownLeft) return { bound: "bytes", left };
    return ownLeft < bytes ? { bound: "perPartyBytes", left: ownLeft } : undefined;
  }

  /** What broke off counts as well: there is little of it, and nobody has to go for an entry. */
  #shortageOfEntries(
    others: readonly Unfinished[],
    party: string,
    entries: number,
  ): Shortage | undefined {
    const own = others.filter((each) => each.party === party);
    const { quota } = this.#bounds;
    const left = Math.max(0, quota.entries - this.#stored.size - entriesOf(others));
    const storedEntries = this.#storedBy(party).entries;
    const ownLeft = Math.max(0, quota.perPartyEntries - storedEntries - entriesOf(own));
    if (left < entries && left <= ownLeft) return { bound: "entries", left };
    return ownLeft < entries ? { bound: "perPartyEntries", left: ownLeft } : undefined;
  }

  #othersThan(tag: string): Unfinished[] {
    return [...this.#unfinished].filter(([each]) => each !== tag).map(([, upload]) => upload);
  }

  #mayGo(nowMs: number, { isReceiving, bytes, startBytes, sinceMs }: Unfinished): boolean {
    if (!isReceiving) return true;
    const elapsedMs = nowMs - sinceMs;
    if (elapsedMs < UPLOAD_GRACE_MS) return false;
    return bytes - startBytes < UPLOAD_PACE_BYTES_PER_S * elapsedMs / 1000;
  }

  #storedBy(party: string): UploadRoom {
    return this.#storedOf.get(party) ?? { bytes: 0, entries: 0 };
  }

  #addStored(party: string, { bytes, entries }: UploadRoom): void {
    this.#storedBytes += bytes;
    const before = this.#storedBy(party);
    const after = { bytes: before.bytes + bytes, entries: before.entries + entries };
    if (after.entries === 0) this.#storedOf.delete(party);
    else this.#storedOf.set(party, after);
  }
}

function usedBy({ isReceiving, bytes, announcedBytes }: Unfinished): number {
  const countedBytes = isReceiving ? Math.min(2 * bytes, Math.max(bytes, announcedBytes)) : bytes;
  return Math.max(countedBytes, UPLOAD_BYTES_COUNTED_MIN);
}

function sumOf(uploads: Iterable<Unfinished>): number {
  let sum = 0;
  for (const each of uploads) sum += usedBy(each);
  return sum;
}

/** An empty file, and a folder, take room on a disk as well. */
function countedBytes({ bytes, entries }: UploadRoom): number {
  return Math.max(bytes, UPLOAD_BYTES_COUNTED_MIN) + (entries - 1) * UPLOAD_BYTES_COUNTED_MIN;
}

function entriesOf(uploads: readonly Unfinished[]): number {
  return uploads.reduce((sum, { entries }) => sum + entries, 0);
}

/** What is there, without what is kept for more of it. */
function presentOf({ bytes }: Unfinished): number {
  return Math.max(bytes, UPLOAD_BYTES_COUNTED_MIN);
}

/** The oldest, as far as all together are more than that. */
function beyond(
  uploads: readonly (readonly [string, Unfinished])[],
  bytesMax: number,
  countMax: number,
): string[] {
  const newestFirst = uploads.toSorted(([, a], [, b]) => b.sinceMs - a.sinceMs);
  let sum = 0;
  return newestFirst.filter(([, each], i) => {
    sum += usedBy(each);
    return sum > bytesMax || i >= countMax;
  }).map(([tag]) => tag);
}
