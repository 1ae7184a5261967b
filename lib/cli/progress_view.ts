/**
 * The live region: a row for all of a run, one for each file that comes, one for each server, and what is being waited
 * for. State in, lines out.
 */
import type {
  IndexingEvent,
  ProgressEvent,
  ShoalEvent,
  TotalEvent,
  WaitingEvent,
} from "../app/events.ts";
import type { WindowSize } from "../io/system/terminal.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import { waitingLine } from "./event_lines.ts";
import { WAITS_SHOWN_MAX } from "./limits.ts";
import { fractionOf, percentText, type Row, rowLines } from "./progress_rows.ts";
import { textColumns } from "./terminal_text.ts";
import { ServingView } from "./serving_view.ts";
import { countText, etaText, rateText } from "./units.ts";

/** A file or a folder on its way. */
interface Transfer {
  readonly event: ProgressEvent;
  /** What was there when it was first heard of. */
  readonly bytesAtFirst: number;
}

export class ProgressView {
  readonly #transfers = new Map<string, Transfer>();
  readonly #waits = new Map<string, WaitingEvent>();
  #total: TotalEvent | undefined;
  /** The servers work for all files together. */
  #servers: ProgressEvent["lanes"] = [];
  #givenBytes = 0;
  #indexing: IndexingEvent | undefined;
  readonly #serving = new ServingView();
  #doneCount = 0;
  #failedCount = 0;

