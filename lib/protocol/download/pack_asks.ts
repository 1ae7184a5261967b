/**
 * Which of the leased chunks a server is asked to pack, and what it has answered (docs/PROTOCOL.md, "Packing"). It asks ahead of
 * their turn, and nothing waits for an answer: `FetchList` fetches packed what is known to be packed by then.
 */
import type { HashHex, TransferId } from "../../ids.ts";
import { PACK_BYTES_MAX, PACK_RANGES_MAX } from "../../wire/limits.ts";
import type { ByteRange, FrameOf } from "../../wire/frames.ts";
import { PACK_SHARE_MAX } from "../base/limits.ts";
import { PackSkips } from "../base/pack_skips.ts";
import { chunkBytesFor } from "../merkle/merkle.ts";
import { PackJudge } from "./pack_judge.ts";
import type { Fetch, Span } from "./fetch.ts";
import type { FetchList } from "./fetch_list.ts";
import {
  LEASE_MS,
  PACK_ANSWER_MS_MAX,
  PACK_ASKED_BYTES_MAX,
  PACK_BYTES_MIN,
  PACK_PEAK_BYTES_PER_S_MAX,
  PACK_PEAK_MS,
  PACK_STALL_BYTES,
  PACK_SURE_BYTES_PER_S,
  PACK_TRIAL_SPANS,
  PACK_VAIN_MAX,
  UNPACK_BYTES_PER_S,
} from "./limits.ts";

/** What is to be asked in one PACK_WANT. */
interface PackAsk {
  readonly root: HashHex;
  readonly sizeBytes: number;
  readonly ranges: readonly ByteRange[];
}

/** How the flow is doing. */
export interface FlowPace {
  /** What travels; 0 while that is not known. */
  readonly wireBytesPerS: number;
  /** What is brought by it: more, where it comes packed. */
  readonly plainBytesPerS: number;
}

/** What was asked in one PACK_WANT and is not answered. */
interface Asked {
  readonly askedMs: number;
  /** By the offset of their ranges. */
  readonly spans: Map<number, Span>;
}

export class PackAsks {
  readonly #fetches: FetchList;
  readonly #asked = new Map<number, Asked>();
  readonly #skips = new PackSkips();
  /** What `next` returned last. */
  #pending: readonly Span[] = [];
  #askedBytes = 0;
  #askedSpans = 0;
  /** Whether what was asked last does pack. */
  #hasPacked = false;
  /** Questions without an answer, and those that were answered by RETRY. */
  #vainInARow = 0;
  #isRefused = false;
  #pausedUntilMs = -Infinity;
  #judge = new PackJudge();
  #peakBytesPerS = 0;
  #peakMs = -Infinity;
  /** What `FetchList` had to offer when nothing more was to be asked. */
  #lookedAt = -1;

  constructor(fetches: FetchList) {
    this.#fetches = fetches;
  }

  /** Another server, or the same one by another flow. */
  begin(): void {
    this.#asked.clear();
    this.#skips.clear();
    this.#askedBytes = this.#askedSpans = 0;
    this.#hasPacked = false;
    this.#vainInARow = 0;
    this.#isRefused = false;
    this.#pausedUntilMs = -Infinity;
    this.#judge = new PackJudge();
    this.#peakBytesPerS = 0;
    this.#lookedAt = -1;
  }

