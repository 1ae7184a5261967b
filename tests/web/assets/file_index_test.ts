import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { type FileEntry, FileIndex, type Query } from "../../../lib/web/assets/file_index.js";

const TOP: Query = { folder: "", text: "", sort: "name", descending: false };

Deno.test("a folder shows its folders with all that is below them, then its files", () => {
  const index = indexOf(["b.txt", "docs/a.txt", "docs/deep/er/x", "docs2/y", "a.txt"]);
  const rows = index.find(TOP).slice(0, 10);
  assertEquals(rows.map(({ name, files }) => [name, files]), [
    ["docs/", 2],
    ["docs2/", 1],
    ["a.txt", undefined],
    ["b.txt", undefined],
  ]);
  assertEquals(rows[0]?.size, 2);
  assertEquals(names(index, { ...TOP, folder: "docs/" }), ["docs/deep/", "docs/a.txt"]);
  assertEquals(names(index, { ...TOP, folder: "no/" }), []);
});

Deno.test("names are ordered as people count: 2 before 10", () => {
  const index = indexOf(["10.txt", "2.txt", "1.txt"]);
  assertEquals(names(index, TOP), ["1.txt", "2.txt", "10.txt"]);
  assertEquals(names(index, { ...TOP, descending: true }), ["10.txt", "2.txt", "1.txt"]);
});

Deno.test("a search finds all words anywhere in a name, whatever their case and accents", () => {
  const index = indexOf(["Fotos/Übung 1.JPG", "fotos/other.png", "notes.txt", "e\u0301tude.ogg"]);
  const found = (text: string): string[] => names(index, { ...TOP, text });
  assertEquals(found("ubung"), ["Fotos/Übung 1.JPG"]);
  assertEquals(found("FOTOS"), ["fotos/other.png", "Fotos/Übung 1.JPG"]);
  assertEquals(found("  jpg fotos "), ["Fotos/Übung 1.JPG"]);
  assertEquals(found("étude"), ["e\u0301tude.ogg"]);
  assertEquals(found("fotos notes"), []);
  // The end of one name and the beginning of the next are no name.
  assertEquals(found("pngnotes"), []);
});

Deno.test("a pattern is that of the last component, or of the path where it has a slash", () => {
  const index = indexOf(["a/one.png", "a/two.jpg", "png/three.txt"]);
  const found = (text: string): string[] => names(index, { ...TOP, text });
  assertEquals(found("*.png"), ["a/one.png"]);
  assertEquals(found("t??.jpg"), ["a/two.jpg"]);
  assertEquals(found("a/*"), ["a/one.png", "a/two.jpg"]);
  assertEquals(found("*"), ["a/one.png", "a/two.jpg", "png/three.txt"]);
});

Deno.test("a search is in the folder that is shown", () => {
  const index = indexOf(["a/x.txt", "a!/x.txt", "a0/x.txt", "ab/x.txt", "x.txt"]);
  assertEquals(names(index, { ...TOP, folder: "a/", text: "x" }), ["a/x.txt"]);
});

Deno.test("what is found is the same as by looking at each file, in the same order", () => {
  const word = fc.constantFrom("a", "b", "ab", "B", "ä", "/", "0", " ", ".", "!");
  const name = fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(""))
    .map((text) => text.split("/").filter((part) => part !== "").join("/") || "x");
  const file = fc.record({ name, size: fc.nat(3), mtimeMs: fc.nat(3) });
  const query = fc.record({
    text: fc.array(fc.constantFrom("a", "b", "ab", "A"), { minLength: 1, maxLength: 2 })
      .map((words) => words.join(" ")),
    sort: fc.constantFrom("name" as const, "size" as const, "time" as const),
    descending: fc.boolean(),
    folder: fc.constantFrom("", "a/", "ab/"),
  });
  fc.assert(
    fc.property(fc.uniqueArray(file, { selector: (each) => each.name }), query, (files, asked) => {
      const sorted = files.toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const index = new FileIndex();
      index.add(sorted.slice(0, 2));
      index.add(sorted.slice(2));
      const found = index.find(asked).slice(0, files.length + 1);
      assertEquals(found.map((each) => each.name), plainly(sorted, asked));
    }),
  );
});

Deno.test("many files come in the same order as few, in whatever pages they arrived", () => {
  const files = Array.from(
    { length: 3_000 },
    (_, n) => file(`${n * 7919 % 3001} f${n % 7}`, n % 50),
  )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const asked: Query = { folder: "", text: "f", sort: "size", descending: true };
  const index = new FileIndex();
  for (let at = 0; at < files.length; at += 700) {
    index.add(files.slice(at, at + 700));
    index.find(asked);
  }
  const found = index.find(asked).slice(0, 4_000).map(({ name }) => name);
  assertEquals(found, plainly(files, asked));
});

Deno.test("a search of 100,000 names looks at each once", () => {
  const index = new FileIndex();
  index.add(Array.from({ length: 100_000 }, (_, n) => file(`f${String(n).padStart(6, "0")}`)));
  assertEquals(index.find({ ...TOP, text: "f099999" }).slice(0, 9).map(({ name }) => name), [
    "f099999",
  ]);
  assertEquals(index.find({ ...TOP, text: "f" }).count, 100_000);
  assertEquals(index.find({ ...TOP, text: "*9999?" }).count, 10);
});

/** The same by the plainest means. */
function plainly(files: readonly FileEntry[], { folder, text, sort, descending }: Query): string[] {
  const plain = (name: string): string =>
    name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const words = plain(text).split(" ");
  const found = files.filter(({ name }) =>
    name.startsWith(folder) && words.every((word) => plain(name).includes(word))
  );
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  const key = ({ size, mtimeMs }: FileEntry): number =>
    sort === "size" ? size : sort === "time" ? mtimeMs : 0;
  found.sort((a, b) => key(a) - key(b) || compare(a.name, b.name) || (a.name < b.name ? -1 : 1));
  return (descending ? found.reverse() : found).map(({ name }) => name);
}

function file(name: string, size = 1): FileEntry {
  return { name, size, mtimeMs: 0 };
}

function indexOf(all: readonly string[]): FileIndex {
  const index = new FileIndex();
  index.add(all.toSorted().map((name) => file(name)));
  return index;
}

function names(index: FileIndex, query: Query): string[] {
  return index.find(query).slice(0, 100).map(({ name }) => name);
}
