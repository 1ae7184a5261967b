/** The live region: one bar per file, one line per server, and what is being waited for. State in, lines out. */
import { BAR_COLUMNS_MAX, BAR_COLUMNS_MIN, NAME_COLUMNS_MAX, NAME_COLUMNS_MIN } from "./limits.ts";
import type { IndexingEvent, ProgressEvent, ShoalEvent, WaitingEvent } from "../app/events.ts";
import type { WindowSize } from "../io/system/terminal.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import { waitingLine } from "./event_lines.ts";
import { fit } from "./terminal_text.ts";
import { clockText, countText, rateText } from "./units.ts";

export class ProgressView {
  readonly #transfers = new Map<string, ProgressEvent>();
  readonly #waits = new Map<string, WaitingEvent>();
  /** The servers work for all files together. */
  #servers: ProgressEvent["lanes"] = [];
  #indexing: IndexingEvent | undefined;
  #doneCount = 0;
  #failedCount = 0;

  /** Whether the region changes in kind, and not just in numbers. */
  apply(event: ShoalEvent): "nothing" | "moved" | "changed" {
    switch (event.event) {
      case "progress": {
        const isNew = !this.#transfers.has(event.name);
        this.#waits.delete(event.name);
        this.#transfers.set(event.name, event);
        this.#servers = event.lanes;
        return isNew ? "changed" : "moved";
      }
      case "waiting":
        this.#waits.set(event.name, event);
        return "changed";
      case "indexing":
        this.#indexing = event.filesLeft === 0 ? undefined : event;
        return event.filesLeft === 0 ? "changed" : "moved";
      case "folder":
        this.#transfers.delete(event.name);
        this.#waits.delete(event.name);
        return "changed";
      case "done":
      case "stored":
      case "echoed":
      case "failed":
        this.#transfers.delete(event.name);
        this.#waits.delete(event.name);
        if (event.event === "failed") this.#failedCount++;
        else this.#doneCount++;
        return "changed";
      default:
        return "nothing";
    }
  }

  /** Fills at most `rows - 1` rows: server lines give way first, then files. */
  lines({ columns, rows }: WindowSize): string[] {
    const rest = this.#footer();
    for (const wait of this.#waits.values()) rest.push(waitingLine(wait));
    const room = Math.max(1, rows - 1 - rest.length);
    const files = [...this.#transfers.values()].map((event) => fileLine(event, columns));
    const servers = files.length === 0 ? [] : this.#servers.map(serverRateLine);
    const hasServers = files.length + servers.length <= room;
    if (files.length <= room) return [...files, ...(hasServers ? servers : []), ...rest];
    const shown = room - 1;
    return [...files.slice(0, shown), `… and ${files.length - shown} more`, ...rest];
  }

  #footer(): string[] {
    const lines = [];
    if (this.#indexing !== undefined) lines.push(indexingText(this.#indexing));
    if (this.#doneCount + this.#failedCount > 0 && this.#transfers.size + this.#waits.size > 0) {
      const failed = this.#failedCount > 0 ? `, ${this.#failedCount} failed` : "";
      lines.push(`${countText(this.#doneCount, "file")} done${failed}`);
    }
    return lines;
  }
}

export function indexingText(event: IndexingEvent): string {
  const rate = event.rate > 0 ? `, ${rateText(event.rate)}` : "";
  return `Indexing: ${countText(event.filesLeft, "file")}, ${sizeText(event.bytesLeft)} left` +
    rate + etaText(event.bytesLeft, event.rate);
}

/** `62 % of 1.9 GB, 112 MB/s, ETA 0:06`. */
export function progressText(event: ProgressEvent): string {
  const percent = `${Math.floor(100 * fraction(event))} %`.padStart(5);
  return `${percent} of ${sizeText(event.size)}, ${rateText(event.rate)}` +
    etaText(event.size - event.bytes, event.rate);
}

function etaText(bytesLeft: number, rate: number): string {
  return rate > 0 ? `, ETA ${clockText(Math.max(0, bytesLeft) / rate)}` : "";
}

function fileLine(event: ProgressEvent, columns: number): string {
  const numbers = progressText(event);
  const room = columns - 1 - numbers.length;
  const nameColumns = Math.min(NAME_COLUMNS_MAX, Math.max(NAME_COLUMNS_MIN, Math.floor(room / 2)));
  const name = fit(displayName(event.name), nameColumns);
  const barColumns = Math.min(BAR_COLUMNS_MAX, room - nameColumns - 2);
  if (barColumns < BAR_COLUMNS_MIN) return `${name} ${numbers}`;
  const filled = Math.floor(barColumns * fraction(event));
  return `${name} ${"█".repeat(filled)}${"░".repeat(barColumns - filled)} ${numbers}`;
}

function serverRateLine(server: ProgressEvent["lanes"][number]): string {
  return `  ${server.server.padEnd(21)} ${rateText(server.rate).padStart(10)} ` +
    `${sizeText(server.bytes).padStart(8)}`;
}

/** An empty file is complete. */
function fraction({ bytes, size }: ProgressEvent): number {
  return size === 0 ? 1 : Math.min(1, bytes / size);
}
