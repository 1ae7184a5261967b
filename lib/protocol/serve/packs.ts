/**
 * Which ranges of what is offered are packed, for whom, and which packs are kept (docs/PROTOCOL.md, "Packing"). A pack is a
 * content in memory, found by its root like every other: whoever sends knows nothing of packing. A range is
 * packed once for all who ask for it, each range is answered once, and what is kept and waited for is bounded.
 */
import { type Endpoint, endpointKey, partyOf } from "../../address.ts";
import { type Bytes, type HashHex, hashHex, type SafeFileName } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { PACK_BYTES_MAX } from "../../wire/limits.ts";
import { type ByteRange, encodeFrame, type FrameOf } from "../../wire/frames.ts";
import { PackSkips } from "../base/pack_skips.ts";
import { RecentMap } from "../base/recent_map.ts";
import {
  type ContentRef,
  keyOf,
  type LocatedContent,
  type ServedFile,
} from "../base/served_file.ts";
import { FairQueue } from "./fair_queue.ts";
import {
  PACK_ASKERS_MAX,
  PACK_CACHE_BYTES_MAX,
  PACK_SERVING_BYTES_PER_S_MAX,
  PACK_STRUCK_MEMORY_MS,
  PACKS_AT_ONCE,
  PACKS_KNOWN_MAX,
  PACKS_PER_PARTY_MAX,
  PACKS_WAITING_MAX,
  PARTIES_MAX,
  PARTY_FLOWS_REMEMBERED_MAX,
  STATS_INTERVAL_MS,
} from "./limits.ts";

/** A range as it travels. */
export interface Pack {
  readonly root: HashHex;
  readonly bytes: Uint8Array<SharedArrayBuffer>;
}

/** A part of a content that somebody wants packed. */
export interface PackJob extends ByteRange {
  readonly content: ContentRef;
}

export type PacksEvent =
  /** A client that has proved its address asks. */
  | { readonly kind: "ask"; readonly to: Endpoint; readonly want: FrameOf<"pack_want"> }
  /** Outcome of `pack`; there is no pack where it would save too little, or the content is not there as it was. */
  | { readonly kind: "packed"; readonly job: number; readonly pack?: Pack }
  /** Nothing came of `pack`, which says nothing about the range. */
  | { readonly kind: "lost"; readonly job: number }
  /** A file that had this content has it no more. */
  | ({ readonly kind: "forget" } & ContentRef)
  /** A client says that this pack, or the chunks in it, are bad. */
  | ({ readonly kind: "struck" } & ContentRef)
  /** What the server has sent in its last interval. */
  | { readonly kind: "sent"; readonly bytes: number };

export type PacksAction =
  | { readonly kind: "answer"; readonly to: Endpoint; readonly datagram: Bytes }
  /** Pack this; `packed` or `lost` must follow. */
  | { readonly kind: "pack"; readonly job: number; readonly range: PackJob }
  /** This will be asked for by its root. */
  | { readonly kind: "foresee"; readonly content: LocatedContent }
  /** This pack is kept no more. */
  | ({ readonly kind: "drop" } & ContentRef);

/** One range that one client waits for. */
interface Asking {
  readonly to: Endpoint;
  readonly nonce: bigint;
  readonly number: number;
  readonly range: PackJob;
}

interface Running {
  readonly key: string;
  readonly range: PackJob;
  readonly askers: Asking[];
  /** Whether the content was lost meanwhile. */
  isStale: boolean;
}

interface Known {
  readonly range: PackJob;
  readonly content: string;
  /** Absent where the range does not pack. */
  readonly pack?: Pack;
}

/** Nobody asks for it by this. */
const PACK_NAME = "pack" as SafeFileName;
const NO_ROOT = hashHex("00".repeat(HASH_BYTES));
/** Nothing about memory changes. */
const MEMORY_SIGNATURE = { mtimeMs: 0, ctimeMs: 0, inode: 0 } as const;

