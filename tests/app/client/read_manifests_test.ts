/** Listings that are read again when another one has come meanwhile, and those that are kept. */
import "../../support/libraries.ts";
import { assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import {
  keptManifest,
  type OfferedManifest,
  readManifests,
} from "../../../lib/app/client/read_manifests.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { hashHex, toHex } from "../../../lib/ids.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";
import type { Offer } from "../../../lib/protocol/discovery/finder.ts";
import type { DoneEvent } from "../../../lib/app/events.ts";
import type { Bytes } from "../../../lib/ids.ts";
import { manifestOf } from "../../attack/evil_folder.ts";

const offered = (path: string, servers: number) => ({
  content: { sizeBytes: 1 } as OfferedManifest["content"],
  offers: Array.from({ length: servers }, () => ({ party: path }) as Offer),
  part: { ended: Promise.resolve({ event: "done", path } as DoneEvent) },
});

Deno.test("one that is none is removed and told once, however often the others are read", async () => {
  const files = new Map<string, Bytes>([
    ["good", manifestOf([{ kind: 3, name: "a" }])],
    ["bad", new Uint8Array(9)],
    ["late", manifestOf([{ kind: 3, name: "b" }])],
  ]);
  const told: string[] = [];
  const read = async (manifests: Parameters<typeof readManifests>[1]) => {
    const { manifests: good } = await readManifests("t/", manifests, {
      disk: {
        read: (path) => {
          const bytes = files.get(path);
          if (bytes === undefined) throw new Deno.errors.NotFound(path);
          return bytes;
        },
        remove: (path) => void files.delete(path),
      },
      records: { manifestsDir: undefined },
      folder: undefined,
      onBad: ([offer]) => void told.push(offer?.party ?? ""),
    });
    return good.flatMap(({ entries }) => entries.map(({ name }) => name));
  };
  const first = [offered("bad", 3), offered("good", 2)];
  assertEquals(await read(first), ["a"]);
  assertEquals([...files.keys()], ["late"]);
  assertEquals(await read([...first, offered("late", 1)]), ["a", "b"]);
  assertEquals(told, ["bad"]);
});

Deno.test({
  name: "one that is kept is taken only if it is what is offered, byte for byte",
  ignore: !(await canTouchFiles()),
  fn: () =>
    withFolder({}, async (dir) => {
      const bytes = manifestOf([{ kind: 3, name: "a" }]);
      const hash = hashHex(toHex(sha256(bytes)));
      const content = { sizeBytes: bytes.length, sha256: hash, root: hash };
      const kept = () => keptManifest(denoDisk, dir, content, undefined)?.map(({ name }) => name);
      assertEquals(kept(), undefined);
      const path = join(dir, `${hash}.manifest`);
      await Deno.writeFile(path, bytes);
      assertEquals<unknown>(kept(), ["a"]);
      const other = bytes.slice();
      other[other.length - 1]! ^= 1;
      for (const wrong of [other, bytes.subarray(1), new Uint8Array([...bytes, 0])]) {
        await Deno.writeFile(path, wrong);
        assertEquals(kept(), undefined);
      }
    }),
});
