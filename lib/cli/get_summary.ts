/** The summary of a `get`: how much, how fast, and what each server delivered. */
import { FAILED_NAMES_SHOWN_MAX } from "./limits.ts";
import type { DoneEvent, FailedEvent, FolderEvent, ServerShare } from "../app/events.ts";
import { shownPlace } from "./event_lines.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import { textTable } from "./text_table.ts";
import { countText, durationText, rateText } from "./units.ts";

interface RunTimes {
  /** How long all of it took together, without waiting for somebody to send anything. */
  readonly activeS: number;
  /** How long nothing came after somebody had offered something. */
  readonly pausedS: number;
  /** What others were given meanwhile. */
  readonly givenBytes: number;
}

/** Folders say who delivered the files in them. */
export function summaryLines(
  done: readonly DoneEvent[],
  failed: readonly FailedEvent[],
  folders: readonly FolderEvent[],
  times: RunTimes,
  verbose = false,
): string[] {
  // A folder that has come has its line.
  const isFolder = folders.length === 1 && failed.length === 0 &&
    done.every(({ folder }) => folder !== undefined);
  const isOne = done.length + failed.length <= 1 || isFolder;
  return [
    ...fetchedLines(done, folders, times, verbose),
    ...otherNameLines(done),
    ...isOne ? [] : [countsLine(done, failed)],
  ];
}

/** What is not where its name says: that was taken, or the file system cannot hold it. */
function otherNameLines(done: readonly DoneEvent[]): string[] {
  const moved = done.filter((event) => event.usualPath !== undefined);
  if (moved.length === 0) return [];
  const shown = moved.slice(0, FAILED_NAMES_SHOWN_MAX)
    .map(({ usualPath = "", path }) => `${displayName(usualPath)} as ${displayName(path)}`);
  const restCount = moved.length - shown.length;
  const rest = restCount > 0 ? ` and ${restCount} more` : "";
  return [`Under another name: ${shown.join(", ")}${rest}`];
}

function fetchedLines(
  done: readonly DoneEvent[],
  folders: readonly FolderEvent[],
  { activeS, pausedS, givenBytes }: RunTimes,
  verbose: boolean,
): string[] {
  const fetched = done.filter((event) => !event.present);
  const [first] = fetched;
  if (first === undefined) return [];
  // A file that came alone knows better than we do when it began.
  const ownS = first.seconds - (first.waitedSeconds ?? 0) - pausedS;
  const seconds = done.length === 1 ? Math.max(0, ownS) : activeS;
  const bytes = sum(fetched, (event) => event.size);
  const resumed = sum(fetched, (event) => event.resumedBytes);
  const rate = seconds > 0 ? ` (${rateText((bytes - resumed) / seconds)})` : "";
  const what = fetched.length === 1 ? shownPlace(first) : countText(fetched.length, "file");
  const servers = [...fetched, ...folders].flatMap((event) => event.servers);
  const saved = sum(servers, (share) => share.savedBytes);
  const packed = saved > 0 ? `, ${sizeText(saved)} saved by packing` : "";
  const kept = resumed > 0 ? `, ${sizeText(resumed)} resumed from an earlier run` : "";
  const taken = sum(servers, (share) => share.taker ? share.bytes : 0);
  return [
    `${what}: ${sizeText(bytes)} in ${durationText(seconds)}${rate}${kept}${packed}`,
    ...sharedLine(taken, givenBytes),
    ...serverTable(servers, verbose),
  ];
}

/** What went between this get and others of the same. */
function sharedLine(takenBytes: number, givenBytes: number): string[] {
  if (takenBytes === 0 && givenBytes === 0) return [];
  return [
    `${sizeText(takenBytes)} came from others who fetch the same, ${
      sizeText(givenBytes)
    } went to them`,
  ];
}

/** `998 files downloaded (12 MB), 1 already up to date, 1 failed: a.txt`. */
function countsLine(done: readonly DoneEvent[], failed: readonly FailedEvent[]): string {
  const came = done.filter((event) => !event.present);
  const presentCount = done.length - came.length;
  const broken = failed.filter(({ code }) => code !== "interrupted");
  const interruptedCount = failed.length - broken.length;
  const parts = [
    came.length === 0
      ? "No files downloaded"
      : `${countText(came.length, "file")} downloaded (${sizeText(sum(came, ({ size }) => size))})`,
  ];
  if (presentCount > 0) {
    parts.push(`${presentCount} already up to date`);
  }
  if (interruptedCount > 0) {
    parts.push(`${interruptedCount} interrupted`);
  }
  if (broken.length > 0) parts.push(`${broken.length} failed: ${namesText(broken)}`);
  return parts.join(", ");
}

function namesText(failed: readonly FailedEvent[]): string {
  const shown = failed.slice(0, FAILED_NAMES_SHOWN_MAX).map(({ name }) => displayName(name));
  const restCount = failed.length - shown.length;
  return shown.join(", ") + (restCount > 0 ? ` and ${restCount} more` : "");
}

/**
 * One row per server, whatever number of files it gave; who gave most stands first. What was lost on the way and asked for
 * again belongs to how networks work: it is there for who wants detail. Chunks that were damaged are worth a word.
 */
export function serverTable(shares: readonly ServerShare[], verbose: boolean): string[] {
  const rows = new Map<string, ServerShare>();
  for (const share of shares) {
    const before = rows.get(share.id || share.server);
    rows.set(share.id || share.server, before === undefined ? share : added(before, share));
  }
  if (rows.size === 0) return [];
  const all = [...rows.values()].sort((a, b) => b.bytes - a.bytes);
  const showsBad = verbose || all.some(({ badChunks }) => badChunks > 0);
  return textTable(
    ["server", "bytes", "chunks", ...showsBad ? ["bad"] : [], ...verbose ? ["asked again"] : []],
    all.map(({ server, bytes, chunks, badChunks, retransmits, taker }) => [
      taker ? `${server} (fetches, too)` : server,
      sizeText(bytes),
      String(chunks),
      ...showsBad ? [String(badChunks)] : [],
      ...verbose ? [String(retransmits)] : [],
    ]),
  );
}

function added(a: ServerShare, b: ServerShare): ServerShare {
  return {
    server: a.server,
    id: a.id,
    bytes: a.bytes + b.bytes,
    chunks: a.chunks + b.chunks,
    badChunks: a.badChunks + b.badChunks,
    retransmits: a.retransmits + b.retransmits,
    savedBytes: a.savedBytes + b.savedBytes,
    ...(a.taker && b.taker && { taker: true }),
  };
}

function sum<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((total, item) => total + amount(item), 0);
}
