/** What holds for names whatever strangers call their files: none leaves a folder or moves a cursor. */
import { assert, assertEquals } from "@std/assert";
import { posix, win32 } from "node:path";
import * as fc from "fast-check";
import { NAME_BYTES_MAX, NAME_COMPONENT_BYTES_MAX } from "../lib/limits.ts";
import { namePattern } from "../lib/name_pattern.ts";
import { unmarked } from "../lib/marked_name.ts";
import { baseName, displayName, parseFileName, parseFileNameBytes } from "../lib/names.ts";
import { bytes, fileName, hostileText, property } from "./support/arbitraries.ts";

const utf8 = new TextEncoder();
const CONTROL_OR_BIDI = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/u;
/** With or without an extension, Windows takes these for devices: spaces and dots before it count for nothing. */
const DEVICE = /^(con|prn|aux|nul|com[0-9]|lpt[0-9]|conin\$|conout\$)[ .]*([.:].*)?$/i;

function assertSafe(text: string): void {
  const home = { posix: "/srv/files", windows: "D:\\files" };
  const path = posix.resolve(home.posix, text);
  assertEquals(path, `${home.posix}/${text}`, "something in it was not a part of a path");
  assertEquals(posix.relative(home.posix, path), text);
  assert(win32.resolve(home.windows, text).startsWith(`${home.windows}\\`), text);
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u001f\u007f-\u009f\\]/.test(text), "a control character or a backslash");
  assert(text.isWellFormed());
  assert(utf8.encode(text).length <= NAME_BYTES_MAX);
  for (const part of text.split("/")) {
    assert(part !== "" && part !== "." && part !== "..");
    assert(utf8.encode(part).length <= NAME_COMPONENT_BYTES_MAX);
    assert(!DEVICE.test(part), `${part} is a device`);
  }
}

property("a name that is taken stays inside any folder that it is joined to", [
  fc.oneof(hostileText, fileName, fc.tuple(hostileText, hostileText).map((both) => both.join("/"))),
], (text) => {
  const parsed = parseFileName(text);
  if (!parsed.ok) return;
  assertEquals<string>(parsed.name, text, "a name is taken as it stands or not at all");
  assertSafe(parsed.name);
  assertEquals(parseFileNameBytes(utf8.encode(text)), parsed);
  assertEquals<string>(baseName(parsed.name), posix.basename(text));
}, 3_000);

property("raw bytes are a safe name or none", [
  fc.oneof(bytes(30), hostileText.map((text) => utf8.encode(text)), bytes(1_100, 1_020)),
], (raw) => {
  const parsed = parseFileNameBytes(raw);
  if (!parsed.ok) return;
  assertSafe(parsed.name);
  assertEquals(utf8.encode(parsed.name), Uint8Array.from(raw), "each name has one spelling");
}, 1_000);

property("no more and no fewer bytes than the limits", [
  fc.constantFrom("x", "é", "日", "👍"),
  fc.integer({ min: -2, max: 2 }),
], (character, more) => {
  const each = utf8.encode(character).length;
  const count = Math.floor(NAME_COMPONENT_BYTES_MAX / each) + more;
  assertEquals(
    parseFileName(character.repeat(count)).ok,
    each * count <= NAME_COMPONENT_BYTES_MAX,
  );
  const parts = Array.from({ length: 8 }, () => "y".repeat(127)).join("/").slice(0, 1_022 + more);
  const whole = `${parts}/${"z".repeat(1)}`;
  assertEquals(parseFileName(whole).ok, utf8.encode(whole).length <= NAME_BYTES_MAX);
});

property("what is shown moves no cursor and reorders no line, and is otherwise what it was", [
  hostileText,
], (text) => {
  const shown = displayName(text);
  assert(!CONTROL_OR_BIDI.test(shown), JSON.stringify(shown));
  assertEquals(displayName(shown), shown);
  if (/^[\u0020-\u007e\u00c0-\u024f]*$/.test(text)) assertEquals(shown, text);
}, 1_000);

const GLOB_PARTS = ["*", "**", "?", "[", "]", "[!", "[a-z]", "[]-]", "/", "a", "b", ".", "-", "👍"];
const glob = fc.oneof(
  fc.array(fc.constantFrom(...GLOB_PARTS), { maxLength: 20 }).map((parts) => parts.join("")),
  hostileText,
);

property("any text is a pattern or none, and any name matches it or not", [glob, hostileText], (
  text,
  name,
) => {
  const pattern = namePattern(text);
  if (pattern === undefined) return;
  const meant = unmarked(text);
  if (pattern.matches(name)) assert(name === meant || name.startsWith(pattern.prefix));
  assert(
    pattern.matches(meant.endsWith("/") ? `${meant}x` : meant),
    "what it says itself is meant",
  );
}, 2_000);

property("the longest pattern and the longest name take a moment", [
  fc.constantFrom("*", "**/", "?*", "[!x]*", "*a", "**a"),
  fc.constantFrom("a", "a/", "ab", "/"),
], (part, unit) => {
  const text = part.repeat(256).slice(0, 255) + "Z";
  const startedMs = performance.now();
  namePattern(text)?.matches(unit.repeat(NAME_BYTES_MAX).slice(0, NAME_BYTES_MAX));
  assert(performance.now() - startedMs < 2_000);
}, 8);
