/**
 * What a server sends whom, as people think of it: a transfer is a file or a folder that one client fetches, and many small files
 * of one client are one. Requests neither open nor close anything, so a transfer begins with the first bytes and is over
 * when nothing more has been sent for a while. What is told is bounded, whatever is asked for. Pure.
 */
import { RateLimit } from "../base/rate_limit.ts";
import { RateMeter } from "../base/rate_meter.ts";
import {
  TRANSFER_IDLE_MS,
  TRANSFER_MOVED_MS,
  TRANSFERS_BURST,
  TRANSFERS_MAX,
  TRANSFERS_MOVING_TOLD_MAX,
  TRANSFERS_PER_PARTY_TOLD_MAX,
  TRANSFERS_PER_S,
} from "./limits.ts";

/** Bytes that a client was sent of something that is offered. */
export interface SentPart {
  /** Equal for one client. */
  readonly party: string;
  /** Its address, for people. */
  readonly client: string;
  /** Of a file, or of the folder that was asked for as one. */
  readonly name: string;
  readonly isFolder: boolean;
  /** Bytes in all; of a folder, nobody knows how many of them the client lacks. */
  readonly sizeBytes: number;
  /** Bytes that were sent for the first time. */
  readonly bytes: number;
  /** Files that these begin. */
  readonly files: number;
  /** Whether these are the first of a file. */
  readonly begins: boolean;
  readonly firstAgoMs: number;
  readonly lastAgoMs: number;
}

/** A transfer as it stands. */
interface TransferState {
  readonly id: number;
  readonly client: string;
  /** Empty for many files. */
  readonly name: string;
  readonly kind: "file" | "folder" | "files";
  /** Bytes of a file in all. */
  readonly sizeBytes: number | undefined;
  readonly bytes: number;
  /** Files that were begun. */
  readonly files: number;
  readonly rateBytesPerS: number;
  /** From the first byte sent to the last. */
  readonly seconds: number;
}

/** `omitted` are transfers that were not told of, since the last one that was. */
export type TransferLogNews =
  | ({ readonly kind: "started"; readonly omitted: number } & { readonly transfer: TransferState })
  | { readonly kind: "moved"; readonly transfer: TransferState }
  | { readonly kind: "ended"; readonly transfer: TransferState };

interface Transfer {
  readonly id: number;
  readonly key: string;
  readonly party: string;
  client: string;
  readonly name: string;
  readonly kind: TransferState["kind"];
  readonly sizeBytes: number | undefined;
  readonly isTold: boolean;
  readonly firstMs: number;
  readonly meter: RateMeter;
  lastMs: number;
  bytes: number;
  files: number;
  hasMoved: boolean;
  rateBytesPerS: number;
}

export class TransferLog {
  /** By key, the longest idle first. */
  readonly #transfers = new Map<string, Transfer>();
  readonly #budget = new RateLimit(TRANSFERS_PER_S, TRANSFERS_BURST);
  #news: TransferLogNews[] = [];
  #omitted = 0;
  #nextId = 1;
  #movedDueMs = Infinity;

  onSent(nowMs: number, part: SentPart): readonly TransferLogNews[] {
    this.#news = [];
    this.#tick(nowMs);
    this.#count(nowMs, part);
    return this.#news;
  }

  wake(nowMs: number): readonly TransferLogNews[] {
    this.#news = [];
    this.#tick(nowMs);
    return this.#news;
  }

  /** All are over. */
  close(): readonly TransferLogNews[] {
    this.#news = [];
    for (const transfer of this.#transfers.values()) this.#end(transfer);
    return this.#news;
  }

  get nextWakeupMs(): number {
    const [oldest] = this.#transfers.values();
    return Math.min(
      this.#movedDueMs,
      oldest === undefined ? Infinity : oldest.lastMs + TRANSFER_IDLE_MS,
    );
  }

  #count(nowMs: number, part: SentPart): void {
    const { client, bytes, files, firstAgoMs, lastAgoMs } = part;
    const transfer = this.#transferOf(part) ?? this.#start(nowMs - firstAgoMs, nowMs, part);
    if (transfer === undefined) return;
    transfer.client = client;
    transfer.files += files;
    const before = transfer.bytes;
    transfer.bytes = Math.min(transfer.sizeBytes ?? Infinity, before + bytes);
    transfer.meter.add(transfer.bytes - before);
    transfer.lastMs = Math.max(transfer.lastMs, nowMs - lastAgoMs);
    transfer.hasMoved = true;
    this.#transfers.delete(transfer.key);
    this.#transfers.set(transfer.key, transfer);
    if (this.#movedDueMs === Infinity) this.#movedDueMs = nowMs + TRANSFER_MOVED_MS;
  }

  /** What it is a part of, if that is under way. */
  #transferOf({ party, name, isFolder, begins }: SentPart): Transfer | undefined {
    if (isFolder) return this.#transfers.get(folderKey(party, name));
    for (const folder of foldersAbove(name)) {
      const found = this.#transfers.get(folderKey(party, folder));
      if (found !== undefined) return found;
    }
    const own = this.#transfers.get(fileKey(party, name));
    if (own !== undefined) {
      if (!begins || own.bytes < own.sizeBytes!) return own;
      // It is fetched once more.
      this.#end(own);
      return undefined;
    }
    return this.#transfers.get(manyKey(party));
  }

