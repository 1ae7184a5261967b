import { assertEquals } from "@std/assert";
import { LeftOut } from "../../../lib/app/index/left_out.ts";
import { LEFT_OUT_ALIKE_MAX, LEFT_OUT_NOTICES_MAX } from "../../../lib/app/index/limits.ts";

function scenes() {
  const told: string[] = [];
  const leftOut = new LeftOut((message) => told.push(message));
  const scan = (count: number, why: string) => {
    const { onLeftOut, onHidden } = leftOut.beginScan();
    for (let i = 0; i < count; i++) onLeftOut(`f${i} is skipped: ${why}`);
    onHidden();
    leftOut.endScan();
    return told.splice(0);
  };
  return { leftOut, scan };
}

Deno.test("of ten thousand links a few are named and the rest is counted, once", () => {
  const { scan } = scenes();
  const told = scan(10_000, "it is a link");
  assertEquals(told.length, LEFT_OUT_ALIKE_MAX + 1);
  assertEquals(told.at(-1), `…and ${10_000 - LEFT_OUT_ALIKE_MAX} more skipped: it is a link`);
  assertEquals(scan(10_000, "it is a link"), []);
  assertEquals(scan(10_100, "it is a link"), []);
  assertEquals(scan(50_000, "it is a link").length, 1);
});

Deno.test("each reason has lines of its own, and a name cannot play a reason", () => {
  const { leftOut, scan } = scenes();
  assertEquals(scan(2, "it is a link").length, 2);
  assertEquals(scan(2, "it is too large").length, 2);
  leftOut.noteFile("a is skipped: b", "it is a link");
  assertEquals(scan(LEFT_OUT_ALIKE_MAX, "it is a link").length, LEFT_OUT_ALIKE_MAX - 2);
});

Deno.test("over its lifetime a server names no more than so many", () => {
  const { scan } = scenes();
  let count = 0;
  for (let i = 0; i < 3 * LEFT_OUT_NOTICES_MAX; i++) count += scan(1, `reason ${i}`).length;
  assertEquals(count <= 2 * LEFT_OUT_NOTICES_MAX, true, `${count}`);
});

Deno.test("what is hidden is counted as of the last scan", () => {
  const { leftOut, scan } = scenes();
  scan(0, "");
  scan(0, "");
  assertEquals(leftOut.hiddenCount, 1);
});
