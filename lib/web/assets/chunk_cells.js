/** A file as a map: its chunks in order, gathered into as many cells as there is room for. */

/**
 * @typedef {object} Cell
 * @property {number} lane Who brought most of it; −1 for an earlier run.
 * @property {number} filled Share of its chunks that are here, 0 to 1.
 */

/**
 * @param {object} map
 * @param {readonly import("./live_state.js").Run[]} map.runs
 * @param {number} map.chunks
 * @param {number} map.cells At most as many as chunks.
 * @param {number} map.lanes
 * @returns {Cell[]}
 */
export function chunkCells({ runs, chunks, cells, lanes }) {
  const kinds = lanes + 1;
  const counts = new Uint32Array(cells * kinds);
  const startOf = (/** @type {number} */ cell) => Math.floor((cell * chunks) / cells);
  for (const [first, count, lane] of runs) {
    if (lane >= lanes) continue;
    const end = Math.min(chunks, first + count);
    let cell = Math.min(cells - 1, Math.floor((first * cells) / chunks));
    while (startOf(cell + 1) <= first && cell < cells - 1) cell++;
    for (let at = first; at < end; cell++) {
      const next = Math.min(end, startOf(cell + 1));
      const slot = cell * kinds + lane + 1;
      counts[slot] = (counts[slot] ?? 0) + next - at;
      at = next;
    }
  }
  return Array.from({ length: cells }, (_, cell) => {
    const own = counts.subarray(cell * kinds, (cell + 1) * kinds);
    const most = own.reduce((best, count, kind) => (count > (own[best] ?? 0) ? kind : best), 0);
    const filled = own.reduce((sum, count) => sum + count, 0);
    return { lane: most - 1, filled: filled / (startOf(cell + 1) - startOf(cell)) };
  });
}

/**
 * How many cells, and in how many columns, fit into a width.
 * @param {number} chunks
 * @param {number} width In pixels.
 * @param {number} cellSize In pixels, with its gap.
 * @param {number} rowsMax
 */
export function mapShape(chunks, width, cellSize, rowsMax) {
  const columns = Math.max(1, Math.floor(width / cellSize));
  const cells = Math.max(1, Math.min(chunks, columns * rowsMax));
  return { columns: Math.min(columns, cells), cells, rows: Math.ceil(cells / columns) };
}
