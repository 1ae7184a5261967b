/** The page: takes over from the list that the server sent once it has one of its own, which can do more. */
import { ActivityView } from "./activity_view.js";
import { h } from "./dom.js";
import { chosenFiles, droppedFiles } from "./dropped_files.js";
import { FilesView } from "./files_view.js";
import { baseName, shownName, urlPath } from "./format.js";
import { Hasher } from "./hasher.js";
import { Live } from "./live.js";
import { UploadApi } from "./upload_api.js";
import { UploadQueue } from "./upload_queue.js";
import { UploadView } from "./upload_view.js";

const FILES = "/files/";
const ACTIVITY = "#activity";
const SEARCH = "#q=";

/**
 * @typedef {object} About
 * @property {string} [host]
 * @property {string} [revision]
 * @property {{ bytesMax?: number, sliceBytesMax: number }} [uploads]
 * @property {string} [token]
 */

class Page {
  #about;
  #host;
  #files;
  #activity = new ActivityView();
  #uploads = new UploadView();
  /** @type {UploadQueue | undefined} */
  #queue;
  #status = h("p", { class: "unseen", role: "status" });
  #alert = h("p", { class: "alert", role: "alert", hidden: true });
  #lost = h("p", { class: "alert", role: "status", hidden: true });
  #tabs;
  #main = h("main", { id: "main" });
  #isShown = false;
  #revision;
  #isActivity = false;
  /** Until the server has told what happens, nothing leads there. */
  #activityTab;

