import { assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { zipEnd, zipEntry, zipFileHead, zipFileTail, zippedBytes } from "../../lib/wire/zip.ts";
import { withFolder } from "../support/folder.ts";
import { canRun, canTouchFiles } from "../support/permissions.ts";

const COUNT = 70_000;

Deno.test({
  name: "an archive may have more files than 16 bits count",
  ignore: !await canTouchFiles() || !await canRun("unzip"),
  fn: () =>
    withFolder({}, async (dir) => {
      const path = join(dir, "a.zip");
      const files = Array.from({ length: COUNT }, (_, i) => ({
        ...{ name: `${i}`, sizeBytes: 0, modifiedMs: 0, isExecutable: false },
      }));
      let offset = 0;
      const entries = files.map((file) => {
        const entry = zipEntry(file, 0, offset);
        offset += zippedBytes(file);
        return entry;
      });
      const lengthBytes = entries.reduce((sum, { length }) => sum + length, 0);
      const bodies = files.flatMap((file) => [zipFileHead(file), zipFileTail(file, 0)]);
      const end = zipEnd({ fileCount: COUNT, offset, lengthBytes });
      const whole = await new Blob([...bodies, ...entries, end]).bytes();
      assertEquals(whole.length, offset + lengthBytes + end.length);
      await Deno.writeFile(path, whole);
      // It is strict about how many there are: without the large count it finds the archive damaged.
      const { success, stdout } = await new Deno.Command("unzip", { args: ["-tq", path] }).output();
      assertEquals(success, true, new TextDecoder().decode(stdout));
    }),
});
