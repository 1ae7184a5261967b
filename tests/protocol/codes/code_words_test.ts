import { assert, assertEquals } from "@std/assert";
import { codeFor, readCode } from "../../../lib/protocol/codes/code_words.ts";

const all = Array.from({ length: 256 }, (_, i) => codeFor(7, [i, i]).text.split("-").slice(1));

Deno.test("a code is a number and two words of lower-case letters, and each drawing is another one", () => {
  for (const [first, second] of all) {
    assert(/^[a-z]{3,}$/.test(first!) && /^[a-z]{3,}$/.test(second!), `${first} ${second}`);
  }
  for (const position of [0, 1]) {
    assertEquals(new Set(all.map((words) => words[position])).size, 256);
  }
  const [firsts, seconds] = [0, 1].map((position) => new Set(all.map((words) => words[position])));
  assertEquals([...firsts!].filter((word) => seconds!.has(word)), []);
});

Deno.test("every code is read back as itself, however it is written", () => {
  for (let i = 0; i < 256; i++) {
    const code = codeFor(1 + i, [i, 255 - i]);
    assertEquals(readCode(code.text), { kind: "code", code });
    const [number, first, second] = code.text.split("-");
    for (
      const typed of [
        ` 0${number} ${first!.toUpperCase()}  ${second}\n`,
        `${number}-${first} ${second}`,
      ]
    ) {
      assertEquals(readCode(typed), { kind: "code", code }, typed);
    }
  }
});

Deno.test("a word that is in no list is told with those that it is like, and words in the wrong order as well", () => {
  assertEquals(readCode("7-guidence-apollo"), {
    kind: "typo",
    position: 1,
    near: ["guidance"],
  });
  assertEquals(readCode("7-guidance-apolo"), { kind: "typo", position: 2, near: ["apollo"] });
  const swapped = readCode("7-apollo-guidance", true);
  assertEquals(swapped.kind === "typo" && swapped.position, 1);
  // Both wrong, each near to one.
  assertEquals(readCode("7-guidence-apolo").kind, "typo");
});

Deno.test("no slip of one letter makes another code of it", () => {
  const lists = [0, 1].map((position) => new Set(all.map((words) => words[position]!)));
  for (const list of lists) {
    for (const word of list) {
      for (let at = 0; at < word.length; at++) {
        const without = word.slice(0, at) + word.slice(at + 1);
        assert(!list.has(without), without);
        for (const letter of "abcdefghijklmnopqrstuvwxyz") {
          const other = word.slice(0, at) + letter + word.slice(at + 1);
          assert(other === word || !list.has(other), `${word} ${other}`);
        }
      }
    }
  }
});

Deno.test("names of files are no codes, unless one of their words could be a code's", () => {
  for (
    const name of [
      ...[
        "example.txt",
        "2024-annual-report",
        "7-annual-report",
        "7-guidance",
        "photos/7-guidance-apollo",
      ],
      ...[
        "7-guidance-apollo.txt",
        "1000-guidance-apollo",
        "0-guidance-apollo",
        "./7-guidance-apollo",
        "",
      ],
      "7-guidance-apollo-x",
    ]
  ) assertEquals(readCode(name).kind, "none", name);
  // Who says that it is a code is told which word is wrong.
  assertEquals(readCode("7-annual-report", true).kind, "typo");
});
