/**
 * Which rows of a long list are in sight. Rows are equally high; the canvas they lie on is no higher than browsers can scroll,
 * so in a very long list the scroll bar moves more rows than it passes.
 */

/** Browsers give up somewhat above 16 million pixels. */
const CANVAS_HEIGHT_MAX = 12_000_000;
/** Rows kept above and below those in sight, so that scrolling shows no gap. */
const SPARE_ROWS = 12;

/**
 * @typedef {object} Sight
 * @property {number} count Rows of the list.
 * @property {number} rowHeight In pixels.
 * @property {number} viewHeight In pixels.
 */

/** @param {Sight} sight */
export function canvasHeight({ count, rowHeight }) {
  return Math.min(count * rowHeight, CANVAS_HEIGHT_MAX);
}

/**
 * The rows `first` to `end` (exclusive) to be drawn, and where on the canvas the first one is.
 * @param {Sight} sight
 * @param {number} scrollTop In pixels.
 */
export function rowsInSight(sight, scrollTop) {
  const { count, rowHeight, viewHeight } = sight;
  const top = contentTop(sight, scrollTop);
  const first = Math.max(0, Math.floor(top / rowHeight) - SPARE_ROWS);
  const end = Math.min(count, Math.ceil((top + viewHeight) / rowHeight) + SPARE_ROWS);
  return { first: Math.min(first, end), end, offset: scrollTop - (top - first * rowHeight) };
}

/**
 * Where to scroll so that row `index` is wholly in sight: nowhere if it is.
 * @param {Sight} sight
 * @param {number} scrollTop In pixels.
 * @param {number} index
 */
export function scrollTopFor(sight, scrollTop, index) {
  const { rowHeight, viewHeight } = sight;
  const top = contentTop(sight, scrollTop);
  const rowTop = index * rowHeight;
  if (rowTop < top) return canvasTop(sight, rowTop);
  if (rowTop + rowHeight > top + viewHeight) {
    return canvasTop(sight, rowTop + rowHeight - viewHeight);
  }
  return scrollTop;
}

/** From the canvas to the list: the same while all of the list fits on it. @param {Sight} sight @param {number} scrollTop */
function contentTop(sight, scrollTop) {
  return Math.max(0, scrollTop) * stretch(sight);
}

/** @param {Sight} sight @param {number} top */
function canvasTop(sight, top) {
  return Math.max(0, top) / stretch(sight);
}

/** @param {Sight} sight */
function stretch(sight) {
  const whole = sight.count * sight.rowHeight - sight.viewHeight;
  const canvas = canvasHeight(sight) - sight.viewHeight;
  return canvas <= 0 || whole <= canvas ? 1 : whole / canvas;
}
