import { assertEquals } from "@std/assert";
import { clockText, durationText, parseRate, parseSize } from "../../lib/cli/units.ts";
import { sizeText } from "../../lib/sizes.ts";

Deno.test("sizes are shown with three digits at most", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 B"],
    [999, "999 B"],
    [1000, "1.0 kB"],
    [1449, "1.4 kB"],
    [99_949, "99.9 kB"],
    [99_950, "100 kB"],
    // Would be 1000 kB if the unit were chosen before rounding.
    [999_499, "999 kB"],
    [999_500, "1.0 MB"],
    [4_194_304, "4.2 MB"],
    [16 * 2 ** 40, "17.6 TB"],
    [5e15, "5000 TB"],
  ];
  for (const [bytes, text] of cases) assertEquals(sizeText(bytes), text);
});

Deno.test("durations change their form where the next one reads better", () => {
  assertEquals(durationText(0), "0.00 s");
  assertEquals(durationText(0.314), "0.31 s");
  assertEquals(durationText(12.34), "12.3 s");
  assertEquals(durationText(59.96), "1:00");
  assertEquals(durationText(245), "4:05");
  assertEquals(clockText(3723), "1:02:03");
  assertEquals(clockText(59.6), "1:00");
});

Deno.test("a rate is read in bits or bytes, decimal or binary", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["80mbit", 10_000_000],
    ["80Mbit/s", 10_000_000],
    ["8bit", 1],
    ["10MB", 10_000_000],
    ["10 MB/s", 10_000_000],
    ["1.5MiB", 1_572_864],
    ["1gbit", 125_000_000],
    ["1Mbps", 1_000_000],
  ];
  for (const [text, bytes] of cases) assertEquals(parseRate(text), bytes, text);
});

Deno.test("a rate without a unit, of nothing, or of nonsense is refused", () => {
  for (const text of ["", "0", "80", "0mbit", "7bit", "-1MB", "80parsec", "1e9bit", "NaNMB"]) {
    assertEquals(parseRate(text), undefined, text);
  }
});

Deno.test("a size is read with or without a unit, but not in bits or a second", () => {
  assertEquals(parseSize("512"), 512);
  assertEquals(parseSize("4MiB"), 4 * 2 ** 20);
  assertEquals(parseSize("10 kB"), 10_000);
  assertEquals(parseSize("0"), 0);
  for (const text of ["", "4mbit", "4MB/s", "-1", "four", "99999999999TiB"]) {
    assertEquals(parseSize(text), undefined, text);
  }
});
