/** Elements made by hand. Nothing here, or anywhere on the page, reads text as HTML. */
import { shownName } from "./format.js";

/**
 * An element. What begins with `on` is a listener; `true` is an attribute without a value, `false` and `undefined` are none.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {(Node | string | undefined)[]} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") {
      element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/**
 * A name of anybody's: whatever direction it is written in, it changes nothing around it.
 * @param {string} name
 */
export function nameNode(name) {
  return h("bdi", {}, shownName(name));
}

/** What the pictures beside names are drawn with, on a square of 24. */
const ICONS = {
  folder: "M3 6h6l2 2h10v11H3z",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15 9h1",
  text: "M6 3h8l4 4v14H6zM9 11h6M9 14h6M9 17h4",
  audio:
    "M9 18V6l10-2v12M9 18a2.5 2 0 1 1-5 0 2.5 2 0 0 1 5 0zM19 16a2.5 2 0 1 1-5 0 2.5 2 0 0 1 5 0z",
  video: "M4 5h16v14H4zM10 9l5 3-5 3z",
  pdf: "M6 3h8l4 4v14H6zM9 17v-5h3v2H9",
  save: "M12 4v11M7 11l5 5 5-5M5 20h14",
  close: "M6 6l12 12M18 6L6 18",
};

/** @typedef {keyof typeof ICONS} IconName */

/** @param {IconName} name */
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", "aria-hidden": "true" })) {
    svg.setAttribute(key, value);
  }
  svg.setAttribute("class", `icon icon-${name}`);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/**
 * A bar that screen readers can read.
 * @param {string} label
 */
export function progressBar(label) {
  return h("progress", { "aria-label": label, max: "1", value: "0" });
}

/**
 * A part of the page that shows one thing, and goes on showing it as it changes.
 * @template T
 * @typedef {{ element: Element, update: (item: T) => void }} Part
 */

/**
 * Shows a list whose members stay who they are: those that are known change in place, so that neither focus nor a selection
 * of text is lost several times a second.
 * @template T
 */
export class KeyedParts {
  /** @type {Map<string, Part<T>>} */
  #parts = new Map();
  #parent;
  #keyOf;
  #make;

  /**
   * @param {Element} parent
   * @param {(item: T) => string} keyOf
   * @param {(item: T) => Part<T>} make
   */
  constructor(parent, keyOf, make) {
    this.#parent = parent;
    this.#keyOf = keyOf;
    this.#make = make;
  }

  /** @param {readonly T[]} items */
  show(items) {
    /** @type {Map<string, Part<T>>} */
    const parts = new Map();
    /** @type {Element | null} */
    let place = this.#parent.firstElementChild;
    for (const item of items) {
      const key = this.#keyOf(item);
      const part = this.#parts.get(key) ?? this.#make(item);
      part.update(item);
      parts.set(key, part);
      if (part.element === place) place = place.nextElementSibling;
      else this.#parent.insertBefore(part.element, place);
    }
    for (const [key, { element }] of this.#parts) if (!parts.has(key)) element.remove();
    this.#parts = parts;
  }
}

/**
 * Sets the text of an element, if it is another one.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
