/**
 * The machine of a third kind of source: pieces of files come when they come, as from a multicast sender that
 * goes round and round. It asks for nothing, keeps what belongs to chunks that are missing, and proves each
 * as every source does. What is lost comes again with a later round.
 */
import type { Bytes, HashHex, SourceId, TransferId } from "../../lib/ids.ts";
import { RateMeter } from "../../lib/protocol/base/rate_meter.ts";
import type { ByteRun, ChunkBuffer } from "../../lib/protocol/download/chunk_buffer.ts";
import { FetchList, type Lease } from "../../lib/protocol/download/fetch_list.ts";
import type { ReceiverAction } from "../../lib/protocol/download/receiver_messages.ts";
import { ReportCounts } from "../../lib/protocol/download/receiver_report.ts";
import { chunkBytesFor } from "../../lib/protocol/merkle/merkle.ts";

export type PushEvent =
  | { readonly kind: "assign" | "reroute"; readonly source: SourceId }
  | { readonly kind: "lease"; readonly lease: Lease }
  | { readonly kind: "revoke"; readonly transfer: TransferId; readonly chunks: readonly number[] }
  | { readonly kind: "allot"; readonly bufferBytesMax: number }
  | { readonly kind: "release" }
  | { readonly kind: "recycle"; readonly buffers: readonly Bytes[] }
  /** A piece of the file with this root, within one chunk. */
  | {
    readonly kind: "piece";
    readonly root: HashHex;
    readonly offset: number;
    readonly bytes: Bytes;
  }
  | { readonly kind: "wakeup" };

export type PushAction = Extract<ReceiverAction, { kind: "chunk" | "report" }>;

export class PushReceiver {
  readonly #fetches = new FetchList();
  readonly #counts = new ReportCounts();
  #meter = new RateMeter(0);
  #source: SourceId | undefined;
  /** Begun, the oldest first. */
  #begun: ChunkBuffer[] = [];
  #actions: PushAction[] = [];

  handle(nowMs: number, event: PushEvent): readonly PushAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "assign":
      case "reroute":
        this.#source = event.source;
        this.#meter = new RateMeter(nowMs);
        break;
      case "lease":
        this.#fetches.add(event.lease);
        break;
      case "revoke":
        this.#fetches.revoke(event.transfer, event.chunks);
        break;
      case "allot":
        this.#fetches.budgetBytes = event.bufferBytesMax;
        break;
      case "release":
        if (this.#counts.hasNews) this.#report(nowMs);
        this.#fetches.drop();
        this.#source = undefined;
        break;
      case "recycle":
        for (const buffer of event.buffers) this.#fetches.recycle(buffer);
        break;
      case "piece":
        this.#onPiece(event);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    if (this.#counts.hasNews && nowMs >= this.#counts.deadlineMs) this.#report(nowMs);
    return this.#actions;
  }

  nextWakeupMs(): number {
    return this.#counts.hasNews ? this.#counts.deadlineMs : Infinity;
  }

  #onPiece({ root, offset, bytes }: Extract<PushEvent, { kind: "piece" }>): void {
    const fetch = this.#fetches.findByRoot(root);
    if (fetch === undefined) return;
    const chunk = Math.floor(offset / chunkBytesFor(fetch.content.sizeBytes));
    const buffer = this.#bufferOf(fetch.transfer, chunk);
    if (buffer === undefined) return;
    const run: ByteRun = {
      copyTo: (target, at, start, end) =>
        target.set(bytes.subarray(start - offset, end - offset), at),
    };
    const start = offset - buffer.offset;
    const added = buffer.add(run, start, start + bytes.length);
    this.#counts.receivedBytes += added;
    this.#meter.add(added);
    if (buffer.isComplete) this.#onComplete(buffer);
  }

  /** What has waited longest for what it lacks makes room. */
  #bufferOf(transfer: TransferId, chunk: number): ChunkBuffer | undefined {
    this.#begun = this.#begun.filter(({ isDropped }) => !isDropped);
    let buffer = this.#fetches.begin(transfer, chunk);
    const [oldest] = this.#begun;
    if (buffer === undefined && oldest !== undefined) {
      this.#fetches.abandon(oldest);
      buffer = this.#fetches.begin(transfer, chunk);
    }
    if (buffer !== undefined && !this.#begun.includes(buffer)) this.#begun.push(buffer);
    return buffer;
  }

  #onComplete(buffer: ChunkBuffer): void {
    const { fetch, isProved } = this.#fetches.complete(buffer);
    const count = { transfer: fetch.transfer, chunk: fetch.chunk, bytes: fetch.lengthBytes };
    if (!isProved) {
      this.#counts.bad.push({ ...count, isIntegrityFailure: true });
      return;
    }
    this.#counts.verified.push(count);
    this.#actions.push({ kind: "chunk", ...count, buffer: buffer.buffer });
  }

  #report(nowMs: number): void {
    if (this.#source === undefined) return;
    const report = {
      source: this.#source,
      rateBytesPerS: this.#meter.read(nowMs),
      rttMs: 0,
      leasedBytes: this.#fetches.leasedBytes,
      silentMs: 0,
      ...this.#counts.take(nowMs),
    };
    this.#actions.push({ kind: "report", report });
  }
}
