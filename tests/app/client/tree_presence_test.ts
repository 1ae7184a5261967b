import "../../support/libraries.ts";
import { assertEquals } from "@std/assert";
import { keepTreeAttributes, treePresence } from "../../../lib/app/client/tree_presence.ts";
import type { SafeFileName } from "../../../lib/ids.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import type { Disk } from "../../../lib/io/files/disk.ts";
import { TargetLook } from "../../../lib/io/files/target_look.ts";
import type { TreeRecord } from "../../../lib/io/store/tree_records.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { hashHex, toHex } from "../../../lib/ids.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import type { TreeFile } from "../../../lib/wire/manifest.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !(await canTouchFiles());
const BYTES = new TextEncoder().encode("content");
const FILE: TreeFile = {
  kind: "file",
  name: "a.txt" as SafeFileName,
  isExecutable: false,
  sizeBytes: BYTES.length,
  sha256: hashHex(toHex(sha256(BYTES))),
  root: hashHex(toHex(sha256(BYTES))),
  mtimeMs: 1_700_000_000_123,
  mtimeRestNs: 456_789,
};

/** Every other second is all that it keeps of a time, as FAT does. */
function coarseDisk(onSet: () => void): Disk {
  return {
    ...denoDisk,
    open(path) {
      const file = denoDisk.open(path);
      const setModified = ({ mtimeMs }: { readonly mtimeMs: number }): void => {
        onSet();
        file.setModified({ mtimeMs: mtimeMs - (mtimeMs % 2_000) });
      };
      return { look: () => file.look(), close: () => file.close(), setModified } as ReturnType<
        Disk["open"]
      >;
    },
  };
}

Deno.test(
  {
    name: "a time that the disk cannot hold so exactly is set once, and again when it is another",
    ignore,
  },
  () =>
    withFolder({ "a.txt": "content" }, async (dir) => {
      let sets = 0;
      const disk = coarseDisk(() => sets += 1);
      const record: TreeRecord = new Map();
      const look = async (file: TreeFile) => {
        using targets = new TargetLook(disk, dir, { portableNames: false });
        const options = {
          ...{ clock: denoClock, look: targets, record },
          nameOf: ({ name }: TreeFile) => name,
          signal: new AbortController().signal,
        };
        const rules = { checks: false, replaces: false };
        const { missing, present, unlike } = await treePresence([file], { ...options, ...rules });
        await keepTreeAttributes(unlike, options);
        assertEquals([missing.length, present.length], [0, 1]);
        return sets;
      };
      assertEquals([await look(FILE), await look(FILE), await look(FILE)], [1, 1, 1]);
      const later = { ...FILE, mtimeMs: FILE.mtimeMs + 1 };
      assertEquals([await look(later), await look(later)], [2, 2]);
      const runs = { ...later, isExecutable: true };
      assertEquals([await look(runs), await look(runs)], [3, 3]);
    }),
);
