/** Paths below a folder are those that `join` makes. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { FolderPaths } from "../lib/folder_paths.ts";

for (const folder of [".", "", "/", "a", "a/", "./a/../b", "/a//b", "..", "C:/x", "a b/ü"]) {
  Deno.test(`names below '${folder}' have the paths that join gives them`, () => {
    const paths = new FolderPaths(folder);
    for (const name of ["x", "a/b", "ü/ ö", "...", "a:b/c.d"]) {
      assertEquals(paths.of(name), join(folder, name));
    }
  });
}
