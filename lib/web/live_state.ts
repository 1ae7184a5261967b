/**
 * What happens at a server now, as whoever looks on is told it: the whole to begin with, and then what has changed since. Fed with events, of
 * which it keeps a bounded number. Pure.
 */
import type { ServeEvent, TransferEvent, UploadedEvent } from "../app/events.ts";
import { LIVE_ENDED_MS, LIVE_TRANSFERS_MAX, LIVE_UPLOADED_MAX } from "./limits.ts";

/** A transfer as it is told. */
type Transfer = Omit<TransferEvent, "event" | "omitted" | "state"> & {
  readonly state: "moving" | "ended";
};

/** What was uploaded, as it is told. */
type Uploaded = Pick<UploadedEvent, "name" | "client" | "size" | "sha256">;

interface Indexing {
  readonly filesLeft: number;
  readonly bytesLeft: number;
  readonly rate: number;
  readonly secondsLeft?: number;
}

/** What an offering is like now. */
export interface OfferingNow {
  readonly revision: string;
  readonly files: number;
}

export class LiveState {
  /** By id, in the order in which they began. */
  readonly #transfers = new Map<number, { readonly told: Transfer; readonly endedMs: number }>();
  /** The newest last. */
  readonly #uploaded: Uploaded[] = [];
  #indexing: Indexing | null = null;
  /** What has changed since it was told last. */
  readonly #changed = new Set<"transfers" | "uploaded" | "indexing">();
  #toldRevision = "";

  /** Whether anything of it is told. */
  onEvent(nowMs: number, event: ServeEvent): boolean {
    switch (event.event) {
      case "transfer":
        this.#onTransfer(nowMs, event);
        return true;
      case "uploaded": {
        const { name, client, size, sha256 } = event;
        this.#uploaded.push({ name, client, size, sha256 });
        if (this.#uploaded.length > LIVE_UPLOADED_MAX) this.#uploaded.shift();
        this.#changed.add("uploaded");
        return true;
      }
      case "indexing": {
        const { event: _, ...indexing } = event;
        this.#indexing = indexing.filesLeft === 0 ? null : indexing;
        this.#changed.add("indexing");
        return true;
      }
      default:
        return false;
    }
  }

  /** Everything. */
  whole(nowMs: number, { revision, files }: OfferingNow) {
    this.#forgetEnded(nowMs);
    return {
      ...{ role: "server", revision, files, transfers: this.#transferList() },
      ...{ uploaded: this.#uploaded.toReversed(), indexing: this.#indexing },
    };
  }

  /** What has changed since this was asked last; `undefined` if nothing has. */
  update(nowMs: number, { revision, files }: OfferingNow): object | undefined {
    this.#forgetEnded(nowMs);
    const isOtherOffering = revision !== this.#toldRevision;
    if (this.#changed.size === 0 && !isOtherOffering) return undefined;
    this.#toldRevision = revision;
    const update = {
      ...(isOtherOffering && { revision, files }),
      ...(this.#changed.has("transfers") && { transfers: this.#transferList() }),
      ...(this.#changed.has("uploaded") && { uploaded: this.#uploaded.toReversed() }),
      ...(this.#changed.has("indexing") && { indexing: this.#indexing }),
    };
    this.#changed.clear();
    return update;
  }

  #onTransfer(nowMs: number, event: TransferEvent): void {
    const { event: _, omitted: _omitted, state, ...transfer } = event;
    const isOver = state === "ended";
    const told = { ...transfer, state: isOver ? "ended" : "moving" } as const;
    this.#transfers.set(event.id, { told, endedMs: isOver ? nowMs : Infinity });
    if (this.#transfers.size > LIVE_TRANSFERS_MAX) this.#dropOne();
    this.#changed.add("transfers");
  }

  /** What is over goes first, then what began first. */
  #dropOne(): void {
    for (const [id, { endedMs }] of this.#transfers) {
      if (endedMs !== Infinity) return void this.#transfers.delete(id);
    }
    for (const id of this.#transfers.keys()) return void this.#transfers.delete(id);
  }

  #forgetEnded(nowMs: number): void {
    for (const [id, { endedMs }] of this.#transfers) {
      if (endedMs + LIVE_ENDED_MS > nowMs) continue;
      this.#transfers.delete(id);
      this.#changed.add("transfers");
    }
  }

  #transferList(): readonly Transfer[] {
    return [...this.#transfers.values()].map(({ told }) => told).reverse();
  }
}
