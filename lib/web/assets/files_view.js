/** The files: where one is, what is searched for, the list, and what is done with a selection of it. */
import { h, icon, nameNode } from "./dom.js";
import { FileList } from "./file_list.js";
import { FileSource } from "./file_source.js";
import { countText, folderOf, sizeText, urlPath } from "./format.js";
import { Preview } from "./preview.js";
import { Selection } from "./selection.js";

/** Typing is answered when it pauses for so long. */
const TYPING_MS = 40;
/** After a change, the list is fetched again this late, and at most for a tenth of the time. */
const RELOAD_MS_MIN = 1_000;
const RELOAD_SHARE = 10;

/**
 * @typedef {object} FilesOwner
 * @property {() => void} onReady There is something to be shown.
 * @property {(folder: string, text: string) => void} onPlace Another folder, or another search.
 * @property {(message: string) => void} say To who cannot see it.
 * @property {(message: string) => void} onFailed
 */

export class FilesView {
  #owner;
  #folder = "";
  #text = "";
  /** @type {import("./file_index.js").SortKey} */
  #sort = "name";
  #descending = false;
  #selection = new Selection();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typing;
  #isWhole = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #reloading;
  #loadingSinceMs = 0;
  #loading = "";
  /** How long it took to fetch the list. */
  #loadMs = 0;
  #crumbs = h("nav", { "aria-label": "Folders", class: "crumbs" });
  #search = h("input", {
    ...{ type: "search", id: "search", autocomplete: "off", spellcheck: "false" },
    ...{ placeholder: "Find a file", "aria-label": "Find a file", "aria-keyshortcuts": "/" },
    oninput: () => this.#onTyping(),
    onkeydown: (/** @type {KeyboardEvent} */ event) => this.#onSearchKey(event),
  });
  #counts = h("p", { class: "counts" });
  #none = h("p", { class: "empty", hidden: true });
  #selected = h("div", {
    class: "selected",
    role: "region",
    "aria-label": "Selection",
    hidden: true,
  });
  #list;
  #source;
  #preview;
  element;

  /**
   * @param {FilesOwner} owner
   * @param {Node[]} tools What stands beside the search.
   */
  constructor(owner, tools) {
    this.#owner = owner;
    this.#source = new FileSource({
      onResult: (isNew) => this.#onResult(isNew),
      onRows: () => this.#list.draw(),
      onLoaded: (count, total) => this.#onLoaded(count, total),
      onFailed: (message) => owner.onFailed(message),
    });
    this.#list = new FileList({
      source: this.#source,
      selection: this.#selection,
      onOpen: (row) => this.#open(row),
      onSort: (key) => this.#sortBy(key),
      onUp: () => this.#folder !== "" && owner.onPlace(folderOf(this.#folder), ""),
      onSelected: () => this.#showSelection(),
      onSelectRows: (first, end) => this.#selectRows(first, end),
    });
    this.#preview = new Preview((step) => this.#list.neighbour(step));
    this.#preview.dialog.addEventListener("close", () => this.#list.element.focus());
    this.element = h(
      "div",
      { class: "browse" },
      h("div", { class: "tools" }, this.#crumbs, this.#search, ...tools),
      this.#list.element,
      this.#none,
      h("div", { class: "foot" }, this.#counts, this.#selected),
      this.#preview.dialog,
    );
    this.#load();
  }

  get folder() {
    return this.#folder;
  }

  /** The list has changed: it is fetched again, before long. */
  reload() {
    this.#reloading ??= setTimeout(() => {
      this.#reloading = undefined;
      this.#load();
    }, Math.max(RELOAD_MS_MIN, RELOAD_SHARE * this.#loadMs));
  }

  #load() {
    this.#loadingSinceMs = performance.now();
    this.#source.load();
  }

  focusSearch() {
    this.#search.focus();
    this.#search.select();
  }

  /**
   * @param {string} folder
   * @param {string} text
   */
  show(folder, text) {
    const isElsewhere = folder !== this.#folder;
    [this.#folder, this.#text] = [folder, text];
    if (this.#search.value !== text) this.#search.value = text;
    if (isElsewhere || this.#crumbs.childElementCount === 0) this.#showCrumbs();
    this.#ask();
  }

  #ask() {
    this.#list.showOrder(this.#sort, this.#descending);
    this.#source.ask({
      folder: this.#folder,
      text: this.#text,
      sort: this.#sort,
      descending: this.#descending,
    });
  }

  /** @param {import("./file_index.js").SortKey} key */
  #sortBy(key) {
    // Who asks for sizes or times mostly wants the largest or the latest.
    this.#descending = key === this.#sort ? !this.#descending : key !== "name";
    this.#sort = key;
    this.#ask();
  }

  #showCrumbs() {
    const parts = this.#folder.split("/").slice(0, -1);
    const crumbs = parts.map((part, at) => ({
      part,
      path: `${parts.slice(0, at + 1).join("/")}/`,
    }));
    this.#crumbs.replaceChildren(
      this.#crumb("", "All files"),
      ...crumbs.map(({ part, path }) => this.#crumb(path, nameNode(part))),
    );
  }

  /** @param {string} folder @param {Node | string} label */
  #crumb(folder, label) {
    const href = folder === "" ? "/" : `/files/${urlPath(folder)}`;
    const current = folder === this.#folder ? "page" : undefined;
    const onclick = (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#owner.onPlace(folder, "");
    };
    return h("a", { href, onclick, "aria-current": current }, label);
  }

  #onTyping() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(
      () => this.#owner.onPlace(this.#folder, this.#search.value),
      TYPING_MS,
    );
  }

  /** @param {KeyboardEvent} event */
  #onSearchKey(event) {
    if (event.key === "ArrowDown" || event.key === "Enter") {
      this.#list.element.focus();
    } else if (event.key === "Escape" && this.#search.value !== "") {
      this.#owner.onPlace(this.#folder, "");
    } else {
      return;
    }
    event.preventDefault();
  }

  /** @param {boolean} isNew */
  #onResult(isNew) {
    if (isNew) this.#list.reset();
    else this.#list.draw();
    const { count, query } = this.#source;
    const isSearch = (query?.text ?? "").trim() !== "";
    this.#none.hidden = count > 0 || !this.#isWhole;
    this.#none.textContent = isSearch
      ? "Nothing has a name like that."
      : "There are no files here.";
    this.#showCounts();
    if (isNew && this.#isWhole) this.#owner.say(this.#counts.textContent ?? "");
    this.#owner.onReady();
  }

  #showCounts() {
    const { count, bytes, query } = this.#source;
    const isSearch = (query?.text ?? "").trim() !== "";
    const counted = isSearch ? `${countText(count, "file")} found` : entriesText(count);
    const loading = this.#isWhole ? "" : ` · ${this.#loading}`;
    this.#counts.textContent = `${counted}, ${sizeText(bytes)}${loading}`;
  }

  /** @param {number} count @param {number | undefined} total */
  #onLoaded(count, total) {
    this.#isWhole = total === undefined || count >= total;
    if (total === undefined) this.#loadMs = performance.now() - this.#loadingSinceMs;
    this.#list.element.setAttribute("aria-busy", String(!this.#isWhole));
    if (total !== undefined) {
      const share = `${count.toLocaleString("en")} of ${countText(total, "file")}`;
      this.#loading = `the list is being fetched, ${share}`;
    }
    this.#showCounts();
  }

  /** @param {import("./file_index.js").Row} row */
  #open(row) {
    if (row.files === undefined) this.#preview.open(row);
    else this.#owner.onPlace(row.name, "");
  }

  /** @param {number} first @param {number} end */
  async #selectRows(first, end) {
    if (!this.#selection.add(await this.#source.rows(first, end))) {
      this.#owner.say("No more can be selected at once.");
    }
    this.#showSelection();
    this.#list.draw();
  }

  #showSelection() {
    const { count, bytes, names } = this.#selection;
    this.#selected.hidden = count === 0;
    const text = `${count.toLocaleString("en")} selected, ${sizeText(bytes)}`;
    const clear = () => {
      this.#selection.clear();
      this.#showSelection();
      this.#list.draw();
      this.#list.element.focus();
    };
    this.#selected.replaceChildren(
      h("span", { role: "status" }, text),
      h(
        "button",
        { type: "button", class: "main", onclick: () => fetchZip(names) },
        icon("save"),
        "Save as a zip",
      ),
      h("button", { type: "button", onclick: clear }, "Clear"),
    );
  }
}

/** @param {number} count */
function entriesText(count) {
  return `${count.toLocaleString("en")} ${count === 1 ? "entry" : "entries"}`;
}

/** A form, as names of thousands are too long for an address. @param {readonly string[]} names */
function fetchZip(names) {
  const fields = names.map((name) => {
    const field = h("input", { type: "hidden", name: "name" });
    field.value = name;
    return field;
  });
  const form = h("form", { method: "post", action: "/zip", hidden: true }, ...fields);
  document.body.append(form);
  form.submit();
  form.remove();
}
