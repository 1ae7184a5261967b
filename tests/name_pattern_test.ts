import { assert, assertEquals, assertLess } from "@std/assert";
import { namePattern } from "../lib/name_pattern.ts";

/** Those of `names` that `text` matches. */
function matched(text: string, names: string): string {
  const pattern = namePattern(text);
  assert(pattern !== undefined, `${text} is no pattern`);
  return names.split(" ").filter((name) => pattern.matches(name)).join(" ");
}

Deno.test("a star stays within a part of a name, two stars don't", () => {
  const names = "a.jpg photos/a.jpg photos/2024/a.jpg photos/.jpg photos/a.jpg.txt xphotos/a.jpg";
  assertEquals(matched("*.jpg", names), "a.jpg");
  assertEquals(matched("photos/*.jpg", names), "photos/a.jpg photos/.jpg");
  assertEquals(matched("*/*.jpg", names), "photos/a.jpg photos/.jpg xphotos/a.jpg");
  assertEquals(matched("photos/**.jpg", names), "photos/a.jpg photos/2024/a.jpg photos/.jpg");
  assertEquals(matched("**", names), names);
});

Deno.test("two stars that are a whole part are any number of folders, or none", () => {
  const names = "b.jpg a/b.jpg a/x/b.jpg a/x/y/b.jpg a/xb.jpg xa/b.jpg";
  assertEquals(matched("**/b.jpg", names), "b.jpg a/b.jpg a/x/b.jpg a/x/y/b.jpg xa/b.jpg");
  assertEquals(matched("a/**/b.jpg", names), "a/b.jpg a/x/b.jpg a/x/y/b.jpg");
  assertEquals(matched("a/**/*/b.jpg", names), "a/x/b.jpg a/x/y/b.jpg");
  assertEquals(matched("a/**", names), "a/b.jpg a/x/b.jpg a/x/y/b.jpg a/xb.jpg");
});

Deno.test("a question mark is one character, never a slash", () => {
  assertEquals(matched("a?c", "ac abc a/c a💾c abbc"), "abc a💾c");
});

Deno.test("brackets are one character of those within, never a slash", () => {
  assertEquals(matched("x[1-3b].txt", "x1.txt x3.txt xb.txt x4.txt x.txt"), "x1.txt x3.txt xb.txt");
  assertEquals(matched("x[!1-3].txt", "x1.txt x4.txt x/.txt"), "x4.txt");
  assertEquals(matched("x[^1-3].txt", "x1.txt x4.txt"), "x4.txt");
  assertEquals(matched("[]-]", "] - a"), "] -");
  assertEquals(matched("[a-]", "a - b"), "a -");
  assertEquals(matched("[!]]", "] a"), "a");
  assertEquals(matched("[*?]", "* ? a"), "* ?");
  assertEquals(matched("[💽-💿]", "💾 x"), "💾");
  // A range that runs backwards holds nothing.
  assertEquals(matched("[z-a]", "a m z"), "");
});

Deno.test("what ends with a slash is everything below a folder", () => {
  const names = "docs docs/a docs/b/c docsx/a x/docs/a";
  assertEquals(matched("docs/", names), "docs/a docs/b/c");
  assertEquals(matched("docs*/", names), "docs/a docs/b/c docsx/a");
  assertEquals(matched("**/docs/", names), "docs/a docs/b/c x/docs/a");
});

Deno.test("a file or folder of exactly this name is meant as well", () => {
  assertEquals(matched("a[1].txt", "a[1].txt a1.txt a[1].txt.txt"), "a[1].txt a1.txt");
  assertEquals(matched("[a]/", "[a]/x a/x b/x"), "[a]/x a/x");
  assertEquals(matched("what?.txt", "what?.txt whats.txt what.txt"), "what?.txt whats.txt");
});

Deno.test("other signs that shells know stand for themselves", () => {
  assertEquals(matched("{a,b}.*", "a.x {a,b}.x"), "{a,b}.x");
  assertEquals(matched("(a|b)+$^.*", "(a|b)+$^.x a.x"), "(a|b)+$^.x");
});

Deno.test("names without a sign, contents, and brackets that hold nothing are no patterns", () => {
  for (
    const text of ["a", "a/b.txt", "a[", "a]", "a[]", "a[x/y]", "sha256:*", "md5:*", "~", "{a}"]
  ) {
    assertEquals(namePattern(text), undefined, text);
  }
});

Deno.test("stars are rare in names, brackets are not", () => {
  const isLikely = (text: string) => namePattern(text)?.isLikelyName;
  assertEquals(["Film [1080p].mkv", "*.mkv", "a?", "[a]/"].map(isLikely), [
    true,
    false,
    false,
    false,
  ]);
});

Deno.test("a name that is made to keep a pattern busy does not", () => {
  const pattern = namePattern("*a*b*c*a*b*c*a*b*.jpg")!;
  const started = performance.now();
  for (let i = 0; i < 100; i++) assert(!pattern.matches("abc".repeat(85)));
  assertLess(performance.now() - started, 2_000);
});
