/**
 * A file looked at in place. The server sends what is looked at as what it is and not to be run: a picture in `<img>`, text as
 * plain text, a PDF to the browser's own viewer. Nothing here interprets what a file brings.
 */
import { h, icon, nameNode } from "./dom.js";
import { baseName, dateText, folderOf, shownName, sizeText, urlPath } from "./format.js";

/** As much of a text as is shown. */
const TEXT_BYTES_MAX = 256 * 1024;

/** @typedef {import("./file_index.js").Row} Row */

export class Preview {
  #title = h("h2", { id: "preview-name" });
  #body = h("div", { class: "shown" });
  #facts = h("div", { class: "facts" });
  #position = 0;
  dialog = h(
    "dialog",
    { class: "preview", "aria-labelledby": "preview-name" },
    h(
      "header",
      {},
      this.#title,
      h(
        "button",
        { type: "button", "aria-label": "Close", onclick: () => this.dialog.close() },
        icon("close"),
      ),
    ),
    this.#body,
    this.#facts,
  );

  /**
   * @param {(step: number) => Promise<Row | undefined>} neighbour Another file of the list, in either direction.
   */
  constructor(neighbour) {
    // What plays or loads ends with the dialog.
    this.dialog.addEventListener("close", () => this.#body.replaceChildren());
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.dialog.close();
    });
    this.dialog.addEventListener("keydown", async ({ key, target }) => {
      const isElsewhere = target instanceof HTMLMediaElement || target instanceof HTMLPreElement;
      const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
      if (step === undefined || isElsewhere) return;
      const row = await neighbour(step);
      if (row !== undefined && row.files === undefined && this.dialog.open) this.open(row);
    });
  }

  /** @param {Row} row */
  open(row) {
    const position = ++this.#position;
    const folder = folderOf(row.name);
    this.#title.replaceChildren(nameNode(baseName(row.name)));
    const body = this.#shown(row, () => position === this.#position);
    this.#body.replaceChildren(...(body === undefined ? [] : [body]));
    this.#facts.replaceChildren(
      h(
        "a",
        { class: "button", href: `/files/${urlPath(row.name)}`, download: true },
        icon("save"),
        `Save, ${sizeText(row.size)}`,
      ),
      h(
        "dl",
        {},
        ...fact("Size", `${row.size.toLocaleString("en")} bytes`),
        ...fact("Changed", dateText(row.mtimeMs)),
        ...(folder === "" ? [] : fact("Folder", nameNode(folder))),
        ...fact("SHA-256", row.sha256 === undefined ? "being computed" : h("code", {}, row.sha256)),
      ),
    );
    if (!this.dialog.open) this.dialog.showModal();
  }

  /** @param {Row} row @param {() => boolean} isWanted */
  #shown(row, isWanted) {
    const src = `/files/${urlPath(row.name)}?view`;
    const label = shownName(baseName(row.name));
    switch (row.view) {
      case "picture":
        return withFailure(h("img", { src, alt: label }));
      case "audio":
        return withFailure(
          h("audio", { src, controls: true, preload: "metadata", "aria-label": label }),
        );
      case "video":
        return withFailure(
          h("video", { src, controls: true, preload: "metadata", "aria-label": label }),
        );
      case "pdf":
        return h("iframe", { src, title: label });
      case "text": {
        const text = h("pre", { tabindex: "0", "aria-label": label });
        textOf(src, row.size).then(
          (shown) => isWanted() && text.replaceChildren(shown),
          (error) => isWanted() && text.replaceWith(failure(error.message)),
        );
        return text;
      }
      default:
        return undefined;
    }
  }
}

/** @param {string} label @param {Node | string} value */
function fact(label, value) {
  return [h("dt", {}, label), h("dd", {}, value)];
}

/** @param {string} message */
function failure(message) {
  return h("p", { class: "failure" }, `It cannot be shown here: ${message}`);
}

/** @param {HTMLImageElement | HTMLMediaElement} element */
function withFailure(element) {
  element.addEventListener(
    "error",
    () => element.replaceWith(failure("the browser does not know what is in it")),
    { once: true },
  );
  return element;
}

/**
 * @param {string} src
 * @param {number} size
 */
async function textOf(src, size) {
  const headers = size > TEXT_BYTES_MAX ? { range: `bytes=0-${TEXT_BYTES_MAX - 1}` } : undefined;
  const response = await fetch(src, headers === undefined ? {} : { headers });
  if (!response.ok) throw new Error(`the server says ${response.status}`);
  const text = new TextDecoder().decode(await response.arrayBuffer());
  return size > TEXT_BYTES_MAX ? `${text}\n… and more, of ${sizeText(size)}` : text;
}
