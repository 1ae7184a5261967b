/**
 * Which chunks each flow was lately sent, whole: a STRIKE counts only for one of these, and once. So it costs
 * its sender the chunk it is about, and an address that received nothing can say nothing about a file.
 *
 * What is remembered is bounded per proved address, the oldest chunk of the longest idle flow first, so that
 * nobody makes the server forget what it sent to others, short of having as many addresses as are remembered.
 */
import { type Endpoint, partyOf } from "../../address.ts";
import type { FrameOf } from "../../wire/frames.ts";
import type { WantFrame } from "./sender.ts";
import { chunkBytesFor, chunkCountFor, chunkLength } from "../merkle/merkle.ts";
import { SENT_CHUNKS_PER_ADDRESS_MAX, SENT_TO_ADDRESSES_MAX } from "./limits.ts";
import { type ContentRef, keyOf } from "../base/served_file.ts";

/** What was sent, as far as it matters; a session over TCP is a flow of its own. */
type SentRanges = Pick<WantFrame, "nonce" | "root" | "sizeBytes" | "ranges">;
/** What a client says of a chunk that it was sent. */
type Strike = Pick<FrameOf<"strike">, "nonce" | "root" | "sizeBytes" | "chunk">;

/** How many bytes of each chunk a flow was sent, by the chunk's index; the oldest first. */
type SentBytes = Map<number, number>;

/** What one address was sent. */
interface Receipts {
  /** By flow and content, the longest idle first. */
  readonly flows: Map<string, SentBytes>;
  chunks: number;
}

export class SentChunks {
  /** By proved address, the longest idle first. */
  readonly #addresses = new Map<string, Receipts>();

  /** All that a request asked for was sent. */
  onSent(to: Endpoint, want: SentRanges): void {
    const receipts = this.#receiptsOf(partyOf(to.address));
    const sent = sentTo(receipts, flowKey(to, want.nonce, want));
    const chunkBytes = chunkBytesFor(want.sizeBytes);
    for (const { offset, lengthBytes } of want.ranges) {
      const end = offset + lengthBytes;
      for (let at = offset; at < end;) {
        const chunk = Math.floor(at / chunkBytes);
        const next = Math.min(end, (chunk + 1) * chunkBytes);
        const before = sent.get(chunk);
        if (before === undefined) receipts.chunks += 1;
        sent.delete(chunk);
        sent.set(chunk, (before ?? 0) + next - at);
        at = next;
      }
    }
    while (receipts.chunks > SENT_CHUNKS_PER_ADDRESS_MAX) dropOldest(receipts);
  }

  /** Whether the strike is about a chunk that its flow was sent; a second one is not. */
  takeStrike(from: Endpoint, strike: Strike): boolean {
    const { nonce, chunk, sizeBytes } = strike;
    const receipts = this.#addresses.get(partyOf(from.address));
    const key = flowKey(from, nonce, strike);
    const sent = receipts?.flows.get(key);
    const bytes = sent?.get(chunk);
    if (receipts === undefined || sent === undefined || bytes === undefined) return false;
    if (chunk >= chunkCountFor(sizeBytes) || bytes < chunkLength(sizeBytes, chunk)) return false;
    sent.delete(chunk);
    receipts.chunks -= 1;
    if (sent.size === 0) receipts.flows.delete(key);
    return true;
  }

  #receiptsOf(party: string): Receipts {
    const receipts = this.#addresses.get(party) ?? { flows: new Map(), chunks: 0 };
    this.#addresses.delete(party);
    const [oldest] = this.#addresses.keys();
    if (oldest !== undefined && this.#addresses.size >= SENT_TO_ADDRESSES_MAX) {
      this.#addresses.delete(oldest);
    }
    this.#addresses.set(party, receipts);
    return receipts;
  }
}

function flowKey({ port }: Endpoint, nonce: bigint, content: ContentRef): string {
  return `${port} ${nonce} ${keyOf(content)}`;
}

function sentTo({ flows }: Receipts, key: string): SentBytes {
  const sent = flows.get(key) ?? new Map<number, number>();
  flows.delete(key);
  flows.set(key, sent);
  return sent;
}

function dropOldest(receipts: Receipts): void {
  const [flow] = receipts.flows;
  if (flow === undefined) return;
  const [key, sent] = flow;
  const [chunk] = sent.keys();
  if (chunk !== undefined && sent.delete(chunk)) receipts.chunks -= 1;
  if (sent.size === 0) receipts.flows.delete(key);
}
