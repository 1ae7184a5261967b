import { assert, assertEquals } from "@std/assert";
import type { Disk } from "../../../lib/io/files/disk.ts";
import { WrittenFiles } from "../../../lib/io/files/written_files.ts";
import { foldingDisk } from "../../support/folding_disk.ts";
import { MemoryDisk } from "../../sim/memory_disk.ts";

function put(disk: Disk, ...paths: readonly string[]): void {
  for (const path of paths) {
    disk.makeFolder(path.slice(0, path.lastIndexOf("/")) || "/");
    disk.create(path)?.close();
  }
}

for (const makesInodesUp of [false, true]) {
  const what = makesInodesUp ? "whose inode numbers are made up" : "that folds names";
  Deno.test(`a file of the run is known by each of its names on a disk ${what}`, () => {
    const disk = foldingDisk({ makesInodesUp });
    const written = new WrittenFiles(disk);
    put(disk, "/out/Docs/README", "/out/caf\u00e9.txt", "/out/other");
    written.add("/out/Docs/README");
    written.add("/out/caf\u00e9.txt");
    for (const path of ["/out/Docs/README", "/out/docs/readme", "/out/cafe\u0301.txt"]) {
      assert(written.holds(path), path);
    }
    assert(!written.holds("/out/other"), "what the run has not written");
    assert(!written.holds("/out/Docs/nothing"), "what is not there");
  });
}

Deno.test("on a disk that tells names apart, a name's twin is another file", () => {
  const disk = new MemoryDisk({ writeMs: 0 }, { onWrite() {}, onNamed() {} });
  const written = new WrittenFiles(disk);
  put(disk, "/out/README", "/out/readme", "/out/Sub/a", "/out/sub/a");
  written.add("/out/README");
  written.add("/out/Sub/a");
  assertEquals(["/out/README", "/out/readme", "/out/sub/a"].map((path) => written.holds(path)), [
    true,
    false,
    false,
  ]);
});

Deno.test("what took the place of a file that is gone is none of the run's", () => {
  const disk = foldingDisk();
  const written = new WrittenFiles(disk);
  put(disk, "/out/README");
  written.add("/out/README");
  disk.remove("/out/README");
  assert(!written.holds("/out/README"));
  assert(!written.holds("/out/readme"));
});
