/** A folder as HTML that needs no script: what there is, links to it, and further pages where it is long. */
import type { OfferedFile, OfferedFolder, Offering } from "../app/offering.ts";
import type { Bytes, SafeFileName } from "../ids.ts";
import { baseName, displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import { PAGE_MODULES } from "./assets.ts";
import { type Html, markup } from "./markup.ts";
import { LISTING_ROWS_MAX, SORTED_ROWS_MAX } from "./limits.ts";
import { encodedName } from "./request_target.ts";

const utf8 = new TextEncoder();
/** All at once, where a browser would ask for each after the one that names it. */
const SCRIPTS = [
  ...PAGE_MODULES.map((name) => markup`<link rel="modulepreload" href="/assets/${name}">\n`),
  markup`<script type="module" src="/assets/main.js"></script>\n`,
];

type Row = OfferedFile | OfferedFolder;
type SortKey = "name" | "size" | "time";

interface ListingQuery {
  readonly sort: SortKey;
  readonly isDescending: boolean;
  /** By name, the last name of the page before; otherwise, how many rows came before. */
  readonly after: string | undefined;
}

interface Listing {
  readonly rows: readonly Row[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
  /** Whether it can be ordered otherwise than by name. */
  readonly isSortable: boolean;
}

/** What a query asks for; what it does not say, or says wrongly, is as usual. */
export function listingQueryOf(query: URLSearchParams): ListingQuery {
  const sort = query.get("sort");
  return {
    sort: sort === "size" || sort === "time" ? sort : "name",
    isDescending: query.get("order") === "desc",
    after: query.get("after") ?? undefined,
  };
}

/**
 * @param folder the one of everything where it is undefined
 * @returns the page, and how many rows it took to make it; `undefined` for a folder in which nothing is offered
 */
export function listingPage(
  offering: Offering,
  folder: SafeFileName | undefined,
  query: ListingQuery,
): { readonly bytes: Bytes; readonly rowsRead: number } | undefined {
  const fileCount = offering.fileCount(folder);
  if (folder !== undefined && fileCount === 0) return undefined;
  const below = folder === undefined ? {} : { folder };
  const all = offering.entries({ ...below, countMax: SORTED_ROWS_MAX + 1 });
  const isSortable = all.length <= SORTED_ROWS_MAX;
  const listing = isSortable
    ? sortedListing(all, query)
    : { ...namedListing(offering, below, query.after), isSortable };
  return { bytes: utf8.encode(pageText(folder, fileCount, listing, query)), rowsRead: all.length };
}

function sortedListing(rows: readonly Row[], query: ListingQuery): Listing {
  const from = /^\d{1,9}$/.test(query.after ?? "") ? Number(query.after) : 0;
  const sorted = rows.toSorted(orderOf(query));
  const end = from + LISTING_ROWS_MAX;
  const next = end < sorted.length ? { next: String(end) } : {};
  return { rows: sorted.slice(from, end), ...next, isSortable: true };
}

/** Folders first; what is equal otherwise goes by name. */
function orderOf({ sort, isDescending }: ListingQuery): (a: Row, b: Row) => number {
  const sign = isDescending ? -1 : 1;
  const byName = (a: Row, b: Row): number => (a.name < b.name ? -1 : 1);
  return (a, b) => {
    if (isFolder(a) !== isFolder(b)) return isFolder(a) ? -1 : 1;
    if (isFolder(a) || isFolder(b) || sort === "name") {
      return sort === "name" ? sign * byName(a, b) : byName(a, b);
    }
    const key = sort === "size" ? "sizeBytes" : "modifiedMs";
    return sign * (a[key] - b[key]) || byName(a, b);
  };
}

/** Too much to look at all of it: as it lies in the index, by name. */
function namedListing(
  offering: Offering,
  below: { readonly folder?: SafeFileName },
  after: string | undefined,
): Omit<Listing, "isSortable"> {
  const rows = offering.entries({
    ...below,
    ...(after !== undefined && { after }),
    countMax: LISTING_ROWS_MAX + 1,
  });
  if (rows.length <= LISTING_ROWS_MAX) return { rows };
  const shown = rows.slice(0, LISTING_ROWS_MAX);
  const last = shown.at(-1)!;
  return { rows: shown, next: isFolder(last) ? `${last.name}/` : last.name };
}

function isFolder(row: Row): row is OfferedFolder {
  return "fileCount" in row;
}

function pageText(
  folder: SafeFileName | undefined,
  fileCount: number,
  listing: Listing,
  query: ListingQuery,
): string {
  const title = folder === undefined ? "Shoal" : `${displayName(baseName(folder))} – Shoal`;
  const zip = `/zip/${folder === undefined ? "" : `${encodedName(folder)}/`}`;
  const archive = fileCount === 0 ? markup`` : markup`. <a href="${zip}">Download as zip</a>`;
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="stylesheet" href="/assets/page.css">
${SCRIPTS}</head>
<body>
<main id="main">
<h1>${crumbs(folder)}</h1>
<p>${countText(fileCount, "file")}${archive}</p>
${table(listing, query)}</main>
</body>
</html>
`.text;
}

/** The way to a folder, each step a link but the last. */
function crumbs(folder: SafeFileName | undefined): Html {
  if (folder === undefined) return markup`Shoal`;
  const parts = folder.split("/");
  const links = parts.slice(0, -1).map((part, i) => {
    const href = `/files/${encodedName(parts.slice(0, i + 1).join("/"))}/`;
    return markup` / <a href="${href}"><bdi>${displayName(part)}</bdi></a>`;
  });
  return markup`<a href="/">Shoal</a>${links} / <bdi>${displayName(parts.at(-1)!)}</bdi>`;
}

function table({ rows, next, isSortable }: Listing, query: ListingQuery): Html {
  const head = (["name", "size", "time"] as const).map((key) =>
    headCell(key, isSortable ? query : undefined)
  );
  const more = next === undefined
    ? markup``
    : markup`<p><a rel="next" href="${hrefOf({ ...query, after: next })}">More</a></p>\n`;
  return markup`<table>
<thead><tr>${head}</tr></thead>
<tbody>
${rows.map(rowHtml)}</tbody>
</table>
${more}`;
}

const HEADS: Readonly<Record<SortKey, string>> = { name: "Name", size: "Size", time: "Modified" };

/** @param query by which it is sorted now; `undefined` where it cannot be */
function headCell(key: SortKey, query: ListingQuery | undefined): Html {
  if (query === undefined) return markup`<th scope="col">${HEADS[key]}</th>`;
  const isBy = query.sort === key;
  const isDescending = isBy && !query.isDescending;
  const link = markup`<a href="${hrefOf({ sort: key, isDescending, after: undefined })}">${
    HEADS[key]
  }</a>`;
  if (!isBy) return markup`<th scope="col">${link}</th>`;
  return markup`<th scope="col" aria-sort="${
    query.isDescending ? "descending" : "ascending"
  }">${link}</th>`;
}

function hrefOf({ sort, isDescending, after }: ListingQuery): string {
  const query = new URLSearchParams({ sort, order: isDescending ? "desc" : "asc" });
  if (after !== undefined) query.set("after", after);
  return `?${query}`;
}

function rowHtml(row: Row): Html {
  const name = displayName(baseName(row.name as SafeFileName));
  const href = `/files/${encodedName(row.name)}`;
  const cells = isFolder(row)
    ? [
      markup`<a href="${href}/"><bdi>${name}</bdi>/</a>`,
      markup`${countText(row.fileCount, "file")}`,
      markup``,
    ]
    : [
      markup`<a href="${href}"><bdi>${name}</bdi></a>`,
      markup`${sizeText(row.sizeBytes)}`,
      timeHtml(row.modifiedMs),
    ];
  return markup`<tr>${cells.map((each) => markup`<td>${each}</td>`)}</tr>\n`;
}

function timeHtml(ms: number): Html {
  const at = Temporal.Instant.fromEpochMilliseconds(ms).toString({ smallestUnit: "second" });
  return markup`<time datetime="${at}">${at.slice(0, 16).replace("T", " ")}</time>`;
}

function countText(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}
