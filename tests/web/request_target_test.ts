import { assertEquals } from "@std/assert";
import type { SafeFileName } from "../../lib/ids.ts";
import { encodedName, namedTarget } from "../../lib/web/request_target.ts";

Deno.test("a path is a name, percent-encoded once; with a slash at its end, a folder", () => {
  const file = (name: string) => ({ kind: "file", name: name as SafeFileName } as const);
  assertEquals(namedTarget("a.txt"), file("a.txt"));
  assertEquals(namedTarget("a%20b/c%25d.txt"), file("a b/c%d.txt"));
  assertEquals(namedTarget("%E2%82%ac.txt"), file("€.txt"));
  assertEquals(namedTarget("a+b"), file("a+b"));
  assertEquals(namedTarget("photos/"), { kind: "folder", name: "photos" as SafeFileName });
  assertEquals(namedTarget(""), { kind: "folder", name: undefined });
});

const NOT_NAMES = [
  ...["..", "../a", "a/../b", "%2e%2e/a", "%2E%2E%2Fa", "..%2fa", "a/./b", ".", "./"],
  ...["%00", "a%00b", "a%0ab", "%c2%85", "a%5cb", "..%5c..%5ca", "a\\b"],
  ...["/a", "//", "a//b", "%2fetc/passwd", "a%2Fb", "C:/a", "c%3a/a", "con", "a/NUL.txt"],
  ...["%", "%2", "%zz", "%c0%ae%c0%ae/a", "%ff", "%ed%a0%80", "%e2%82"],
  "a".repeat(5_000),
];
for (const path of NOT_NAMES) {
  Deno.test(`${JSON.stringify(path.slice(0, 30))} is the name of nothing`, () => {
    assertEquals(namedTarget(path), undefined);
  });
}

Deno.test("a name comes back out of a link to it", () => {
  for (
    const name of ["a b/c", "ü€😀", "%41", "a'b\"c<d>&e", "a?b#c", "(!*)", "a;b=c", "\u202etxt"]
  ) {
    assertEquals(namedTarget(encodedName(name)), { kind: "file", name: name as SafeFileName });
    assertEquals(/^[\w.~%/-]*$/.test(encodedName(name)), true, encodedName(name));
  }
});
