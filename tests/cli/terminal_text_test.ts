import { assertEquals } from "@std/assert";
import { clip, fit, textColumns } from "../../lib/cli/terminal_text.ts";

Deno.test("columns are those of a terminal, not of a string", () => {
  assertEquals(textColumns("plain"), 5);
  assertEquals(textColumns("日本"), 4);
  assertEquals(textColumns("e\u0301"), 1);
  assertEquals(textColumns("🦈"), 2);
});

Deno.test("clipping never takes more columns than there are", () => {
  assertEquals(clip("plain", 5), "plain");
  assertEquals(clip("plain", 4), "pla…");
  assertEquals(clip("日本語", 4), "日…");
  assertEquals(clip("plain", 1), "…");
  assertEquals(clip("plain", 0), "");
  assertEquals(clip("plain", -3), "");
});

Deno.test("fitting fills what clipping leaves", () => {
  assertEquals(fit("ab", 4), "ab  ");
  assertEquals(fit("日本語", 4), "日… ");
});
