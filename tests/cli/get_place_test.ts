import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { withFolder } from "../support/folder.ts";
import { canTouchFiles } from "../support/permissions.ts";
import { FakeApp, run } from "../support/fake_cli.ts";

const ignore = !(await canTouchFiles());

/** Where a get goes, by what the library is told. */
async function placeOf(...args: readonly string[]) {
  const { app } = await run(["get", ...args]);
  return { outDir: app.got?.outDir, file: app.got?.file };
}

Deno.test(
  { name: "--out with the name of a file, for one file, means that file", ignore },
  () =>
    withFolder({ "old.bin": "x", plain: "x" }, async (dir) => {
      const at = (name: string): string => join(dir, name);
      const fileAt = (name: string) => ({ outDir: undefined, file: at(name) });
      const folderAt = (name: string) => ({ outDir: at(name), file: undefined });
      assertEquals(await placeOf("film.mkv", "--out", at("film.mkv")), fileAt("film.mkv"));
      assertEquals(await placeOf("a/film.mkv", "--out", at("other.mp4")), fileAt("other.mp4"));
      assertEquals(await placeOf("README", "--out", at("old.bin")), fileAt("old.bin"));
      assertEquals(await placeOf("a.txt", "--out", at("plain")), fileAt("plain"));
      // Folders, by what is there, by a slash, or by what they are called.
      assertEquals(await placeOf("film.mkv", "--out", dir), { outDir: dir, file: undefined });
      assertEquals(await placeOf("film.mkv", "--out", at("new.d/")), folderAt("new.d/"));
      assertEquals(await placeOf("film.mkv", "--out", at("v1.2")), folderAt("v1.2"));
      assertEquals(await placeOf("film.mkv", "--out", at("films")), folderAt("films"));
      // What may be several files.
      assertEquals(await placeOf("*.mkv", "--out", at("all.mkv")), folderAt("all.mkv"));
      assertEquals(await placeOf("photos/", "--out", at("all.mkv")), folderAt("all.mkv"));
      assertEquals(await placeOf("a.mkv", "b.mkv", "--out", at("c.mkv")), folderAt("c.mkv"));
      assertEquals(await placeOf("photos", "--out", at("all.mkv")), folderAt("all.mkv"));
    }),
);

Deno.test("a path of this machine beside a name is where it was to go", async () => {
  for (const path of ["/elsewhere/out.bin", "../out.bin"]) {
    const { code, err } = await run(["get", "x", path]);
    assertEquals(code, 2);
    assertStringIncludes(err, `hint: To say where files go: --out ${path}\n`);
  }
  assertEquals((await run(["get", "/etc/passwd"])).err.includes("--out"), false);
});

Deno.test("names that a shell has put in the place of a pattern are told to be quoted", async () => {
  const app = (names: readonly string[]) =>
    Object.assign(new FakeApp(), {
      failures: Object.fromEntries(names.map((name) => [name, "not_found" as const])),
    });
  const here = ["deno.json", "doctest.json"];
  const { err } = await run(["get", ...here], { app: app(here) });
  assertStringIncludes(err, "a pattern has to be quoted, as in get '*.json'");
  const elsewhere = ["deno.json", "not-here.json"];
  assertEquals(
    (await run(["get", ...elsewhere], { app: app(elsewhere) })).err.includes("quoted"),
    false,
  );
});
