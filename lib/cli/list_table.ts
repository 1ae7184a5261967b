/** A listing as people read it: a table that fits the window, and who has what is in it. */
import { parseHostPort, partyOf } from "../address.ts";
import type { FileEvent } from "../app/events.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import { HOSTS_LISTED_MAX, SHORT_ID_DIGITS, SHORT_ID_DIGITS_MIN } from "./limits.ts";
import { textColumns } from "./terminal_text.ts";
import { textTable } from "./text_table.ts";
import { countText } from "./units.ts";

const HEAD = ["name", "size", "hosts", "content"];

/** @param columns of the window; Infinity where there is none */
export function listingTable(files: readonly FileEvent[], columns: number): readonly string[] {
  if (files.length === 0) return [];
  const table = (digits: number): readonly string[] => textTable(HEAD, rowsOf(files, digits));
  const whole = table(SHORT_ID_DIGITS);
  // The last column stays free: some terminals wrap when it is written.
  if (whole.every((line) => textColumns(line) < columns)) return whole;
  return textTable(HEAD, rowsOf(files, distinctDigits(files)), columns - 1);
}

function rowsOf(files: readonly FileEvent[], digits: number): readonly (readonly string[])[] {
  return files.map((file) => [
    displayName(file.name),
    sizeText(file.size),
    String(hostsOf(file).length),
    file.sha256?.slice(0, digits) ?? file.md5 ?? "still hashing",
  ]);
}

/** By so many digits no two contents of the listing are alike. */
function distinctDigits(files: readonly FileEvent[]): number {
  const hashes = new Set(files.flatMap(({ sha256 }) => sha256 ?? []));
  for (let digits = SHORT_ID_DIGITS_MIN; digits < SHORT_ID_DIGITS; digits++) {
    if (new Set([...hashes].map((each) => each.slice(0, digits))).size === hashes.size) {
      return digits;
    }
  }
  return SHORT_ID_DIGITS;
}

/** Whoever has an address may have any number of servers there. */
function hostsOf({ servers }: FileEvent): readonly string[] {
  const hosts = new Map<string, string>();
  for (const server of servers) {
    const host = parseHostPort(server)?.host ?? server;
    if (!hosts.has(partyOf(host))) hosts.set(partyOf(host), host);
  }
  return [...hosts.values()];
}

/** The hosts of a listing, those with most files first. */
export function hostCounts(files: readonly FileEvent[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const file of files) {
    for (const host of hostsOf(file)) counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return new Map([...counts].toSorted(([, a], [, b]) => b - a));
}

/** @param names of hosts, as far as they are known */
export function hostLines(
  counts: ReadonlyMap<string, number>,
  names: ReadonlyMap<string, string>,
): readonly string[] {
  const shown = [...counts].slice(0, HOSTS_LISTED_MAX);
  const lines = shown.map(([host, count]) => {
    const name = names.get(host);
    const who = name === undefined
      ? displayName(host)
      : `${displayName(name)} (${displayName(host)})`;
    return `${who}: ${countText(count, "file")}`;
  });
  const rest = counts.size - shown.length;
  return rest > 0 ? [...lines, `… and ${countText(rest, "more host")}`] : lines;
}
