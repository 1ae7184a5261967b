/**
 * All files that the page shows, in memory: by folder, by search, in any order. Files come in the order of their names by code
 * units, so that what is below a folder lies together and is found by halving; all names are one text, so that a search is a
 * walk of the engine's own through it; orders are kept, so that what was found only has its places sorted.
 */
import { baseName } from "./format.js";

/**
 * @typedef {object} FileEntry
 * @property {string} name From the top, `a/b.txt`.
 * @property {number} size In bytes.
 * @property {number} mtimeMs
 * @property {string} [sha256] Not there while it is being hashed.
 * @property {"pending" | "settling"} [state] Why it has none.
 * @property {"picture" | "text" | "audio" | "video" | "pdf"} [view] How it can be shown in place, if it can.
 *
 * @typedef {FileEntry & { files?: number }} Row A file; or a folder, whose name ends in `/`, with what is below it.
 *
 * @typedef {"name" | "size" | "time"} SortKey
 *
 * @typedef {object} Query
 * @property {string} folder Ends in `/`; empty for the top.
 * @property {string} text What was typed; empty for all of the folder.
 * @property {SortKey} sort
 * @property {boolean} descending
 *
 * @typedef {object} Found
 * @property {number} count
 * @property {number} bytes
 * @property {(first: number, end: number) => Row[]} slice
 */

const collator = new Intl.Collator(undefined, { numeric: true });
/** The character after `/`: no name below `a/` comes behind `a0`. */
const AFTER_SLASH = "0";
/** As many are sorted without keeping an order of all files. */
const SORTED_MAX = 1_000;

export class FileIndex {
  /** @type {FileEntry[]} */
  #files = [];
  /** All names as they are searched, each behind the end of a line. */
  #text = "";
  /** Where each name begins in that text, and the last one ends. @type {number[]} */
  #starts = [1];
  /** Bytes of all files before each one. @type {number[]} */
  #bytesBefore = [0];
  /** @type {Map<SortKey, Order>} */
  #orders = new Map();

  get count() {
    return this.#files.length;
  }

