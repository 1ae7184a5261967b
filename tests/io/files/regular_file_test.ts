/** A file that was closed stands for no other one, whose descriptor may have its number. */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { openRegularFile } from "../../../lib/io/files/regular_file.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

Deno.test({
  name: "what is closed neither reads nor closes the file that is opened next",
  ignore: !await canTouchFiles(),
  fn: () =>
    withFolder({ a: "first", b: "other" }, (dir) => {
      const [first, other] = ["a", "b"].map((name) => () => {
        const opened = openRegularFile(join(dir, name), "refuse");
        assert(opened.ok);
        return opened.file;
      });
      const closed = first!();
      closed.close();
      const open = other!();
      const bytes = new Uint8Array(5);
      assertEquals(closed.readAt(bytes, 0, 5, 0), 0);
      assertEquals([closed.identity(), closed.path()], [undefined, undefined]);
      closed.close();
      assertEquals(open.readAt(bytes, 0, 5, 0), 5);
      assertEquals(new TextDecoder().decode(bytes), "other");
      open.close();
    }),
});
