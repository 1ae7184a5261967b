/** What is marked to be fetched together. A folder stands for all that is in it. */

/** As many names as one request for a zip may have. */
const NAMES_MAX = 10_000;
/** … and as much of a form as they may take. */
const FORM_BYTES_MAX = 1_000_000;

/** @typedef {import("./file_index.js").Row} Row */

export class Selection {
  /** @type {Map<string, Row>} */
  #rows = new Map();
  #formBytes = 0;

  get count() {
    return this.#rows.size;
  }

  get bytes() {
    let bytes = 0;
    for (const { size } of this.#rows.values()) bytes += size;
    return bytes;
  }

  get names() {
    return [...this.#rows.keys()];
  }

  /** @param {string} name */
  has(name) {
    return this.#rows.has(name);
  }

  /**
   * Whether there was room for it.
   * @param {Row} row
   */
  toggle(row) {
    if (!this.#rows.delete(row.name)) return this.add([row]);
    this.#formBytes -= formBytes(row.name);
    return true;
  }

  /**
   * Whether there was room for all.
   * @param {readonly Row[]} rows
   */
  add(rows) {
    for (const row of rows) {
      if (this.#rows.has(row.name)) continue;
      const bytes = this.#formBytes + formBytes(row.name);
      if (this.#rows.size >= NAMES_MAX || bytes > FORM_BYTES_MAX) return false;
      this.#formBytes = bytes;
      this.#rows.set(row.name, row);
    }
    return true;
  }

  clear() {
    this.#rows.clear();
    this.#formBytes = 0;
  }
}

/** What a name takes in a form, `name=…&`. @param {string} name */
function formBytes(name) {
  return new URLSearchParams({ name }).toString().length + 1;
}