  /** @param {readonly FileEntry[]} files Behind those that are here, by name. */
  add(files) {
    const added = files.map((_, at) => this.#files.length + at);
    let text = "";
    const start = this.#text.length + 1;
    for (const file of files) {
      text += `\n${folded(file.name)}`;
      this.#starts.push(start + text.length);
      this.#bytesBefore.push(valueAt(this.#bytesBefore, this.#files.length) + file.size);
      this.#files.push(file);
    }
    this.#text += text;
    for (const order of this.#orders.values()) order.add(added);
  }

  /**
   * Folders of the folder first, then its files; with a text, all files below the folder whose names have it.
   * @param {Query} query
   * @returns {Found}
   */
  find(query) {
    const words = folded(query.text).split(/\s+/).filter((word) => word !== "");
    const { folders, files } = words.length === 0
      ? this.#children(query.folder)
      : { folders: [], files: this.#matches(query.folder, words) };
    folders.sort(rowComparison(query.sort));
    const sorted = this.#sorted(files, query.sort);
    if (query.descending) {
      folders.reverse();
      sorted.reverse();
    }
    const count = folders.length + sorted.length;
    const bytes = folders.reduce((sum, { size }) => sum + size, 0) +
      files.reduce((sum, index) => sum + this.#file(index).size, 0);
    const row = (/** @type {number} */ at) =>
      folders[at] ?? this.#file(valueAt(sorted, at - folders.length));
    return {
      count,
      bytes,
      slice(first, end) {
        const length = Math.max(0, Math.min(end, count) - first);
        return Array.from({ length }, (_, at) => row(first + at));
      },
    };
  }

  /** @param {string} folder */
  #children(folder) {
    /** @type {Row[]} */
    const folders = [];
    /** @type {number[]} */
    const files = [];
    const [first, end] = this.#below(folder);
    for (let index = first; index < end;) {
      const { name } = this.#file(index);
      const slash = name.indexOf("/", folder.length);
      if (slash === -1) {
        files.push(index++);
        continue;
      }
      const path = name.slice(0, slash + 1);
      const [, next] = this.#below(path);
      folders.push(this.#folderRow(path, index, next));
      index = next;
    }
    return { folders, files };
  }

  /**
   * @param {string} name
   * @param {number} first
   * @param {number} end
   * @returns {Row}
   */
  #folderRow(name, first, end) {
    let mtimeMs = 0;
    for (let index = first; index < end; index++) {
      mtimeMs = Math.max(mtimeMs, this.#file(index).mtimeMs);
    }
    const size = valueAt(this.#bytesBefore, end) - valueAt(this.#bytesBefore, first);
    return { name, size, mtimeMs, files: end - first };
  }

  /**
   * Looks for the longest piece of text that a name has to have, and for the rest where that is.
   * @param {string} folder
   * @param {readonly string[]} words
   */
  #matches(folder, words) {
    const [first, end] = this.#below(folder);
    const pieces = words.flatMap((word) => word.split(/[*?]/));
    const longest = pieces.reduce((best, piece) => (piece.length > best.length ? piece : best));
    const isAll = words.length === 1 && words[0] === longest;
    const starts = this.#starts;
    /** @type {number[]} */
    const found = [];
    for (let index = first; index < end; index++) {
      const place = this.#text.indexOf(longest, valueAt(starts, index));
      if (place === -1) break;
      while (valueAt(starts, index + 1) <= place) index++;
      if (index >= end) break;
      if (isAll || hasAll(this.#folded(index), words)) found.push(index);
    }
    return found;
  }

  /** The name of a file as it is searched. @param {number} index */
  #folded(index) {
    return this.#text.slice(valueAt(this.#starts, index), valueAt(this.#starts, index + 1) - 1);
  }

  /**
   * Few are sorted as they are, of many the known places.
   * @param {readonly number[]} files
   * @param {SortKey} key
   */
  #sorted(files, key) {
    if (files.length <= SORTED_MAX) {
      const compare = rowComparison(key);
      return [...files].sort((a, b) => compare(this.#file(a), this.#file(b)) || a - b);
    }
    const { ranks, indices } = this.#order(key);
    const places = new Uint32Array(files.length);
    for (let at = 0; at < places.length; at++) places[at] = valueAt(ranks, valueAt(files, at));
    places.sort();
    return Array.from(places, (place) => valueAt(indices, place));
  }

  /**
   * The files below a folder: the first, and the one behind the last.
   * @param {string} folder
   * @returns {[first: number, end: number]}
   */
  #below(folder) {
    if (folder === "") return [0, this.count];
    const after = folder.slice(0, -1) + AFTER_SLASH;
    return [this.#firstFrom(folder), this.#firstFrom(after)];
  }

  /** @param {string} name */
  #firstFrom(name) {
    let [low, high] = [0, this.count];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#file(middle).name < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {SortKey} key */
  #order(key) {
    const known = this.#orders.get(key);
    if (known !== undefined) return known;
    const compare = rowComparison(key);
    const order = new Order((a, b) => compare(this.#file(a), this.#file(b)) || a - b);
    order.add(this.#files.map((_, index) => index));
    this.#orders.set(key, order);
    return order;
  }

  /** @param {number} index */
  #file(index) {
    return /** @type {FileEntry} */ (this.#files[index]);
  }
}

/** All files in the order of one key. */
class Order {
  /** Of files, in order. @type {number[]} */
  indices = [];
  /** The place of each file in the order. */
  ranks = new Uint32Array();
  #compare;

  /** @param {(a: number, b: number) => number} compare */
  constructor(compare) {
    this.#compare = compare;
  }

  /** @param {number[]} indices */
  add(indices) {
    this.indices = merged(this.indices, indices.sort(this.#compare), this.#compare);
    this.ranks = new Uint32Array(this.indices.length);
    this.indices.forEach((index, rank) => this.ranks[index] = rank);
  }
}

/** @param {SortKey} key @returns {(a: Row, b: Row) => number} */
function rowComparison(key) {
  const byName = (/** @type {Row} */ a, /** @type {Row} */ b) => collator.compare(a.name, b.name);
  if (key === "size") return (a, b) => a.size - b.size || byName(a, b);
  if (key === "time") return (a, b) => a.mtimeMs - b.mtimeMs || byName(a, b);
  return byName;
}

/**
 * Two sorted lists as one.
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 * @param {(a: number, b: number) => number} compare
 * @returns {number[]}
 */
function merged(a, b, compare) {
  if (a.length === 0) return [...b];
  const both = new Array(a.length + b.length);
  let [i, j] = [0, 0];
  for (let at = 0; at < both.length; at++) {
    const isA = j === b.length || (i < a.length && compare(valueAt(a, i), valueAt(b, j)) <= 0);
    both[at] = isA ? a[i++] : b[j++];
  }
  return both;
}

/** @param {{ readonly [index: number]: number }} values @param {number} index */
function valueAt(values, index) {
  return /** @type {number} */ (values[index]);
}

/** Without case, and without the marks of letters: `Übung` is found by `ubung`. @param {string} text */
function folded(text) {
  // Most names are plain, and need not be taken apart.
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase();
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
}

/**
 * Whether a folded name has all words. One with `*` or `?` is a pattern of the last component, or of the whole name where it
 * has a `/` itself.
 * @param {string} name
 * @param {readonly string[]} words
 */
function hasAll(name, words) {
  return words.every((word) => {
    if (!/[*?]/.test(word)) return name.includes(word);
    return fits(word, word.includes("/") ? name : baseName(name));
  });
}

/**
 * Whether a name is as a pattern says: `*` is any text and `?` any character. It goes back to the last
 * `*` alone, so it takes no longer than the product of both lengths.
 * @param {string} pattern
 * @param {string} name
 */
function fits(pattern, name) {
  let [at, place, star, resume] = [0, 0, -1, 0];
  while (place < name.length) {
    if (pattern[at] === "*") {
      star = at++;
      resume = place;
    } else if (at < pattern.length && (pattern[at] === "?" || pattern[at] === name[place])) {
      at++;
      place++;
    } else if (star !== -1) {
      at = star + 1;
      place = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}
