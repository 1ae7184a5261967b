/** The uploads of this page: how far each one is, how fast, and whether both sides hashed the same. */
import { h, KeyedParts, nameNode, progressBar, setText } from "./dom.js";
import { clockText, countText, percentText, rateText, shownName, sizeText } from "./format.js";

/** As many as are listed at a time; the rest are counted. */
const LISTED_MAX = 100;
const REDRAW_MS = 250;

/** @typedef {import("./upload.js").Upload} Upload */

export class UploadView {
  /** @type {import("./upload_queue.js").UploadQueue | undefined} */
  #queue;
  #summary = h("p", { class: "numbers" });
  #bar = progressBar("Progress of all uploads");
  #body = h("ul");
  #parts = new KeyedParts(
    this.#body,
    (/** @type {Listed} */ { id }) => id,
    () => uploadPart(this),
  );
  #more = h("p", { class: "none" });
  #clear = h("button", { type: "button", onclick: () => this.#queue?.clear() }, "Clear the list");
  element = h(
    "section",
    { class: "uploads", "aria-label": "Uploads", hidden: true },
    h("div", { class: "over" }, h("h2", {}, "Uploads"), this.#clear),
    this.#summary,
    this.#bar,
    this.#body,
    this.#more,
  );
  /** @type {Map<Upload, string>} */
  #ids = new Map();
  #nextId = 0;
  #willDraw = false;

  /** @param {import("./upload_queue.js").UploadQueue} queue */
  set queue(queue) {
    this.#queue = queue;
  }

  /** @param {Upload} upload */
  goOn(upload) {
    this.#queue?.goOn(upload);
  }

  /** @param {Upload} upload */
  drop(upload) {
    this.#queue?.drop(upload);
  }

  /** A few times a second at most. */
  drawSoon() {
    if (this.#willDraw) return;
    this.#willDraw = true;
    setTimeout(() => {
      this.#willDraw = false;
      this.#draw();
    }, REDRAW_MS);
  }

  #draw() {
    const queue = this.#queue;
    if (queue === undefined) return;
    const { uploads, sent, bytes, meter } = queue;
    this.element.hidden = uploads.length === 0;
    const done = uploads.filter(({ state }) => state === "done").length;
    const pace = queue.isBusy
      ? ` · ${rateText(meter.rate)}, ${clockText(meter.secondsFor(bytes - sent))} left`
      : "";
    setText(
      this.#summary,
      `${done} of ${countText(uploads.length, "file")}, ${sizeText(sent)} of ${
        sizeText(bytes)
      }${pace}`,
    );
    this.#bar.value = bytes === 0 ? 1 : sent / bytes;
    this.#clear.hidden = done === 0;
    const listed = [...uploads].sort((a, b) => weight(a) - weight(b)).slice(0, LISTED_MAX);
    this.#parts.show(listed.map((upload) => ({ id: this.#idOf(upload), upload })));
    const rest = uploads.length - listed.length;
    this.#more.hidden = rest === 0;
    setText(this.#more, `and ${countText(rest, "more file")}`);
  }

  /** @param {Upload} upload */
  #idOf(upload) {
    const id = this.#ids.get(upload) ?? String(this.#nextId++);
    this.#ids.set(upload, id);
    return id;
  }
}

/** @typedef {{ id: string, upload: Upload }} Listed */

/** What is at work, or needs somebody, comes first. @param {Upload} upload */
function weight({ state, isAtWork }) {
  if (isAtWork) return 0;
  return { failed: 1, paused: 2, queued: 3 }[/** @type {string} */ (state)] ?? 4;
}

/** @param {UploadView} view @returns {import("./dom.js").Part<Listed>} */
function uploadPart(view) {
  const name = h("span", { class: "name" });
  const bar = progressBar("Progress");
  const text = h("span", { class: "numbers" });
  const hashes = h("span", { class: "hash" });
  /** @type {Upload | undefined} */
  let shown;
  const button = (/** @type {string} */ label, /** @type {(upload: Upload) => void} */ act) =>
    h("button", { type: "button", onclick: () => shown !== undefined && act(shown) }, label);
  const pause = button("Break off", (upload) => upload.pause());
  const goOn = button("Go on", (upload) => view.goOn(upload));
  const drop = button("Remove", (upload) => view.drop(upload));
  return {
    element: h("li", {}, name, h("span", { class: "acts" }, pause, goOn, drop), bar, text, hashes),
    update({ upload }) {
      if (shown !== upload) {
        name.replaceChildren(nameNode(upload.name));
        const label = shownName(upload.name);
        bar.setAttribute("aria-label", `Progress of ${label}`);
        for (const each of [pause, goOn, drop]) {
          each.setAttribute("aria-label", `${each.textContent}: ${label}`);
        }
      }
      shown = upload;
      const { size } = upload.file;
      bar.value = size === 0 ? 1 : upload.sent / size;
      setText(text, uploadText(upload));
      pause.hidden = !upload.isAtWork && upload.state !== "queued";
      goOn.hidden = upload.state !== "paused" && upload.state !== "failed";
      drop.hidden = upload.state === "done";
      hashes.replaceChildren(...hashNodes(upload));
    },
  };
}

/** @param {Upload} upload */
function uploadText({ state, message, sent, file: { size }, meter, name, stored }) {
  const share = `${percentText(sent, size)} of ${sizeText(size)}`;
  switch (state) {
    case "queued":
      return `${sizeText(size)}, waits for its turn`;
    case "sending":
      return `${share} · ${rateText(meter.rate)}, ${clockText(meter.secondsFor(size - sent))} left`;
    case "waiting":
      return `${share}; to be tried again: ${message}`;
    case "checking":
      return `${share}, being compared`;
    case "paused":
      return `${share}, broken off`;
    case "failed":
      return `Failed: ${message}`;
    case "done": {
      if (stored?.present === true) return `${sizeText(size)}; the same file was there already`;
      const other = stored?.name === name ? "" : `, as ${shownName(stored?.name ?? "")}`;
      return `${sizeText(size)}, stored${other}`;
    }
  }
}

/** @param {Upload} upload */
function hashNodes({ sha256Here, stored }) {
  if (sha256Here === undefined) return [];
  const there = stored?.sha256;
  const verdict = there === undefined ? "" : there === sha256Here ? " = there " : " ≠ there ";
  const nodes = ["SHA-256 here ", h("code", {}, sha256Here), verdict];
  return there === undefined ? nodes : [...nodes, h("code", {}, there)];
}