  /** A chunk has come, or a pack: so many plain bytes in so many. */
  onBrought(nowMs: number, plainBytes: number, isPacked: boolean): void {
    this.#judge.onBrought(nowMs, plainBytes, isPacked);
    if (this.#fetches.leasedBytes === 0) this.#judge.pause();
  }

  /** The server is asked for no packs any more in this flow, and what it has named is not fetched. */
  refuse(): void {
    this.#isRefused = true;
    this.#asked.clear();
    this.#askedBytes = this.#askedSpans = 0;
    this.#fetches.unpackAll();
  }

  /** The next thing to ask; say `onSent` when it is. */
  next(nowMs: number, pace: () => FlowPace): PackAsk | undefined {
    if (this.#isRefused || nowMs < this.#pausedUntilMs) return undefined;
    this.#expire(nowMs);
    const { newsCount } = this.#fetches;
    if (newsCount === this.#lookedAt || !this.#mayAsk(this.#askedSpans, this.#askedBytes)) {
      return undefined;
    }
    const { wireBytesPerS, plainBytesPerS } = pace();
    if (wireBytesPerS === 0 || !this.#pays(nowMs, wireBytesPerS)) return undefined;
    const spans = this.#nextSpans(spanBytesMax(wireBytesPerS, plainBytesPerS));
    const [first] = spans;
    if (first === undefined) {
      this.#lookedAt = newsCount;
      return undefined;
    }
    const { root, sizeBytes } = first.content;
    this.#pending = spans;
    return {
      root,
      sizeBytes,
      ranges: spans.map(({ offset, lengthBytes }) => ({ offset, lengthBytes })),
    };
  }

  /** What `next` returned was asked under this number. */
  onSent(nowMs: number, number: number): void {
    const spans = new Map<number, Span>();
    for (const span of this.#pending) {
      for (const fetch of span.fetches) fetch.span = span;
      spans.set(span.offset, span);
      this.#askedBytes += span.lengthBytes;
      this.#askedSpans += 1;
    }
    this.#asked.set(number, { askedMs: nowMs, spans });
    this.#pending = [];
  }

  onAnswer({ number, offset, root, packedBytes }: FrameOf<"packed">): void {
    const asked = this.#asked.get(number);
    const span = asked?.spans.get(offset);
    if (asked === undefined || span === undefined) return;
    this.#vainInARow = 0;
    this.#take(number, asked, span);
    const isPacked = packedBytes > 0 && packedBytes <= PACK_SHARE_MAX * span.lengthBytes;
    this.#hasPacked = isPacked;
    this.#skips.onTried(skipKey(span), isPacked);
    if (isPacked) span.pack = { root, sizeBytes: packedBytes };
    else this.#fetches.unpack(span);
  }

  /** The server will hear of nothing more for so long. */
  onBusy(nowMs: number, number: number, waitMs: number): void {
    const asked = this.#asked.get(number);
    if (asked === undefined) return;
    this.#pausedUntilMs = nowMs + waitMs;
    this.#giveUp(number, asked);
  }

  /** It wants to be asked with a fresh token: says whether `number` was a question of ours. */
  onRetry(number: number): boolean {
    const asked = this.#asked.get(number);
    if (asked === undefined) return false;
    for (const span of asked.spans.values()) {
      for (const fetch of span.fetches) if (fetch.span === span) delete fetch.span;
      this.#take(number, asked, span);
    }
    this.#vainInARow += 1;
    if (this.#vainInARow >= PACK_VAIN_MAX) this.refuse();
    return true;
  }

  /**
   * Whether packing pays, as far as is known: on slow paths always, on fast ones never, and in between if it turns out
   * to. What was measured best says which it is, as there are many reasons to be slow.
   */
  #pays(nowMs: number, wireBytesPerS: number): boolean {
    if (this.#judge.isPacking) return wireBytesPerS < PACK_PEAK_BYTES_PER_S_MAX;
    if (wireBytesPerS >= this.#peakBytesPerS || nowMs >= this.#peakMs + PACK_PEAK_MS) {
      this.#peakBytesPerS = wireBytesPerS;
      this.#peakMs = nowMs;
    }
    if (this.#peakBytesPerS < PACK_SURE_BYTES_PER_S) {
      this.#judge.pause();
      return true;
    }
    if (this.#peakBytesPerS >= PACK_PEAK_BYTES_PER_S_MAX || this.#judge.isResting(nowMs)) {
      return false;
    }
    // Until it is known what has to be beaten there are few questions, from which the server may wake up.
    return !this.#hasPacked || this.#judge.begin(nowMs);
  }

  #expire(nowMs: number): void {
    for (const [number, asked] of this.#asked) {
      if (nowMs < asked.askedMs + PACK_ANSWER_MS_MAX) return;
      this.#vainInARow += 1;
      this.#giveUp(number, asked);
      if (this.#vainInARow >= PACK_VAIN_MAX) return this.refuse();
    }
  }

  #giveUp(number: number, asked: Asked): void {
    for (const span of asked.spans.values()) {
      this.#take(number, asked, span);
      this.#fetches.unpack(span);
    }
  }

  /** It is waited for no more. */
  #take(number: number, { spans }: Asked, span: Span): void {
    spans.delete(span.offset);
    if (spans.size === 0) this.#asked.delete(number);
    this.#askedBytes -= span.lengthBytes;
    this.#askedSpans -= 1;
    this.#lookedAt = -1;
  }

  /** Spans of one content, as many as one question is about. */
  #nextSpans(bytesMax: number): readonly Span[] {
    const spans: Span[] = [];
    let bytes = this.#askedBytes;
    let count = this.#askedSpans;
    for (const span of spansOf(this.#fetches.waiting, bytesMax)) {
      const isOther = spans.length > 0 && spans[0]!.content.root !== span.content.root;
      if (!this.#mayAsk(count, bytes) || isOther || spans.length === PACK_RANGES_MAX) break;
      if (this.#skips.takes(skipKey(span))) {
        this.#fetches.unpack(span);
        continue;
      }
      spans.push(span);
      bytes += span.lengthBytes;
      count += 1;
    }
    return spans;
  }

  /** Beside what waits for an answer. While nothing has packed, there are few questions. */
  #mayAsk(spans: number, bytes: number): boolean {
    return this.#hasPacked ? bytes < PACK_ASKED_BYTES_MAX : spans < PACK_TRIAL_SPANS;
  }
}

/**
 * How long a span is at most: half of what is leased ahead, so that one is complete before its turn, and no more than is
 * unpacked while little arrives, as nothing is received meanwhile.
 */
function spanBytesMax(wireBytesPerS: number, plainBytesPerS: number): number {
  const leasedBytes = plainBytesPerS * LEASE_MS / 1_000;
  const unpackedBytes = PACK_STALL_BYTES / wireBytesPerS * UNPACK_BYTES_PER_S;
  return Math.min(leasedBytes / 2, unpackedBytes, PACK_BYTES_MAX);
}

/** The spans that wait whole, and what is left of one whose beginning has had its turn. */
function spansOf(waiting: Iterable<Fetch>, bytesMax: number): Span[] {
  const spans: Span[] = [];
  let fetches: Fetch[] = [];
  const close = (): void => {
    if (fetches.length > 0) spans.push(...wholeSpan(fetches, bytesMax));
    fetches = [];
  };
  for (const fetch of waiting) {
    if (fetch.span !== undefined || fetch.goesPlain) {
      close();
      continue;
    }
    const [first] = fetches;
    const last = fetches.at(-1);
    const continues = first !== undefined && last !== undefined && fetch.parts === undefined &&
      fetch.transfer === first.transfer && fetch.offset === last.offset + last.lengthBytes &&
      fetch.offset % spanBytes(fetch, bytesMax) !== 0;
    if (!continues) close();
    fetches.push(fetch);
  }
  close();
  return spans;
}

/** A power of two, and a chunk at least: where spans begin does not depend on who asks. */
function spanBytes({ content: { sizeBytes } }: Fetch, bytesMax: number): number {
  return Math.max(chunkBytesFor(sizeBytes), 2 ** Math.floor(Math.log2(Math.max(1, bytesMax))));
}

function wholeSpan(fetches: readonly Fetch[], bytesMax: number): Span[] {
  const [first, last] = [fetches[0]!, fetches.at(-1)!];
  const { transfer, content, offset, parts } = first;
  const end = last.offset + last.lengthBytes;
  const lengthBytes = end - offset;
  const isWhole = parts !== undefined || end === content.sizeBytes ||
    end % spanBytes(first, bytesMax) === 0;
  if (!isWhole || lengthBytes < PACK_BYTES_MIN) return [];
  return [{ transfer, content, offset, lengthBytes, fetches }];
}

/** Units of a folder tell about each other. */
function skipKey({ transfer }: { readonly transfer: TransferId }): string {
  return `${transfer}`;
}
