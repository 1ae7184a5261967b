/** Pages of a server's listing (docs/PROTOCOL.md, "Listing"): entries in the order of their names. */
import { type Bytes, hashHex, type ServerId } from "../../ids.ts";
import { HASH_BYTES } from "../../limits.ts";
import { CONTROL_BYTES_MAX, LISTING_PAGES_PER_LIST_MAX } from "../../wire/limits.ts";
import { encodeFrame, type FrameOf, HEADER_BYTES, type ListingEntry } from "../../wire/frames.ts";
import type { Catalogue, CatalogueEntry } from "./catalogue.ts";

/** Header, query id, number, server, page, flag, port, total and the count of entries. */
const EMPTY_LISTING_BYTES = HEADER_BYTES + 8 + 4 + 16 + 1 + 1 + 2 + 4 + 1;
/** State, size, digest, time and the length of the name. */
const NAMELESS_ENTRY_BYTES = 1 + 8 + HASH_BYTES + 8 + 2;
/** No more can fit a page, since names are not empty. */
const ENTRIES_PER_PAGE_MAX = Math.floor(
  (CONTROL_BYTES_MAX - EMPTY_LISTING_BYTES) / (NAMELESS_ENTRY_BYTES + 1),
);
/** Of what is still being hashed. */
export const HASH_UNKNOWN = hashHex("0".repeat(2 * HASH_BYTES));

const utf8 = new TextEncoder();

/**
 * The LISTING datagrams that answer `list`; the one that ends the listing is flagged.
 *
 * @param tcpPort where the listing can be read as well; 0 for nowhere
 * @param bytesMax one datagram
 */
export function listingPages(
  catalogue: Catalogue,
  server: ServerId,
  list: FrameOf<"list">,
  tcpPort: number,
  bytesMax: number,
): Bytes[] {
  const pagesMax = Math.min(list.pagesMax, LISTING_PAGES_PER_LIST_MAX);
  // One more than can be sent shows whether anything follows.
  const found = catalogue.page(list.after, pagesMax * ENTRIES_PER_PAGE_MAX + 1);
  const { queryId, number } = list;
  const pages: Bytes[] = [];
  let next = 0;
  for (let page = 0; page < pagesMax; page++) {
    const end = pageEnd(found, next, bytesMax);
    const isLast = end === found.length;
    pages.push(encodeFrame({
      kind: "listing",
      queryId,
      number,
      server,
      page,
      isLast: isLast ? 1 : 0,
      tcpPort,
      filesTotal: catalogue.size,
      entries: found.slice(next, end).map(listingEntry),
    }));
    if (isLast) break;
    next = end;
  }
  return pages;
}

/** Where the page that starts at `start` has no room for more; behind one entry at least, however long its name. */
function pageEnd(entries: readonly CatalogueEntry[], start: number, bytesMax: number): number {
  let bytes = EMPTY_LISTING_BYTES;
  let end = start;
  for (; end < entries.length; end++) {
    bytes += NAMELESS_ENTRY_BYTES + utf8.encode(entries[end]!.name).length;
    if (bytes > bytesMax && end > start) break;
  }
  return end;
}

function listingEntry(entry: CatalogueEntry): ListingEntry {
  const { name, signature: { sizeBytes, mtimeMs }, content } = entry;
  return {
    state: content === undefined ? "pending" : "ready",
    sizeBytes,
    sha256: content?.sha256 ?? HASH_UNKNOWN,
    mtimeMs,
    name,
  };
}