  #start(firstMs: number, nowMs: number, part: SentPart): Transfer | undefined {
    const { party, client, name, isFolder, sizeBytes } = part;
    if (this.#transfers.size >= TRANSFERS_MAX) {
      if (part.begins) this.#omitted += 1;
      return undefined;
    }
    const isOneOfMany = !isFolder && this.#fileCountOf(party) >= TRANSFERS_PER_PARTY_TOLD_MAX;
    const kind = isFolder ? "folder" : isOneOfMany ? "files" : "file";
    const isTold = this.#budget.take(nowMs, 1);
    const transfer: Transfer = {
      id: this.#nextId++,
      key: isFolder ? folderKey(party, name) : isOneOfMany ? manyKey(party) : fileKey(party, name),
      ...{ party, client, kind, isTold, firstMs, lastMs: firstMs },
      name: isOneOfMany ? "" : name,
      sizeBytes: kind === "file" ? sizeBytes : undefined,
      meter: new RateMeter(firstMs),
      ...{ bytes: 0, files: 0, hasMoved: false, rateBytesPerS: 0 },
    };
    this.#transfers.set(transfer.key, transfer);
    if (!isTold) this.#omitted += 1;
    else {
      const state = { ...stateOf(transfer), ...(kind === "file" && { files: 1 }) };
      this.#news.push({ kind: "started", transfer: state, omitted: this.#omitted });
      this.#omitted = 0;
    }
    return transfer;
  }

  #fileCountOf(party: string): number {
    let count = 0;
    for (const each of this.#transfers.values()) {
      if (each.party === party && each.kind === "file") count += 1;
    }
    return count;
  }

  #tick(nowMs: number): void {
    for (const transfer of this.#transfers.values()) {
      if (transfer.lastMs + TRANSFER_IDLE_MS > nowMs) continue;
      this.#end(transfer);
    }
    if (this.#transfers.size === 0) this.#movedDueMs = Infinity;
    if (nowMs < this.#movedDueMs) return;
    let told = 0;
    for (const transfer of this.#transfers.values()) {
      transfer.rateBytesPerS = transfer.meter.read(nowMs);
      if (!transfer.hasMoved) continue;
      transfer.hasMoved = false;
      if (!transfer.isTold || told >= TRANSFERS_MOVING_TOLD_MAX) continue;
      told += 1;
      this.#news.push({ kind: "moved", transfer: stateOf(transfer) });
    }
    this.#movedDueMs = nowMs + TRANSFER_MOVED_MS;
  }

  #end(transfer: Transfer): void {
    this.#transfers.delete(transfer.key);
    if (transfer.isTold) this.#news.push({ kind: "ended", transfer: stateOf(transfer) });
  }
}

function stateOf(transfer: Transfer): TransferState {
  const { id, client, name, kind, sizeBytes, bytes, files, rateBytesPerS } = transfer;
  const seconds = (transfer.lastMs - transfer.firstMs) / 1000;
  return { id, client, name, kind, sizeBytes, bytes, files, rateBytesPerS, seconds };
}

function fileKey(party: string, name: string): string {
  return `${party} file ${name}`;
}

function folderKey(party: string, name: string): string {
  return `${party} folder ${name}`;
}

function manyKey(party: string): string {
  return `${party} files`;
}

/** What is called `.` is all that is offered. */
function* foldersAbove(name: string): Generator<string> {
  for (let end = name.lastIndexOf("/"); end > 0; end = name.lastIndexOf("/", end - 1)) {
    yield name.slice(0, end);
  }
  yield ".";
}
