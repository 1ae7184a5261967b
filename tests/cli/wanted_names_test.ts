import { assertEquals, assertStringIncludes } from "@std/assert";
import { checkWanted } from "../../lib/cli/wanted_names.ts";
import { ShoalError } from "../../lib/errors.ts";

const HEX = "0123456789abcdef".repeat(4);

function problemOf(names: readonly string[], sha256?: string): string | undefined {
  try {
    checkWanted(names, sha256);
  } catch (thrown) {
    if (!(thrown instanceof ShoalError)) throw thrown;
    assertEquals(thrown.exitCode, 2);
    return thrown.message;
  }
  return undefined;
}

Deno.test("plain names, folders and contents are accepted", () => {
  assertEquals(problemOf(["a.txt", "b/c.txt", "name with spaces", "…"]), undefined);
  assertEquals(
    problemOf([`sha256:${HEX}`, `sha256:${HEX.toUpperCase().replace("A", "B")}`]),
    undefined,
  );
  assertEquals(problemOf(["a.txt"], HEX), undefined);
});

Deno.test("names that could leave the folder or upset a terminal are refused with the reason", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["../x", ". or .."],
    ["a/../x", ". or .."],
    ["/etc/passwd", "start with a slash"],
    ["a\0b", "control character"],
    ["a\nb", "control character"],
    ["a\\b", "backslash"],
    ["a//b", "two slashes"],
    ["C:x", "drive letter"],
    ["nul", "device"],
    ["x".repeat(5000), "too long"],
    ["x".repeat(256), "too long"],
  ];
  for (const [name, part] of cases) assertStringIncludes(problemOf([name]) ?? "accepted", part);
});

Deno.test("a refused name is shown escaped and shortened", () => {
  assertStringIncludes(problemOf(["a\u001b[2J/.."]) ?? "", "a\\u{1b}[2J");
  assertEquals((problemOf(["x".repeat(5000)]) ?? "").length < 120, true);
});

Deno.test("patterns are accepted, and refused for what would be no name either", () => {
  assertEquals(problemOf(["photos/*.jpg", "docs/", "**", "a[1].txt", "docs/x", "*"]), undefined);
  assertStringIncludes(problemOf(["../*.jpg"]) ?? "", ". or ..");
  assertStringIncludes(problemOf(["././docs/"]) ?? "", ". or ..");
  assertStringIncludes(problemOf(["docs//"]) ?? "", "two slashes");
  assertStringIncludes(problemOf(["/"]) ?? "", "empty");
  assertStringIncludes(problemOf(["/photos/*"]) ?? "", "start with a slash");
  assertStringIncludes(problemOf(["*.jpg", "*.jpg"]) ?? "", "named twice");
});

Deno.test("a name beside a content that is given is no pattern", () => {
  assertEquals(problemOf(["a[1].txt"], HEX), undefined);
  assertStringIncludes(problemOf(["docs/"], HEX) ?? "", "end with one");
});

Deno.test("one name twice, or two names that need one path, are refused", () => {
  assertStringIncludes(problemOf(["a", "b", "a"]) ?? "", "a is named twice");
  assertStringIncludes(
    problemOf(["x/a/b", "x/a"]) ?? "",
    "x/a would be both a file and the folder",
  );
  assertEquals(problemOf(["x/a", "y/a", "x/ab", "README", "readme"]), undefined);
});

Deno.test("a content is 8 to 64 hexadecimal digits, and is said once", () => {
  assertStringIncludes(problemOf(["sha256:abc"]) ?? "", "8 to 64 hexadecimal digits");
  for (const digits of [HEX, HEX.slice(0, 8)]) {
    assertEquals(problemOf([`sha256:${digits}`]), undefined);
    assertEquals(problemOf(["a"], digits), undefined);
  }
  assertStringIncludes(problemOf(["sha256:1234567"]) ?? "", "8 to 64 hexadecimal digits");
  assertStringIncludes(problemOf([`sha256:${HEX}`], HEX) ?? "", "same thing twice");
  assertStringIncludes(problemOf(["a", "b"], HEX) ?? "", "for one name");
});

Deno.test("./ before a name says that it is one", () => {
  const names = ["./-x", "./sha256:notes", "./md5:notes", "./docs/", "./*.jpg", "./--json"];
  assertEquals(problemOf(names), undefined);
  assertStringIncludes(problemOf(["./"]) ?? "", "empty");
  assertStringIncludes(problemOf(["./../x"]) ?? "", ". or ..");
  assertStringIncludes(problemOf(["a", "./a"]) ?? "", "named twice");
  assertStringIncludes(problemOf(["sha256:notes"]) ?? "", "8 to 64 hexadecimal digits");
});
