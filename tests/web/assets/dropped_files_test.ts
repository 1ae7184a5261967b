import { assertEquals, assertRejects } from "@std/assert";
import { chosenFiles, droppedFiles } from "../../../lib/web/assets/dropped_files.js";

/** An entry as browsers have them for what is dropped: a file, or a folder that is read a few at a time. */
type Entry = ReturnType<typeof fileEntry> | ReturnType<typeof folderEntry>;

Deno.test("folders are walked to their ends, and files know the way to them", async () => {
  const many = Array.from({ length: 250 }, (_, at) => fileEntry(`/d/m/${at}`));
  const found = await droppedFiles(
    transferOf([
      folderEntry("/d", [fileEntry("/d/a"), folderEntry("/d/m", many), folderEntry("/d/none", [])]),
      fileEntry("/b"),
    ]),
  );
  const names = found.map(({ name }) => name);
  assertEquals([names.length, names[0], names.at(-1)], [252, "d/a", "b"]);
  assertEquals(names.slice(1, 251), many.map(({ fullPath }) => fullPath.slice(1)));
  assertEquals(await found[0]?.file.text(), "/d/a");
});

Deno.test("a file that cannot be read any more is a failure, and not left out", async () => {
  const broken = {
    ...fileEntry("/a"),
    file: (_: unknown, no: (error: Error) => void) => no(new Error("gone")),
  };
  await assertRejects(() => droppedFiles(transferOf([broken])), Error, "gone");
});

Deno.test("where there are no entries, the files are taken as they are", async () => {
  const plain = { items: [{ webkitGetAsEntry: () => null }], files: [new File(["x"], "x")] };
  assertEquals((await droppedFiles(plain)).map(({ name }: { name: string }) => name), ["x"]);
});

Deno.test("the files of a chosen folder have the folder before their names", () => {
  const file = Object.assign(new File([""], "a"), { webkitRelativePath: "d/a" });
  assertEquals(chosenFiles([file, new File([""], "b")]).map(({ name }) => name), ["d/a", "b"]);
});

function transferOf(entries: readonly Entry[]) {
  return { items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })), files: [] };
}

function fileEntry(fullPath: string) {
  return {
    ...{ isDirectory: false, fullPath },
    file: (yes: (file: File) => void, _no: (error: Error) => void) =>
      yes(new File([fullPath], "f")),
  };
}

function folderEntry(fullPath: string, entries: readonly object[]) {
  const left = [...entries];
  return {
    ...{ isDirectory: true, fullPath },
    createReader: () => ({
      readEntries: (yes: (some: readonly object[]) => void) => yes(left.splice(0, 100)),
    }),
  };
}