  /** @param {About} about */
  constructor(about) {
    this.#about = about;
    this.#host = about.host ?? location.host;
    this.#revision = about.revision;
    const tools = about.uploads === undefined ? [] : [this.#uploadTools()];
    this.#files = new FilesView({
      onReady: () => this.#takeOver(),
      onPlace: (folder, text) => this.#go(placeUrl(folder, text), text !== ""),
      say: (message) => this.#say(message),
      onFailed: (message) => this.#warn(`The list of files did not come: ${message}`),
    }, tools);
    this.#activityTab = this.#tab(ACTIVITY, "Activity");
    this.#activityTab.hidden = true;
    this.#tabs = [this.#tab("/", "Files"), this.#activityTab];
    this.#acceptDrops();
    new Live(
      (state) => {
        this.#activityTab.hidden = false;
        this.#activity.show(state);
        this.#onRevision(state.revision);
      },
      (isLost) => {
        this.#lost.hidden = !isLost;
        this.#lost.textContent = isLost ? "The connection is lost; trying again." : "";
      },
    );
    addEventListener("popstate", () => this.#route());
    addEventListener("hashchange", () => this.#route());
    addEventListener("keydown", (event) => this.#onKey(event));
    addEventListener("beforeunload", (event) => {
      if (this.#queue?.isBusy) event.preventDefault();
    });
    this.#route();
  }

  /** Shows what the address says. */
  #route() {
    const { hash, pathname } = location;
    this.#isActivity = hash === ACTIVITY;
    const folder = folderOfPath(pathname);
    const text = hash.startsWith(SEARCH) ? decoded(hash.slice(SEARCH.length)) : "";
    this.#files.show(folder, text);
    const place = folder === "" ? "" : `${shownName(baseName(folder))} – `;
    document.title = `${this.#isActivity ? "Activity – " : place}${this.#host} – Shoal`;
    if (this.#isShown) this.#showView();
  }

  /**
   * @param {string} url
   * @param {boolean} isTyping Of a search, the steps in between are no places to go back to.
   */
  #go(url, isTyping) {
    this.#alert.hidden = true;
    const isSame = url === location.pathname + location.hash;
    if (isTyping && location.hash.startsWith(SEARCH)) history.replaceState(null, "", url);
    else if (!isSame) history.pushState(null, "", url);
    this.#route();
  }

  #takeOver() {
    if (this.#isShown) return;
    this.#isShown = true;
    document.body.replaceChildren(
      h("a", {
        class: "skip",
        href: "#main",
        onclick: (/** @type {Event} */ event) => this.#skip(event),
      }, "Skip to the files"),
      h(
        "header",
        { class: "bar" },
        h("h1", { class: "brand" }, h("strong", {}, "Shoal"), " ", h("span", {}, this.#host)),
        h("nav", { "aria-label": "Views", class: "tabs" }, ...this.#tabs),
      ),
      this.#lost,
      this.#alert,
      this.#main,
      this.#status,
    );
    document.body.className = "live";
    this.#showView();
  }

  #showView() {
    const views = this.#isActivity
      ? [this.#activity.element]
      : [this.#files.element, this.#uploads.element];
    if (this.#main.firstChild !== views[0]) this.#main.replaceChildren(...views);
    for (const tab of this.#tabs) {
      const isCurrent = (tab.getAttribute("href") === ACTIVITY) === this.#isActivity;
      if (isCurrent) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
  }

  /** @param {string} href @param {string} label */
  #tab(href, label) {
    const onclick = (/** @type {MouseEvent} */ event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const place = this.#files.folder;
      this.#go(href === ACTIVITY ? placeUrl(place, "") + ACTIVITY : placeUrl(place, ""), false);
    };
    return h("a", { href, onclick }, label);
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault();
    const target = this.#main.querySelector(".files") ?? this.#main.querySelector("h2");
    if (target instanceof HTMLElement) target.focus();
  }

  /** @param {string | undefined} revision */
  #onRevision(revision) {
    if (revision === undefined || revision === this.#revision) return;
    this.#revision = revision;
    this.#files.reload();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const target = /** @type {Element} */ (event.target);
    const isTyping = target.matches?.("input, textarea, select");
    if (event.key !== "/" || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.#isActivity || document.querySelector("dialog[open]") !== null) return;
    event.preventDefault();
    this.#files.focusSearch();
  }

  #uploadTools() {
    return h(
      "div",
      { class: "upload" },
      ...this.#pickerOf("Upload files", { multiple: true }),
      ...this.#pickerOf("Upload a folder", { webkitdirectory: true }),
    );
  }

  /**
   * A button, and what it opens.
   * @param {string} label
   * @param {Record<string, boolean>} kind
   */
  #pickerOf(label, kind) {
    const picker = h("input", {
      ...{ type: "file", hidden: true, "aria-label": label, ...kind },
      onchange: () => this.#addChosen(picker),
    });
    return [picker, h("button", { type: "button", onclick: () => picker.click() }, label)];
  }

  /** @param {HTMLInputElement} picker */
  #addChosen(picker) {
    this.#upload(() => chosenFiles([...picker.files ?? []]));
    picker.value = "";
  }

  /** Where nothing is taken, too: a browser would leave the page to show what was dropped. */
  #acceptDrops() {
    const hasFiles = (/** @type {DragEvent} */ event) =>
      event.dataTransfer?.types.includes("Files");
    addEventListener("dragover", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      document.body.classList.toggle("dropping", this.#about.uploads !== undefined);
    });
    addEventListener("dragleave", (event) => {
      if (event.relatedTarget === null) document.body.classList.remove("dropping");
    });
    addEventListener("drop", (event) => {
      document.body.classList.remove("dropping");
      const transfer = event.dataTransfer;
      if (!hasFiles(event) || transfer === null) return;
      event.preventDefault();
      this.#upload(() => droppedFiles(transfer));
    });
  }

  /** @param {() => import("./dropped_files.js").Named[] | Promise<import("./dropped_files.js").Named[]>} find */
  async #upload(find) {
    if (this.#about.uploads === undefined) return this.#warn("This server takes no files.");
    const folder = this.#files.folder;
    try {
      const files = await find();
      this.#queue ??= this.#newQueue();
      this.#queue.add(files.map(({ name, file }) => ({ name: folder + name, file })));
    } catch (error) {
      this.#warn(error instanceof Error ? error.message : String(error));
    }
  }

  #newQueue() {
    const hasher = new Hasher();
    const queue = new UploadQueue({
      api: new UploadApi(this.#about.token ?? ""),
      sha256Of: (file) => hasher.sha256Of(file),
      nowMs: () => performance.now(),
      wait: waited,
      onChange: () => this.#uploads.drawSoon(),
    });
    this.#uploads.queue = queue;
    return queue;
  }

  /** @param {string} message */
  #say(message) {
    this.#status.textContent = message;
  }

  /** @param {string} message */
  #warn(message) {
    this.#alert.hidden = false;
    this.#alert.textContent = message;
  }
}

/** @param {string} folder @param {string} text */
function placeUrl(folder, text) {
  const path = folder === "" ? "/" : FILES + urlPath(folder);
  return path + (text === "" ? "" : SEARCH + encodeURIComponent(text));
}

/** @param {string} pathname */
function folderOfPath(pathname) {
  return pathname.startsWith(FILES) && pathname.endsWith("/")
    ? decoded(pathname.slice(FILES.length))
    : "";
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {number} seconds @param {AbortSignal} signal @returns {Promise<void>} */
function waited(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1_000);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

const response = await fetch("/api/about");
if (response.ok) new Page(await response.json());
