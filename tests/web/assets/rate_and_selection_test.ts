import { assertEquals } from "@std/assert";
import { RateMeter } from "../../../lib/web/assets/rate_meter.js";
import { Selection } from "../../../lib/web/assets/selection.js";

Deno.test("a rate is right from the first second, and forgets what is long past", () => {
  const meter = new RateMeter();
  meter.start(0, 500);
  assertEquals([meter.rate, meter.secondsFor(10)], [0, undefined]);
  meter.sample(1_000, 1_500);
  assertEquals(Math.round(meter.rate), 1_000);
  assertEquals(Math.round(meter.secondsFor(5_000) ?? 0), 5);
  for (let second = 2; second < 30; second++) meter.sample(second * 1_000, 1_500 + second * 10);
  assertEquals(Math.round(meter.rate), 10);
});

Deno.test("a selection knows what it weighs, and takes no more than a request can name", () => {
  const selection = new Selection();
  const row = (name: string) => ({ name, size: 2, mtimeMs: 0 });
  selection.toggle(row("a"));
  selection.toggle(row("b"));
  selection.toggle(row("a"));
  assertEquals([selection.names, selection.bytes, selection.has("a")], [["b"], 2, false]);
  const many = Array.from({ length: 10_001 }, (_, n) => row(String(n)));
  assertEquals(selection.add(many), false);
  assertEquals(selection.count, 10_000);
  selection.clear();
  const long = Array.from({ length: 2_000 }, (_, n) => row(`${n} ${"ü".repeat(100)}`));
  assertEquals(selection.add(long), false);
  const form = new URLSearchParams(selection.names.map((name) => ["name", name]));
  assertEquals(form.toString().length <= 1_000_000, true);
  assertEquals(selection.count > 1_000, true);
});