export class Packs {
  readonly #locate: (ref: ContentRef) => ServedFile | undefined;
  readonly #queue = new FairQueue<Asking>({
    itemsMax: PACKS_WAITING_MAX,
    partyItemsMax: PACKS_PER_PARTY_MAX,
    flowItemsMax: PACKS_PER_PARTY_MAX,
    flowStartCost: 0,
    partiesMax: PARTIES_MAX,
    partyFlowsMax: PARTY_FLOWS_REMEMBERED_MAX,
  });
  readonly #running = new Map<number, Running>();
  /** By range, the one that was asked for longest ago first. */
  readonly #known = new Map<string, Known>();
  /** The keys of ranges by that of their pack: equal ranges have equal packs. */
  readonly #rangesOf = new Map<string, Set<string>>();
  readonly #struck = new RecentMap<true>(PACKS_KNOWN_MAX, PACK_STRUCK_MEMORY_MS);
  readonly #skips = new PackSkips();
  #actions: PacksAction[] = [];
  #nextJob = 0;
  #keptBytes = 0;
  /** Until then it has better things to do. */
  #busyUntilMs = -Infinity;
  /** What ranges had, and what their packs have. */
  readonly counts = { plainBytes: 0, packedBytes: 0 };

  /** @param locate what has a content */
  constructor(locate: (ref: ContentRef) => ServedFile | undefined) {
    this.#locate = locate;
  }

  handle(nowMs: number, event: PacksEvent): readonly PacksAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "ask":
        this.#onAsk(nowMs, event.to, event.want);
        break;
      case "packed":
        this.#onPacked(event.job, event.pack);
        break;
      case "lost":
        this.#onLost(event.job);
        break;
      case "forget":
        this.#forget(keyOf(event));
        break;
      case "struck":
        this.#onStruck(nowMs, keyOf(event));
        break;
      case "sent":
        if (event.bytes > PACK_SERVING_BYTES_PER_S_MAX * STATS_INTERVAL_MS / 1_000) {
          this.#busyUntilMs = nowMs + 2 * STATS_INTERVAL_MS;
        }
        break;
      default:
        event satisfies never;
    }
    this.#runNext();
    return this.#actions;
  }

  /** The pack that is this content. */
  located(ref: ContentRef): ServedFile | undefined {
    const pack = this.#keptAs(ref)?.pack;
    return pack && fileOf(pack);
  }

  /** The range of which this content is the pack. */
  rangeOf(pack: ContentRef): PackJob | undefined {
    return this.#keptAs(pack)?.range;
  }

  #keptAs(pack: ContentRef): Known | undefined {
    const [key = ""] = this.#rangesOf.get(keyOf(pack)) ?? [];
    return this.#known.get(key);
  }

  // — What is asked —————————————————————————————————————————————————————————————————————————————

  #onAsk(nowMs: number, to: Endpoint, want: FrameOf<"pack_want">): void {
    const { nonce, number, root, sizeBytes } = want;
    for (const { offset, lengthBytes } of want.ranges) {
      const isRange = lengthBytes > 0 && lengthBytes <= PACK_BYTES_MAX &&
        offset + lengthBytes <= sizeBytes;
      if (!isRange) continue;
      const range = { content: { root, sizeBytes }, offset, lengthBytes };
      const asking = { to, nonce, number, range };
      if (nowMs < this.#busyUntilMs || !this.#enqueue(asking)) this.#answer(asking, undefined);
    }
  }

  #enqueue(asking: Asking): boolean {
    const { to, nonce, range } = asking;
    const flow = `${endpointKey(to)} ${nonce}`;
    return this.#queue.add(partyOf(to.address), flow, asking, range.lengthBytes);
  }

  #runNext(): void {
    while (this.#running.size < PACKS_AT_ONCE) {
      const asking = this.#queue.take();
      if (asking === undefined) return;
      this.#run(asking);
    }
  }

  #run(asking: Asking): void {
    const { range } = asking;
    const key = rangeKey(range);
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#known.delete(key);
      this.#known.set(key, known);
      return this.#answer(asking, known.pack);
    }
    for (const running of this.#running.values()) {
      if (running.key !== key || running.isStale) continue;
      if (running.askers.length >= PACK_ASKERS_MAX) return this.#answer(asking, undefined);
      running.askers.push(asking);
      return;
    }
    const isHere = this.#locate(range.content) !== undefined;
    if (!isHere || this.#skips.takes(keyOf(range.content))) return this.#answer(asking, undefined);
    const job = this.#nextJob++;
    this.#running.set(job, { key, range, askers: [asking], isStale: false });
    this.#actions.push({ kind: "pack", job, range });
  }

  #answer({ to, nonce, number, range: { offset } }: Asking, pack: Pack | undefined): void {
    const answer = { kind: "packed", nonce, number, offset } as const;
    const datagram = encodeFrame({
      ...answer,
      root: pack?.root ?? NO_ROOT,
      packedBytes: pack?.bytes.length ?? 0,
    });
    // Whoever is told of it asks for it at once.
    if (pack !== undefined) {
      const { root, bytes } = pack;
      const content = { root, sizeBytes: bytes.length, file: fileOf(pack) };
      this.#actions.push({ kind: "foresee", content });
    }
    this.#actions.push({ kind: "answer", to, datagram });
  }

  // — What is packed ————————————————————————————————————————————————————————————————————————————

  #onPacked(job: number, pack: Pack | undefined): void {
    const running = this.#running.get(job);
    if (running === undefined) return;
    this.#running.delete(job);
    const { key, range, askers, isStale } = running;
    const kept = isStale ? undefined : pack;
    if (!isStale) {
      const content = keyOf(range.content);
      this.#skips.onTried(content, pack !== undefined);
      this.#keep(key, range, pack);
    }
    if (kept !== undefined) {
      this.counts.plainBytes += range.lengthBytes;
      this.counts.packedBytes += kept.bytes.length;
    }
    for (const asking of askers) this.#answer(asking, kept);
  }

  #onLost(job: number): void {
    const running = this.#running.get(job);
    this.#running.delete(job);
    for (const asking of running?.askers ?? []) this.#answer(asking, undefined);
  }

  #keep(key: string, range: PackJob, pack: Pack | undefined): void {
    this.#drop(key);
    this.#known.set(key, { range, content: keyOf(range.content), ...(pack && { pack }) });
    if (pack !== undefined) {
      const ranges = this.#rangesOf.get(packKey(pack)) ?? new Set();
      this.#rangesOf.set(packKey(pack), ranges.add(key));
      this.#keptBytes += pack.bytes.length;
    }
    for (const oldest of this.#known.keys()) {
      const fits = this.#keptBytes <= PACK_CACHE_BYTES_MAX && this.#known.size <= PACKS_KNOWN_MAX;
      if (fits || oldest === key) return;
      this.#drop(oldest);
    }
  }

  /** A client's word alone: what has been made anew and is the same again is not thrown away for it. */
  #onStruck(nowMs: number, pack: string): void {
    if (this.#struck.get(nowMs, pack) === true) return;
    this.#struck.set(nowMs, pack, true);
    for (const key of this.#rangesOf.get(pack) ?? []) this.#drop(key);
  }

  #forget(content: string): void {
    for (const running of this.#running.values()) {
      if (keyOf(running.range.content) === content) running.isStale = true;
    }
    for (const [key, known] of this.#known) if (known.content === content) this.#drop(key);
  }

  #drop(key: string): void {
    const known = this.#known.get(key);
    if (known === undefined) return;
    this.#known.delete(key);
    const { pack } = known;
    if (pack === undefined) return;
    this.#keptBytes -= pack.bytes.length;
    const ranges = this.#rangesOf.get(packKey(pack));
    ranges?.delete(key);
    // Another range still has it.
    if (ranges !== undefined && ranges.size > 0) return;
    this.#rangesOf.delete(packKey(pack));
    this.#actions.push({ kind: "drop", root: pack.root, sizeBytes: pack.bytes.length });
  }
}

function rangeKey({ content, offset, lengthBytes }: PackJob): string {
  return `${keyOf(content)} ${offset}+${lengthBytes}`;
}

function packKey({ root, bytes }: Pack): string {
  return keyOf({ root, sizeBytes: bytes.length });
}

function fileOf({ bytes }: Pack): ServedFile {
  const place = { kind: "memory", bytes } as const;
  return { name: PACK_NAME, place, sizeBytes: bytes.length, ...MEMORY_SIGNATURE };
}
