/** The page's end of the search worker: what the list shows, and the rows of it that are at hand. */

/** Rows of one result that are kept here, so that a walk through a million does not gather them. */
const ROWS_KEPT_MAX = 4_000;

/**
 * @typedef {import("./file_index.js").Row} Row
 * @typedef {import("./file_index.js").Query} Query
 *
 * @typedef {{ kind: "result", resultId: number, query: Query, isNew: boolean, count: number, bytes: number, rows: Row[] }
 *   | { kind: "slice", resultId: number, first: number, rows: Row[] }
 *   | { kind: "rows", requestId: number, rows: Row[] }
 *   | { kind: "loading", count: number, total: number }
 *   | { kind: "loaded", count: number }
 *   | { kind: "failed", message: string }} FromSearch
 *
 * @typedef {object} SourceListener
 * @property {(isNew: boolean) => void} onResult Another list, or the same one after a change.
 * @property {() => void} onRows More of its rows are at hand.
 * @property {(count: number, total: number | undefined) => void} onLoaded Without `total` that was all.
 * @property {(message: string) => void} onFailed
 */

export class FileSource {
  count = 0;
  bytes = 0;
  /** What `count` is of. @type {Query | undefined} */
  query;
  #worker = new Worker("/assets/search_worker.js", { type: "module" });
  #listener;
  #resultId = 0;
  /** @type {Map<number, Row>} */
  #rows = new Map();
  #askedFirst = 0;
  #askedEnd = 0;
  /** @type {Map<number, (rows: Row[]) => void>} */
  #requests = new Map();
  #requestId = 0;

  /** @param {SourceListener} listener */
  constructor(listener) {
    this.#listener = listener;
    this.#worker.onmessage = ({ data }) => this.#onMessage(data);
    this.#worker.onerror = (event) => listener.onFailed(event.message);
  }

  /** Fetches the list, or fetches it again after a change. */
  load() {
    this.#post({ kind: "load" });
  }

  /** @param {Query} query */
  ask(query) {
    this.#post({ kind: "query", query });
  }

  /** @param {number} index */
  row(index) {
    return this.#rows.get(index);
  }

  /**
   * Sees to it that these rows come.
   * @param {number} first
   * @param {number} end
   */
  need(first, end) {
    while (first < end && this.#rows.has(first)) first++;
    while (end > first && this.#rows.has(end - 1)) end--;
    if (first >= end || (first >= this.#askedFirst && end <= this.#askedEnd)) return;
    [this.#askedFirst, this.#askedEnd] = [first, end];
    this.#post({ kind: "slice", resultId: this.#resultId, first, end });
  }

  /**
   * Rows that need not be in sight.
   * @param {number} first
   * @param {number} end
   * @returns {Promise<Row[]>}
   */
  rows(first, end) {
    const requestId = this.#requestId++;
    this.#post({ kind: "rows", requestId, first, end });
    return new Promise((resolve) => this.#requests.set(requestId, resolve));
  }

  /** @param {FromSearch} message */
  #onMessage(message) {
    switch (message.kind) {
      case "result":
        this.#resultId = message.resultId;
        this.count = message.count;
        this.bytes = message.bytes;
        this.query = message.query;
        this.#rows.clear();
        this.#keep(0, message.rows);
        this.#listener.onResult(message.isNew);
        break;
      case "slice":
        if (message.resultId !== this.#resultId) break;
        this.#keep(message.first, message.rows);
        this.#listener.onRows();
        break;
      case "rows":
        this.#requests.get(message.requestId)?.(message.rows);
        this.#requests.delete(message.requestId);
        break;
      case "loading":
        this.#listener.onLoaded(message.count, message.total);
        break;
      case "loaded":
        this.#listener.onLoaded(message.count, undefined);
        break;
      case "failed":
        this.#listener.onFailed(message.message);
        break;
    }
  }

  /** @param {number} first @param {Row[]} rows */
  #keep(first, rows) {
    if (this.#rows.size + rows.length > ROWS_KEPT_MAX) this.#rows.clear();
    rows.forEach((row, at) => this.#rows.set(first + at, row));
    [this.#askedFirst, this.#askedEnd] = [0, 0];
  }

  /** @param {import("./search_worker.js").ToSearch} message */
  #post(message) {
    this.#worker.postMessage(message);
  }
}
