/**
 * Holds the list of files, and answers what is asked about it, off the page's thread. It fetches the list in pages; after a
 * change, it fetches a new one beside the old and takes that when it is whole.
 */
import { FileIndex } from "./file_index.js";

/** Few at first, so that something is to be seen. */
const FIRST_PAGE_FILES = 1_000;
const PAGE_FILES = 10_000;
/** Rows that come with a result without being asked for. */
const ROWS_AHEAD = 100;

let index = new FileIndex();
/** @type {import("./file_index.js").Query} */
let query = { folder: "", text: "", sort: "name", descending: false };
let found = index.find(query);
let resultId = 0;
let isLoading = false;
/** The revision to be loaded after the one that is being loaded. */
let isStale = false;

/**
 * @typedef {{ kind: "query", query: import("./file_index.js").Query }
 *   | { kind: "slice", resultId: number, first: number, end: number }
 *   | { kind: "rows", requestId: number, first: number, end: number }
 *   | { kind: "load" }} ToSearch
 */

self.onmessage = (/** @type {MessageEvent<ToSearch>} */ { data }) => {
  switch (data.kind) {
    case "query":
      query = data.query;
      answer(true);
      break;
    case "slice":
      if (data.resultId !== resultId) break;
      post({ kind: "slice", resultId, first: data.first, rows: found.slice(data.first, data.end) });
      break;
    case "rows":
      post({ kind: "rows", requestId: data.requestId, rows: found.slice(data.first, data.end) });
      break;
    case "load":
      isStale = true;
      load();
      break;
  }
};

async function load() {
  if (isLoading) return;
  isLoading = true;
  while (isStale) {
    isStale = false;
    try {
      await loadOnce();
    } catch (error) {
      post({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  }
  isLoading = false;
}

async function loadOnce() {
  const isFirst = index.count === 0;
  const loading = isFirst ? index : new FileIndex();
  /** @type {string | undefined} */
  let after;
  do {
    const page = await filesAfter(after, after === undefined ? FIRST_PAGE_FILES : PAGE_FILES);
    loading.add(page.files);
    after = page.next;
    if (isFirst) {
      post({ kind: "loading", count: loading.count, total: page.total });
      answer(false);
    }
  } while (after !== undefined);
  index = loading;
  post({ kind: "loaded", count: index.count });
  answer(false);
}

/**
 * @param {string | undefined} after
 * @param {number} limit
 */
async function filesAfter(after, limit) {
  const parameters = new URLSearchParams({ limit: String(limit) });
  if (after !== undefined) parameters.set("after", after);
  const response = await fetch(`/api/files?${parameters}`);
  if (!response.ok) throw new Error(`the list of files: ${response.status}`);
  return await response.json();
}

/** @param {boolean} isNew Whether something else is asked than before. */
function answer(isNew) {
  found = index.find(query);
  resultId++;
  post({
    kind: "result",
    resultId,
    query,
    isNew,
    count: found.count,
    bytes: found.bytes,
    rows: found.slice(0, ROWS_AHEAD),
  });
}

/** @param {import("./file_source.js").FromSearch} message */
function post(message) {
  self.postMessage(message);
}
