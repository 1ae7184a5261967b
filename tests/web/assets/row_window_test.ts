import { assert, assertEquals } from "@std/assert";
import { canvasHeight, rowsInSight, scrollTopFor } from "../../../lib/web/assets/row_window.js";

const SIGHT = { count: 1_000, rowHeight: 40, viewHeight: 400 };
const MILLION = { ...SIGHT, count: 1_000_000 };

Deno.test("only the rows in sight and some around them are drawn", () => {
  const { first, end, offset } = rowsInSight(SIGHT, 20_000);
  assert(first <= 500 && first > 470 && end >= 510 && end < 540, `${first} to ${end}`);
  assertEquals(offset, first * 40);
  assertEquals(rowsInSight(SIGHT, 0).first, 0);
  assertEquals(rowsInSight(SIGHT, 40_000 - 400).end, 1_000);
  assertEquals(rowsInSight({ ...SIGHT, count: 0 }, 0), { first: 0, end: 0, offset: 0 });
  // A list that became shorter while it was scrolled.
  assertEquals(rowsInSight({ ...SIGHT, count: 3 }, 20_000).end, 3);
});

Deno.test("a list that is too long for a browser's canvas is shown from its first row to its last", () => {
  const bottom = canvasHeight(MILLION) - MILLION.viewHeight;
  assert(canvasHeight(MILLION) < 16_000_000);
  assertEquals(rowsInSight(MILLION, 0).first, 0);
  const { first, end, offset } = rowsInSight(MILLION, bottom);
  assertEquals(end, 1_000_000);
  // Its lower edge is that of the canvas.
  const edge = offset + (end - first) * MILLION.rowHeight;
  assert(Math.abs(edge - canvasHeight(MILLION)) < 1, `${edge} of ${canvasHeight(MILLION)}`);
});

Deno.test("the list scrolls to a row only as far as it takes, and then the row is in sight", () => {
  assertEquals(scrollTopFor(SIGHT, 0, 5), 0);
  assertEquals(scrollTopFor(SIGHT, 0, 10), 40);
  assertEquals(scrollTopFor(SIGHT, 4_000, 5), 200);
  for (const index of [0, 17, 500_000, 999_999]) {
    const top = scrollTopFor(MILLION, 6_000_000, index);
    const { first, end, offset } = rowsInSight(MILLION, top);
    assert(first <= index && index < end, `row ${index} is not among ${first} to ${end}`);
    const rowTop = offset + (index - first) * MILLION.rowHeight - top;
    assert(rowTop > -1 && rowTop + 40 < 401, `row ${index} is ${rowTop} below the upper edge`);
  }
});