  /** Whether the region changes in kind, and not just in numbers. */
  apply(event: ShoalEvent): "nothing" | "moved" | "changed" {
    switch (event.event) {
      case "progress": {
        const known = this.#transfers.get(event.name);
        this.#waits.delete(event.name);
        this.#transfers.set(event.name, {
          event,
          bytesAtFirst: known?.bytesAtFirst ?? event.bytes,
        });
        this.#servers = event.lanes;
        this.#givenBytes = event.givenBytes ?? 0;
        return known === undefined ? "changed" : "moved";
      }
      case "transfer":
        return this.#serving.apply(event);
      case "total":
        this.#total = event;
        return "moved";
      case "waiting":
        this.#waits.set(event.name, event);
        return "changed";
      case "indexing":
        this.#indexing = event.filesLeft === 0 ? undefined : event;
        return event.filesLeft === 0 ? "changed" : "moved";
      case "folder":
        return this.#forget(event.name);
      case "done":
      case "stored":
      case "echoed":
      case "failed":
        if (event.event === "failed") this.#failedCount++;
        else this.#doneCount++;
        return this.#forget(event.name);
      default:
        return "nothing";
    }
  }

  /** What is done with. Of thousands of files, most were never shown. */
  #forget(name: string): "moved" | "changed" {
    const wasShown = this.#transfers.delete(name);
    const wasAwaited = this.#waits.delete(name);
    return wasShown || wasAwaited ? "changed" : "moved";
  }

  /** Fills at most `rows - 1` rows: server lines give way first, then files. */
  lines({ columns, rows }: WindowSize): string[] {
    const rest = [...this.#serving.lines(columns), ...this.#footer()];
    const isOver = this.#transfers.size + this.#waits.size === 0;
    const total = isOver ? undefined : this.#total;
    const transfers = this.#inOrder();
    const all = [...total === undefined ? [] : [totalRow(total)], ...transfers.map(transferRow)];
    const lines = rowLines(all, columns);
    const head = total === undefined ? [] : [lines.shift()!, totalDetail(total)];
    const files = lines.flatMap((line, i) => {
      const { folder } = transfers[i]!.event;
      return [folder === undefined ? [line] : [line, folderDetail(folder)]];
    });
    return [...head, ...this.#body(files, columns, rows - 1 - rest.length - head.length), ...rest];
  }

  /** What comes stands before what waits for its turn. */
  #inOrder(): readonly Transfer[] {
    const all = [...this.#transfers.values()];
    return [...all.filter((each) => !isWaiting(each)), ...all.filter(isWaiting)];
  }

  #body(
    files: readonly (readonly string[])[],
    columns: number,
    rowsMax: number,
  ): readonly string[] {
    const room = Math.max(1, rowsMax);
    const servers = files.length === 0 ? [] : [
      ...this.#servers.map((server) => serverRateLine(server, columns)),
      ...this.#givenBytes === 0 ? [] : [`  given to others: ${sizeText(this.#givenBytes)}`],
    ];
    const flat = files.flat();
    if (flat.length + servers.length <= room) return [...flat, ...servers];
    if (flat.length <= room) return flat;
    const shown: string[] = [];
    let count = 0;
    for (const lines of files) {
      if (shown.length + lines.length > room - 1) break;
      shown.push(...lines);
      count += 1;
    }
    return [...shown, `… and ${files.length - count} more`];
  }

  #footer(): string[] {
    const lines = [];
    if (this.#indexing !== undefined) lines.push(indexingText(this.#indexing));
    const isUnderWay = this.#transfers.size + this.#waits.size > 0;
    if (this.#total === undefined && this.#doneCount + this.#failedCount > 0 && isUnderWay) {
      const failed = this.#failedCount > 0 ? `, ${this.#failedCount} failed` : "";
      lines.push(`${countText(this.#doneCount, "file")} done${failed}`);
    }
    return [...lines, ...waitLines([...this.#waits.values()])];
  }
}

/** What many wait for is said once. */
function waitLines(waits: readonly WaitingEvent[]): readonly string[] {
  const byMessage = Map.groupBy(waits, ({ message }) => message);
  const lines = [...byMessage].flatMap(([message, alike]) =>
    alike.length > WAITS_SHOWN_MAX
      ? [`${countText(alike.length, "file")}: ${displayName(message)}`]
      : alike.map(waitingLine)
  );
  return lines.slice(0, WAITS_SHOWN_MAX);
}

export function indexingText(event: IndexingEvent): string {
  const rate = event.rate > 0 ? `, ${rateText(event.rate)}` : "";
  const eta = event.secondsLeft === undefined ? "" : `, ETA ${etaText(event.secondsLeft)}`;
  return `Hashing: ${countText(event.filesLeft, "file")}, ${
    sizeText(event.bytesLeft)
  } left${rate}${eta}`;
}

/** `62 % of 1.9 GB, 112 MB/s, ETA 0:06`. */
export function progressText(event: ProgressEvent): string {
  const { folder, rate, size, secondsLeft } = event;
  const files = folder === undefined ? "" : `, ${folder.filesDone} of ${folder.files} files`;
  const fileRate = folder === undefined ? "" : `, ${fileRateText(folder.fileRate)}`;
  return `${percentText(fractionOf(event))} of ${sizeText(size)}${files}, ` +
    `${rateText(rate)}${fileRate}, ETA ${etaText(secondsLeft)}`;
}

/** `37 % of 1.2 GB, 123 of 500 files, 112 MB/s, 350 files/s, ETA 0:06`. */
export function totalText(event: TotalEvent): string {
  const { files, filesDone, filesFailed, size, rate, fileRate, secondsLeft } = event;
  const of = size === undefined ? "" : ` of ${sizeText(size)}`;
  const failed = filesFailed > 0 ? ` (${filesFailed} failed)` : "";
  return `${percentText(totalFraction(event))}${of}, ${filesDone} of ${files} files${failed}, ` +
    `${rateText(rate)}, ${fileRateText(fileRate)}, ETA ${etaText(secondsLeft)}`;
}

function fileRateText(filesPerS: number): string {
  return `${filesPerS >= 9.95 ? Math.round(filesPerS) : filesPerS.toFixed(1)} files/s`;
}

/** By bytes, where they are known. */
function totalFraction({ files, filesDone, filesFailed, bytes, size }: TotalEvent): number {
  if (size === undefined) return (filesDone + filesFailed) / files;
  return fractionOf({ bytes, size });
}

function totalRow(event: TotalEvent): Row {
  const { files, filesDone, bytes, size, rate, secondsLeft } = event;
  const fraction = totalFraction(event);
  return { name: `${filesDone} of ${files} files`, bytes, size, fraction, rate, secondsLeft };
}

function totalDetail({ fileRate, filesFailed }: TotalEvent): string {
  return `  ${fileRateText(fileRate)}${filesFailed > 0 ? `, ${filesFailed} failed` : ""}`;
}

function folderDetail(folder: NonNullable<ProgressEvent["folder"]>): string {
  const { files, filesDone, fileRate, current } = folder;
  const name = current === undefined ? "" : `: ${displayName(current)}`;
  return `  ${filesDone} of ${files} files, ${fileRateText(fileRate)}${name}`;
}

function transferRow(transfer: Transfer): Row {
  const { name, bytes, size, rate, secondsLeft } = transfer.event;
  const row = { name: displayName(name), bytes, size, rate, secondsLeft };
  return isWaiting(transfer) ? { ...row, state: "waiting" } : row;
}

/** For its turn, or for the first byte. */
function isWaiting({ event: { bytes, size, rate }, bytesAtFirst }: Transfer): boolean {
  return bytes === bytesAtFirst && bytes < size && rate < 1;
}

function serverRateLine(
  { server, rate, bytes, taker }: ProgressEvent["lanes"][number],
  columns: number,
): string {
  const line = `  ${server.padEnd(21)} ${rateText(rate).padStart(10)} ${
    sizeText(bytes).padStart(8)
  }`;
  const marked = taker ? `${line} (fetches, too)` : line;
  if (textColumns(marked) < columns) return marked;
  return textColumns(line) < columns ? line : `  ${server} ${rateText(rate).padStart(9)}`;
}
