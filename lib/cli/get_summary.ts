/** What a `get` says at its end: how much, how fast, and what each server did for it. */
import type { DoneEvent, ServerShare } from "../app/events.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import { textTable } from "./text_table.ts";
import { countText, durationText, rateText } from "./units.ts";

/** `wallSeconds` is how long all of them took together. */
export function summaryLines(done: readonly DoneEvent[], wallSeconds: number): string[] {
  const fetched = done.filter((event) => !event.present);
  const [first] = fetched;
  if (first === undefined) return [];
  const seconds = fetched.length === 1 ? first.seconds : wallSeconds;
  const bytes = sum(fetched, (event) => event.size);
  const resumed = sum(fetched, (event) => event.resumedBytes);
  const rate = seconds > 0 ? ` (${rateText((bytes - resumed) / seconds)})` : "";
  const what = fetched.length === 1 ? displayName(first.path) : countText(fetched.length, "file");
  const kept = resumed > 0 ? `, ${sizeText(resumed)} of it from an earlier run` : "";
  return [
    `${what}: ${sizeText(bytes)} in ${durationText(seconds)}${rate}${kept}`,
    ...serverTable(fetched.flatMap((event) => event.servers)),
  ];
}

/** One row a server, whatever number of files it gave; who gave most stands first. */
export function serverTable(shares: readonly ServerShare[]): string[] {
  const rows = new Map<string, ServerShare>();
  for (const share of shares) {
    const before = rows.get(share.id || share.server);
    rows.set(share.id || share.server, before === undefined ? share : added(before, share));
  }
  if (rows.size === 0) return [];
  return textTable(
    ["server", "bytes", "chunks", "bad", "retransmits"],
    [...rows.values()].sort((a, b) => b.bytes - a.bytes).map((row) => [
      row.server,
      sizeText(row.bytes),
      String(row.chunks),
      String(row.badChunks),
      String(row.retransmits),
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
  };
}

function sum<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((total, item) => total + amount(item), 0);
}
