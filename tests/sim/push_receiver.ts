/**
 * The machine of a third kind of source: pieces of files come when they come, as from a multicast sender that
 * goes round and round. It asks for nothing, keeps what belongs to chunks that are missing, and proves each
 * as every source does. What is lost comes again with a later round.
 */
import type { Bytes, HashHex, SourceId, TransferId } from "../../lib/ids.ts";
import { RateMeter } from "../../lib/protocol/base/rate_meter.ts";
import type { ByteRun, ChunkBuffer } from "../../lib/protocol/download/chunk_buffer.ts";
import { SourceCore } from "../../lib/protocol/download/source_core.ts";
import type { SourceAction, SourceEvent } from "../../lib/protocol/download/source_messages.ts";
import { chunkBytesFor } from "../../lib/protocol/merkle/merkle.ts";

export type PushEvent =
  | SourceEvent<{ readonly source: SourceId }>
  /** A piece of the file with this root, within one chunk. */
  | {
    readonly kind: "piece";
    readonly root: HashHex;
    readonly offset: number;
    readonly bytes: Bytes;
  };

export class PushReceiver {
  #actions: SourceAction[] = [];
  readonly #core = new SourceCore(
    (nowMs) => ({ rateBytesPerS: this.#meter.read(nowMs), rttMs: 0, silentMs: 0 }),
    (action) => this.#actions.push(action),
  );
  readonly #fetches = this.#core.fetches;
  #meter = new RateMeter(0);
  /** Begun, the oldest first. */
  #begun: ChunkBuffer[] = [];

  handle(nowMs: number, event: PushEvent): readonly SourceAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "assign":
      case "reroute":
        this.#core.begin(event.source);
        this.#meter = new RateMeter(nowMs);
        break;
      case "lease":
      case "revoke":
      case "allot":
      case "recycle":
        this.#core.onOrder(event);
        break;
      case "release":
        this.#core.end(nowMs);
        break;
      case "piece":
        this.#onPiece(event);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    this.#core.reportWhenDue(nowMs);
    return this.#actions;
  }

  nextWakeupMs(nowMs: number): number {
    return this.#core.nextWakeupMs(nowMs);
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
    this.#core.counts.receivedBytes += added;
    this.#meter.add(added);
    if (buffer.isComplete) this.#core.onComplete(buffer, true);
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
}
