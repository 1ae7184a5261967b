import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { join } from "@std/path/join";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { FolderSyncs } from "../../../lib/io/files/folder_syncs.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !await canTouchFiles();

Deno.test({
  name: "whoever asks before a sync begins shares it, who asks later gets the next",
  ignore,
  fn: () =>
    withFolder({ "other/file": "" }, async (dir) => {
      const syncs = new FolderSyncs(denoClock, denoDisk);
      const first = syncs.sync(dir);
      assertStrictEquals(syncs.sync(dir), first);
      const other = syncs.sync(join(dir, "other"));
      assert(other !== first);
      const order: string[] = [];
      const isTold = first.then(() => order.push("first"));
      await first;
      const second = syncs.sync(dir);
      assert(second !== first);
      await Promise.all([isTold, other, second.then(() => order.push("second"))]);
      assertEquals(order, ["first", "second"]);
    }),
});

Deno.test({
  name: "a folder that cannot be synced holds nobody up",
  ignore,
  fn: () =>
    withFolder({}, async (dir) => {
      assertEquals(
        await new FolderSyncs(denoClock, denoDisk).sync(join(dir, "missing")),
        undefined,
      );
    }),
});
