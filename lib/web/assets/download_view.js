/** A download as it happens: how far it is, a map of its chunks in the colour of their source, and its sources. */
import { chunkCells, mapShape } from "./chunk_cells.js";
import { h, KeyedParts, nameNode, progressBar, setText } from "./dom.js";
import { clockText, percentText, rateText, sizeText } from "./format.js";

/** Colours there are; further sources share them. */
const COLOURS = 8;
/** In pixels, with the gap between them. */
const CELL_SIZE = 9;
const CELL_GAP = 1;
const MAP_ROWS_MAX = 40;

/** @typedef {import("./live_state.js").Download} Download */
/** @typedef {import("./live_state.js").Lane} Lane */

/** @param {Download} first @returns {import("./dom.js").Part<Download>} */
export function downloadPart(first) {
  const bar = progressBar(`Progress of ${first.name}`);
  const facts = h("p", { class: "numbers" });
  const hash = h("p", { class: "hash" });
  const canvas = h("canvas", { role: "img" });
  const body = h("tbody");
  const lanes = new KeyedParts(body, ({ lane }) => lane.server, lanePart);
  let download = first;
  const repaint = () => paint(canvas, download);
  new ResizeObserver(repaint).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  const element = h(
    "section",
    { class: "download" },
    h("h2", {}, nameNode(first.name)),
    bar,
    facts,
    hash,
    canvas,
    h(
      "div",
      { class: "wide", tabindex: "0", role: "region", "aria-label": "Sources" },
      laneTable(body),
    ),
  );
  return {
    element,
    update(next) {
      download = next;
      bar.value = next.size === undefined || next.size === 0 ? 0 : next.bytes / next.size;
      if (next.state === "done") bar.value = 1;
      setText(facts, factsText(next));
      hash.replaceChildren(...hashNodes(next));
      canvas.hidden = next.chunks === undefined || next.chunks === 0;
      canvas.setAttribute("aria-label", mapText(next));
      repaint();
      lanes.show(next.servers.map((lane, index) => ({ lane, index, whole: next.bytes })));
    },
  };
}

/** @param {HTMLElement} body */
function laneTable(body) {
  const heads = ["Source", "Rate", "Bytes", "Lost", "Sent again", "Bad chunks"];
  return h(
    "table",
    {},
    h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
    body,
  );
}

/** @returns {import("./dom.js").Part<{ lane: Lane, index: number }>} */
function lanePart() {
  const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
  const name = h("span");
  const cells = Array.from({ length: 5 }, () => h("td"));
  return {
    element: h("tr", {}, h("th", { scope: "row" }, swatch, name), ...cells),
    update({ lane, index }) {
      swatch.className = `swatch lane-${index % COLOURS}`;
      setText(swatch, String(index + 1));
      setText(name, lane.state === "active" ? lane.server : `${lane.server}, ${lane.state}`);
      const { rate, bytes, lost, retransmits, badChunks } = lane;
      const texts = [rateText(rate), sizeText(bytes), lost, retransmits, badChunks].map(String);
      cells.forEach((cell, at) => setText(cell, texts[at] ?? ""));
    },
  };
}

/** @param {Download} download */
function factsText({ state, message, size, bytes, rate, secondsLeft }) {
  if (state === "failed") return message ?? "It failed.";
  if (state === "waiting") return "Waiting for a server that has it";
  if (size === undefined) return sizeText(bytes);
  if (state === "done") return `${sizeText(size)}, verified and in its place`;
  const pace = `${rateText(rate)}, ${clockText(secondsLeft)} left`;
  return `${percentText(bytes, size)} of ${sizeText(size)} · ${pace}`;
}

/** @param {Download} download */
function hashNodes({ state, sha256 }) {
  if (sha256 === undefined) return [];
  const word = state === "done" ? "SHA-256, as it was to be: " : "SHA-256 that it is to have: ";
  return [word, h("code", {}, sha256)];
}

/** The map in words. @param {Download} download */
function mapText({ servers, runs, chunks = 0 }) {
  const here = runs.reduce((sum, [, count]) => sum + count, 0);
  const shares = servers.map(({ server }, index) => {
    const own = runs.reduce((sum, [, count, lane]) => (lane === index ? sum + count : sum), 0);
    return `${own} from ${server}`;
  });
  return `${here} of ${chunks} chunks are here: ${shares.join(", ")}`;
}

/** @param {HTMLCanvasElement} canvas @param {Download} download */
function paint(canvas, { runs, chunks = 0, servers }) {
  const context = canvas.getContext("2d");
  const width = canvas.clientWidth;
  if (context === null || width === 0 || chunks === 0) return;
  const { cells, columns, rows } = mapShape(chunks, width, CELL_SIZE, MAP_ROWS_MAX);
  const style = getComputedStyle(canvas);
  const ratio = devicePixelRatio;
  const [pixels, lines] = [Math.round(width * ratio), Math.round(rows * CELL_SIZE * ratio)];
  if (canvas.width !== pixels || canvas.height !== lines) {
    [canvas.width, canvas.height] = [pixels, lines];
    canvas.style.height = `${rows * CELL_SIZE}px`;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, rows * CELL_SIZE);
  const earlier = style.getPropertyValue("--earlier");
  const colours = Array.from(
    { length: COLOURS },
    (_, at) => style.getPropertyValue(`--lane-${at}`),
  );
  const empty = style.getPropertyValue("--cell");
  chunkCells({ runs, chunks, cells, lanes: servers.length }).forEach(({ lane, filled }, cell) => {
    const [x, y] = [(cell % columns) * CELL_SIZE, Math.floor(cell / columns) * CELL_SIZE];
    const side = CELL_SIZE - CELL_GAP;
    context.globalAlpha = 1;
    context.fillStyle = empty;
    context.fillRect(x, y, side, side);
    if (filled === 0) return;
    context.globalAlpha = 0.3 + 0.7 * filled;
    context.fillStyle = lane < 0 ? earlier : colours[lane % COLOURS] ?? earlier;
    context.fillRect(x, y, side, side);
  });
}
