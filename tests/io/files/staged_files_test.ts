import { assertThrows } from "@std/assert";
import { join } from "@std/path/join";
import { ShoalError } from "../../../lib/errors.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { StagedFiles } from "../../../lib/io/files/staged_files.ts";
import { WrittenFiles } from "../../../lib/io/files/written_files.ts";
import { withFolder } from "../../support/folder.ts";

const states = await Promise.all(
  (["read", "write"] as const).map((name) => Deno.permissions.query({ name })),
);

Deno.test({
  name: "where nothing can be written the folder is named that the user knows, and why in words",
  ignore: states.some(({ state }) => state !== "granted"),
  fn: () =>
    withFolder({}, async (root) => {
      await Deno.writeTextFile(join(root, "file"), "x");
      const outDir = join(root, "file/out");
      const rules = { sparse: false, portableNames: false, written: new WrittenFiles(denoDisk) };
      assertThrows(
        () => StagedFiles.open(denoDisk, outDir, "01234567", rules),
        ShoalError,
        `cannot write to ${outDir}: a part of the path is not a folder`,
      );
    }),
});
