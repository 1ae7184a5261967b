/**
 * The list of files: a grid of which only the rows in sight exist. It keeps the keyboard's focus itself and says by
 * `aria-activedescendant` which row is meant, so that rows may come and go while it is scrolled.
 */
import { h, icon, nameNode } from "./dom.js";
import { baseName, countText, dateText, folderOf, shownName, sizeText, urlPath } from "./format.js";
import { canvasHeight, rowsInSight, scrollTopFor } from "./row_window.js";

/** @typedef {import("./file_index.js").Row} Row */
/** @typedef {import("./file_index.js").SortKey} SortKey */

/**
 * @typedef {object} ListOwner
 * @property {import("./file_source.js").FileSource} source
 * @property {import("./selection.js").Selection} selection
 * @property {(row: Row) => void} onOpen
 * @property {(key: SortKey) => void} onSort
 * @property {() => void} onUp To the folder above.
 * @property {() => void} onSelected The selection is another one.
 * @property {(first: number, end: number) => void} onSelectRows All of these are to be selected.
 */

const COLUMNS = /** @type {const} */ ([["name", "Name"], ["size", "Size"], ["time", "Changed"]]);

export class FileList {
  #owner;
  #canvas = h("div", { role: "rowgroup", class: "canvas" });
  /** @type {Map<SortKey, HTMLElement>} */
  #headers = new Map();
  #head = this.#header();
  element = h(
    "div",
    {
      class: "files",
      role: "grid",
      tabindex: "0",
      "aria-label": "Files",
      "aria-multiselectable": "true",
    },
    h("div", { role: "rowgroup", class: "head" }, this.#head),
    this.#canvas,
  );
  #rowHeight = 40;
  #active = 0;
  /** Where a selection by Shift began. @type {number | undefined} */
  #anchor;
  #willDraw = false;
  /** The rows on the canvas. @type {Map<number, HTMLElement>} */
  #drawn = new Map();

  /** @param {ListOwner} owner */
  constructor(owner) {
    this.#owner = owner;
    this.element.addEventListener("scroll", () => this.#drawSoon());
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
    this.#canvas.addEventListener("click", (event) => this.#onClick(event));
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  /** @returns {Row | undefined} */
  get activeRow() {
    return this.#owner.source.row(this.#active);
  }

  /** Another list, from its top. */
  reset() {
    this.#active = 0;
    this.#anchor = undefined;
    this.element.scrollTop = 0;
    this.draw();
  }

  /** @param {SortKey} sort @param {boolean} descending */
  showOrder(sort, descending) {
    for (const [key, header] of this.#headers) {
      const direction = descending ? "descending" : "ascending";
      header.setAttribute("aria-sort", key === sort ? direction : "none");
    }
  }

  /** @param {number} index */
  activate(index) {
    const { source } = this.#owner;
    this.#active = Math.max(0, Math.min(source.count - 1, index));
    const scrollTop = this.element.scrollTop;
    const wanted = scrollTopFor(this.#sight(), scrollTop, this.#active);
    if (wanted !== scrollTop) this.element.scrollTop = wanted;
    this.draw();
  }

  /** The next row of the list in a direction, once it is here. @param {number} step */
  async neighbour(step) {
    const index = this.#active + step;
    if (index < 0 || index >= this.#owner.source.count) return undefined;
    this.activate(index);
    return this.activeRow ?? (await this.#owner.source.rows(index, index + 1))[0];
  }

  /** Once per frame, and without making anew what stays in sight. */
  #drawSoon() {
    if (this.#willDraw) return;
    this.#willDraw = true;
    requestAnimationFrame(() => {
      this.#willDraw = false;
      this.#place();
    });
  }

  /** All rows anew. */
  draw() {
    this.#drawn.clear();
    this.#rowHeight = parseFloat(getComputedStyle(this.element).getPropertyValue("--row"));
    this.element.setAttribute("aria-rowcount", String(this.#owner.source.count + 1));
    this.#place();
  }

  #place() {
    const { source } = this.#owner;
    const sight = this.#sight();
    const { first, end, offset } = rowsInSight(sight, this.element.scrollTop);
    source.need(first, end);
    this.#canvas.style.height = `${canvasHeight(sight)}px`;
    const rows = new Map();
    for (let index = first; index < end; index++) {
      const row = this.#drawn.get(index) ?? this.#rowElement(source.row(index), index);
      row.style.transform = `translateY(${offset + (index - first) * this.#rowHeight}px)`;
      rows.set(index, row);
    }
    for (const row of [...this.#canvas.children]) {
      if (rows.get(Number(row.getAttribute("data-index"))) !== row) row.remove();
    }
    for (const row of rows.values()) if (row.parentNode !== this.#canvas) this.#canvas.append(row);
    this.#drawn = rows;
    const isThere = this.#active >= first && this.#active < end;
    if (isThere) this.element.setAttribute("aria-activedescendant", `row-${this.#active}`);
    else this.element.removeAttribute("aria-activedescendant");
  }

  /** @returns {import("./row_window.js").Sight} */
  #sight() {
    const viewHeight = this.element.clientHeight - this.#head.offsetHeight;
    return { count: this.#owner.source.count, rowHeight: this.#rowHeight, viewHeight };
  }

  #header() {
    const cells = COLUMNS.map(([key, label]) => {
      const header = h(
        "div",
        { role: "columnheader", class: key, "aria-sort": "none" },
        h("button", { type: "button", onclick: () => this.#owner.onSort(key) }, label),
      );
      this.#headers.set(key, header);
      return header;
    });
    const [check, save] = ["Select", "Save"].map((label) =>
      h(
        "div",
        { role: "columnheader", class: label.toLowerCase() },
        h("span", { class: "unseen" }, label),
      )
    );
    return h("div", { role: "row", class: "row", "aria-rowindex": "1" }, check, ...cells, save);
  }

  /** @param {Row | undefined} row @param {number} index */
  #rowElement(row, index) {
    const attributes = {
      ...{ role: "row", class: "row", id: `row-${index}`, "aria-rowindex": String(index + 2) },
      "data-index": String(index),
    };
    if (row === undefined) {
      return h("div", { ...attributes, "aria-busy": "true" }, h("div", { role: "gridcell" }, "…"));
    }
    const isFolder = row.files !== undefined;
    const isSelected = this.#owner.selection.has(row.name);
    const element = h(
      "div",
      { ...attributes, "aria-selected": String(isSelected) },
      h(
        "div",
        { role: "gridcell", class: "select" },
        h("span", { class: "box", "aria-hidden": "true" }),
      ),
      h("div", { role: "gridcell", class: "name" }, this.#nameLink(row)),
      h("div", { role: "gridcell", class: "size" }, sizeText(row.size)),
      h(
        "div",
        { role: "gridcell", class: "time" },
        isFolder ? countText(row.files ?? 0, "file") : dateText(row.mtimeMs),
      ),
      h("div", { role: "gridcell", class: "save" }, saveLink(row)),
    );
    if (index === this.#active) element.classList.add("active");
    return element;
  }

  /** @param {Row} row */
  #nameLink(row) {
    const { folder, text } = this.#owner.source.query ?? { folder: "", text: "" };
    const above = text === "" ? "" : folderOf(row.name).slice(folder.length);
    const kind = row.files === undefined ? row.view ?? "file" : "folder";
    return h(
      "a",
      { href: `/files/${urlPath(row.name)}`, tabindex: "-1", title: shownName(row.name) },
      icon(kind),
      h(
        "span",
        { class: "label" },
        above === "" ? undefined : h("span", { class: "above" }, nameNode(above)),
        nameNode(baseName(row.name)),
      ),
    );
  }

  /** @param {MouseEvent} event */
  #onClick(event) {
    const target = /** @type {Element} */ (event.target);
    const index = Number(target.closest("[data-index]")?.getAttribute("data-index") ?? NaN);
    if (Number.isNaN(index)) return;
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0;
    if (target.closest(".save a") !== null) return;
    if (target.closest(".name a") !== null && isPlain) {
      event.preventDefault();
      this.activate(index);
      const row = this.activeRow;
      if (row !== undefined) this.#owner.onOpen(row);
      return;
    }
    if (target.closest(".name a") !== null && !event.shiftKey) return;
    event.preventDefault();
    if (event.shiftKey) this.#selectTo(index);
    else if (target.closest(".select") !== null || event.ctrlKey || event.metaKey) {
      this.#toggle(index);
    } else this.activate(index);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (event.target !== this.element || event.altKey) return;
    const page = Math.max(1, Math.floor(this.#sight().viewHeight / this.#rowHeight) - 1);
    const { count } = this.#owner.source;
    /** @type {Record<string, number>} */
    const places = {
      ArrowDown: this.#active + 1,
      ArrowUp: this.#active - 1,
      PageDown: this.#active + page,
      PageUp: this.#active - page,
      Home: 0,
      End: count - 1,
    };
    const place = places[event.key];
    if (place !== undefined) {
      if (event.shiftKey) this.#selectTo(Math.max(0, Math.min(count - 1, place)));
      else this.activate(place);
    } else if (event.key === "Enter" && this.activeRow !== undefined) {
      this.#owner.onOpen(this.activeRow);
    } else if (event.key === " ") {
      this.#toggle(this.#active);
    } else if (event.key === "a" && (event.ctrlKey || event.metaKey)) {
      this.#owner.onSelectRows(0, count);
    } else if (event.key === "Backspace") {
      this.#owner.onUp();
    } else {
      return;
    }
    event.preventDefault();
  }

  /** @param {number} index */
  #toggle(index) {
    this.#anchor = index;
    this.activate(index);
    const row = this.activeRow;
    if (row === undefined) return;
    this.#owner.selection.toggle(row);
    this.#owner.onSelected();
    this.draw();
  }

  /** @param {number} index */
  #selectTo(index) {
    this.#anchor ??= this.#active;
    const [first, last] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)];
    this.activate(index);
    this.#owner.onSelectRows(first, last + 1);
  }
}

/** @param {Row} row */
function saveLink(row) {
  const isFolder = row.files !== undefined;
  const path = urlPath(row.name);
  const label = isFolder ? "Save as a zip" : "Save";
  return h(
    "a",
    {
      href: isFolder ? `/zip/${path}` : `/files/${path}`,
      tabindex: "-1",
      download: true,
      title: label,
      "aria-label": `${label}: ${shownName(baseName(row.name))}`,
    },
    icon("save"),
  );
}
