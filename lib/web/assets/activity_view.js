/** What happens at the server: who fetches what, and what was uploaded. */
import { h, KeyedParts, nameNode, progressBar, setText } from "./dom.js";
import { clockText, countText, rateText, shownName, sizeText } from "./format.js";

/** @typedef {import("./live.js").LiveState} LiveState */
/** @typedef {import("./live.js").Transfer} Transfer */

export class ActivityView {
  #summary = h("p", { class: "numbers" });
  #transfers = table("Who fetches what from here", ["Who", "What", "Sent", "Rate", "Time"]);
  #transferParts = new KeyedParts(this.#transfers.body, ({ id }) => String(id), transferPart);
  #uploaded = table("What was uploaded", ["Name", "Size", "From"]);
  #uploadedParts = new KeyedParts(
    this.#uploaded.body,
    ({ name, client }) => `${client} ${name}`,
    uploadedPart,
  );
  element = h(
    "div",
    { class: "activity" },
    h("h2", { class: "title", tabindex: "-1" }, "Activity"),
    this.#summary,
    this.#transfers.element,
    this.#uploaded.element,
  );

  /** @param {LiveState} state */
  show(state) {
    setText(this.#summary, summaryText(state));
    this.#transfers.show(state.transfers, this.#transferParts, "Nobody, at the moment.");
    this.#uploaded.show(state.uploaded, this.#uploadedParts, "");
  }
}

/**
 * A table with a heading; where there is nothing to be listed it says so, or is not there.
 * @param {string} title
 * @param {readonly string[]} heads
 */
function table(title, heads) {
  const body = h("tbody");
  const none = h("p", { class: "none" });
  const head = h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)));
  const wide = h(
    "div",
    { class: "wide", tabindex: "0", role: "region", "aria-label": title },
    h("table", {}, h("thead", {}, head), body),
  );
  const element = h("section", {}, h("h2", {}, title), none, wide);
  return {
    body,
    element,
    /**
     * @template T
     * @param {readonly T[]} items
     * @param {KeyedParts<T>} parts
     * @param {string} noneText
     */
    show(items, parts, noneText) {
      wide.hidden = items.length === 0;
      none.hidden = !wide.hidden;
      element.hidden = wide.hidden && noneText === "";
      setText(none, noneText);
      parts.show(items);
    },
  };
}

/** @returns {import("./dom.js").Part<Transfer>} */
function transferPart() {
  const [who, what, sent, rate, time] = Array.from({ length: 5 }, () => h("td"));
  const bar = progressBar("Progress");
  const bytes = h("span");
  sent?.append(bar, bytes);
  const element = h("tr", {}, who, what, sent, rate, time);
  let shown = "";
  return {
    element,
    update(transfer) {
      element.className = transfer.state;
      if (who !== undefined) setText(who, transfer.client);
      const name = transferName(transfer);
      if (name !== shown) {
        shown = name;
        what?.replaceChildren(nameNode(name));
        bar.setAttribute("aria-label", `Progress of ${shownName(name)}`);
      }
      bar.hidden = transfer.size === undefined;
      bar.value = transfer.size ? Math.min(1, transfer.bytes / transfer.size) : 0;
      setText(bytes, sizeText(transfer.bytes));
      const isOver = transfer.state === "ended";
      if (rate !== undefined) setText(rate, isOver ? "ended" : rateText(transfer.rate));
      if (time !== undefined) setText(time, clockText(transfer.seconds));
    },
  };
}

/** @param {Transfer} transfer */
function transferName({ what, name, files }) {
  if (what === "files") return countText(files, "file");
  const shown = name === "." ? "everything" : name;
  return what === "folder" ? `${shown}, ${countText(files, "file")} of it` : shown;
}

/** @returns {import("./dom.js").Part<{ name: string, client: string, size: number }>} */
function uploadedPart() {
  const [name, size, client] = Array.from({ length: 3 }, () => h("td"));
  return {
    element: h("tr", {}, name, size, client),
    update(file) {
      name?.replaceChildren(nameNode(file.name));
      if (size !== undefined) setText(size, sizeText(file.size));
      if (client !== undefined) setText(client, file.client);
    },
  };
}

/** @param {LiveState} state */
function summaryText({ transfers, files, indexing }) {
  const parts = [];
  const moving = transfers.filter(({ state }) => state === "moving");
  if (moving.length > 0) {
    const rate = moving.reduce((sum, transfer) => sum + transfer.rate, 0);
    parts.push(`${countText(moving.length, "transfer")} at ${rateText(rate)} together`);
  }
  parts.push(countText(files, "file"));
  if (indexing) {
    const { filesLeft, bytesLeft, secondsLeft } = indexing;
    const left = `${countText(filesLeft, "file")}, ${sizeText(bytesLeft)}`;
    parts.push(`${left} still to be hashed (${clockText(secondsLeft)})`);
  }
  return parts.join(" · ");
}
