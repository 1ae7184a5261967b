import { assertEquals } from "@std/assert";
import { clockText as ownClockText, rateText as ownRateText } from "../../../lib/cli/units.ts";
import { displayName } from "../../../lib/names.ts";
import {
  baseName,
  clockText,
  countText,
  dateText,
  folderOf,
  percentText,
  rateText,
  shownName,
  urlPath,
} from "../../../lib/web/assets/format.js";

Deno.test("sizes, rates and times read on the page as on a terminal", () => {
  for (const value of [0, 1, 999, 999.6, 1_000, 99_950, 123_456, 999_499, 2.5e9, 7e12, 9e15]) {
    assertEquals(rateText(value), ownRateText(value));
  }
  for (const seconds of [0, 1, 59.4, 59.6, 61, 3_599, 3_600, 90_061]) {
    assertEquals(clockText(seconds), ownClockText(seconds));
  }
  assertEquals(clockText(undefined), "–");
  assertEquals(clockText(Infinity), "–");
});

Deno.test("a name shows on the page what it shows on a terminal, and hides nothing", () => {
  for (
    const name of ["a.txt", "a\u202egnp.exe", "zero\u200bwidth", "line\nbreak", "café", "\ud800"]
  ) {
    assertEquals(shownName(name), displayName(name));
  }
});

Deno.test("a name is the path of a URL, component by component", () => {
  assertEquals(urlPath("a b/ü?#%.txt"), "a%20b/%C3%BC%3F%23%25.txt");
  assertEquals(urlPath("folder/"), "folder/");
  const name = "\"'<script>&\u202e.svg";
  assertEquals(
    decodeURIComponent(new URL(`/files/${urlPath(name)}`, "http://h").pathname),
    `/files/${name}`,
  );
});

Deno.test("folders and what is in them are told apart", () => {
  assertEquals(["a/b/c.txt", "c.txt", "a/b/"].map(baseName), ["c.txt", "c.txt", "b"]);
  assertEquals(["a/b/c.txt", "c.txt", "a/b/"].map(folderOf), ["a/b/", "", "a/"]);
});

Deno.test("a share is not all before it is", () => {
  assertEquals(percentText(999, 1_000), "99 %");
  assertEquals(percentText(1_000, 1_000), "100 %");
  assertEquals(percentText(0, 0), "100 %");
});

Deno.test("counts have their plural, and a time that is none shows as nothing", () => {
  assertEquals([countText(1, "file"), countText(12_345, "file")], ["1 file", "12,345 files"]);
  assertEquals(dateText(NaN), "");
  assertEquals(dateText(new Date(2026, 10, 9, 7, 5).getTime()), "2026-11-09 07:05");
});
