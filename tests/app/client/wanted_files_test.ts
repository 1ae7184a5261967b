import { assertEquals, assertThrows } from "@std/assert";
import {
  type Wanted,
  wantedFiles,
  wantedWithoutListing,
} from "../../../lib/app/client/wanted_files.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { NAMES_PER_GET_MAX } from "../../../lib/app/limits.ts";
import { namePattern } from "../../../lib/name_pattern.ts";

function wantedOf(text: string): Wanted[] {
  return text.split(" ").map((each) => namePattern(each) ?? each);
}

/** Names that are fetched, and `name: code` of those that are not. */
function itemsOf(text: string, listed: string): string {
  const { items } = wantedFiles(
    wantedOf(text),
    listed.split(" "),
    (name) => !name.startsWith("sha256:"),
  );
  return items.map((item) => typeof item === "string" ? item : `${item.name}=${item.code}`).join(
    " ",
  );
}

Deno.test("files stand where they were named first, and are fetched once", () => {
  assertEquals(itemsOf("z *.txt a.txt b*", "a.txt b.txt c/d.txt"), "z b.txt a.txt");
  assertEquals(itemsOf("* **", "a b/c"), "a b/c");
});

Deno.test("a pattern that matches nothing fails alone", () => {
  assertEquals(itemsOf("*.jpg a docs/ x/", "a x/y"), "*.jpg=not_found a docs/=not_found x/y");
  const { items, notices } = wantedFiles(wantedOf("*.jpg a*"), ["a"], () => true);
  assertEquals(items[0], {
    event: "failed",
    name: "*.jpg",
    code: "not_found",
    message: "no offered file matches '*.jpg'",
    hint: "Run `list` to see what is offered.",
  });
  assertEquals(notices.map(({ level, message }) => [level, message]), [
    ["verbose", "'a*' matches 1 file"],
  ]);
});

Deno.test("of a file and a folder of one name the file fails, unless it was named itself", () => {
  assertEquals(itemsOf("**", "a a/b a/c x"), "a=busy_target a/b a/c x");
  assertEquals(itemsOf("** a", "a a/b a/c x"), "a/b=busy_target a/c=busy_target x a");
  assertEquals(itemsOf("a/b *", "a a/b x"), "a/b a=busy_target x");
});

Deno.test("names that cannot be asked for fail alone", () => {
  assertEquals(itemsOf("*", "ok nul"), "ok nul=bad_name");
  assertEquals(itemsOf("**", "ok ../x"), "ok ../x=bad_name");
});

Deno.test("a file that is named like a content is asked for as a name", () => {
  assertEquals(itemsOf("*", "ok sha256:0"), "ok ./sha256:0");
  assertEquals(itemsOf("./sha256:0 *", "ok sha256:0"), "./sha256:0 ok");
  assertEquals(itemsOf("sha256:0 *", "ok sha256:0"), "sha256:0 ok ./sha256:0");
  assertEquals(itemsOf("./sha256:*", "ok sha256:0"), "./sha256:0");
});

Deno.test("more files than one run takes are refused", () => {
  const listed = Array.from({ length: NAMES_PER_GET_MAX }, (_, i) => `f${i}`);
  assertEquals(wantedFiles(wantedOf("f*"), listed, () => true).items.length, NAMES_PER_GET_MAX);
  assertThrows(() => wantedFiles(wantedOf("f* g"), listed, () => true), ShoalError, "at most");
});

Deno.test("without a listing stars fail as it did, and names with brackets are searched for", () => {
  const error = new ShoalError("no_server", "no server answered");
  const { items } = wantedWithoutListing(
    wantedOf("a *.jpg b[1].txt docs/ ./sha256:[0]"),
    error,
    (name) => !name.startsWith("sha256:"),
  );
  assertEquals(
    items.map((item) => typeof item === "string" ? item : `${item.name}=${item.code}`),
    ["a", "*.jpg=no_server", "b[1].txt", "docs/=no_server", "./sha256:[0]"],
  );
});
