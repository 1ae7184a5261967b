import { denoRuntime } from "../../../lib/io/runtime.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { DatabaseSync } from "node:sqlite";
import { type Bytes, type FileSignature, hashHex } from "../../../lib/ids.ts";
import { IndexStore } from "../../../lib/io/store/index_store.ts";
import { layerPageIn, layerTreeOf } from "../../../lib/protocol/merkle/layer_tree.ts";
import {
  layerPageCount,
  provesLayerPage,
  rootOfLayer,
} from "../../../lib/protocol/merkle/merkle.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !await canTouchFiles();

const SIGNATURE: FileSignature = {
  sizeBytes: 3 * 65_536,
  mtimeMs: 1_700_000_000_123,
  ctimeMs: 1_700_000_000_123.25,
  inode: 42,
};
const HASHES = { sha256: hashHex("ab".repeat(32)), root: hashHex("cd".repeat(32)) };
const LAYER: Bytes = new Uint8Array(3 * 32).fill(7);

/** A content whose layer has many pages, and a few rows above them. */
const MANY: FileSignature = { sizeBytes: 2_000 * 65_536, mtimeMs: 1, ctimeMs: 1, inode: 1 };
const MANY_LAYER: Bytes = Uint8Array.from({ length: 2_000 * 32 }, (_, i) => (i * 31) >> 3);
const MANY_HASHES = { sha256: HASHES.sha256, root: rootOfLayer(MANY_LAYER, MANY.sizeBytes) };

/** Every page of that layer, read by itself, is proved by the root. */
function assertProved(store: IndexStore): void {
  const { root } = MANY_HASHES;
  const { sizeBytes } = MANY;
  for (let index = 0; index < layerPageCount(sizeBytes); index++) {
    let readBytes = 0;
    const page = layerPageIn(
      (from, length) => {
        readBytes += length;
        return store.readTree(root, sizeBytes, from, length);
      },
      sizeBytes,
      index,
    );
    assert(page !== undefined && provesLayerPage(page, index, sizeBytes, root), `page ${index}`);
    assert(readBytes <= (16 + 7) * 32, "a page, and a sibling of each row");
  }
}

/** Opens stores in a fresh folder and closes them all at the end. */
function withStores(
  body: (open: () => IndexStore, dir: string, notices: string[]) => void | Promise<void>,
): Promise<void> {
  return withFolder({}, async (dir) => {
    const notices: string[] = [];
    const stores: IndexStore[] = [];
    const open = (): IndexStore => {
      const store = new IndexStore({
        runtime: denoRuntime(),
        cacheDir: join(dir, "cache"),
        onNotice: (message) => notices.push(message),
      });
      stores.push(store);
      return store;
    };
    try {
      await body(open, dir, notices);
    } finally {
      for (const store of stores) store.close();
    }
  });
}

Deno.test(
  { name: "what one server hashed is known to the next, and to one beside it", ignore },
  () =>
    withStores((open, _dir, notices) => {
      const first = open();
      const beside = open();
      first.put("/a", SIGNATURE, HASHES, LAYER);
      assertEquals(beside.find("/a", SIGNATURE), HASHES);
      assertEquals(beside.layerOf(HASHES.root, SIGNATURE.sizeBytes), LAYER);
      beside.put("/b", SIGNATURE, HASHES, LAYER);
      first.close();
      beside.close();
      const next = open();
      assertEquals(next.find("/a", SIGNATURE), HASHES);
      assertEquals(next.find("/b", SIGNATURE), HASHES);
      assertEquals(notices, []);
    }),
);

Deno.test({
  name: "a hash is good for the size, both times and the inode that it was made of",
  ignore,
}, () =>
  withStores((open) => {
    const store = open();
    store.put("/a", SIGNATURE, HASHES, LAYER);
    assertEquals(store.find("/b", SIGNATURE), undefined);
    assertEquals(store.find("/a", { ...SIGNATURE, sizeBytes: 1 }), undefined);
    assertEquals(store.find("/a", { ...SIGNATURE, mtimeMs: SIGNATURE.mtimeMs + 1 }), undefined);
    assertEquals(store.find("/a", { ...SIGNATURE, ctimeMs: SIGNATURE.ctimeMs + 1 }), undefined);
    assertEquals(store.find("/a", { ...SIGNATURE, inode: 43 }), undefined);
    assertEquals(store.layerOf(HASHES.root, 65_537), undefined);
    store.forget("/a");
    assertEquals(store.find("/a", SIGNATURE), undefined);
    assertEquals(store.layerOf(HASHES.root, SIGNATURE.sizeBytes), undefined);
  }));

Deno.test(
  { name: "pages of a stored layer are proved by what is read of each row", ignore },
  () =>
    withStores((open) => {
      const store = open();
      store.put("/many", MANY, MANY_HASHES, layerTreeOf(MANY_LAYER, MANY.sizeBytes));
      assertProved(store);
      assertEquals(store.layerOf(MANY_HASHES.root, MANY.sizeBytes), MANY_LAYER);
      assertProved(open());
    }),
);

Deno.test(
  { name: "a layer goes with the last file of its content", ignore },
  () =>
    withStores((open, dir) => {
      const tree = layerTreeOf(MANY_LAYER, MANY.sizeBytes);
      const store = open();
      for (const path of ["/a", "/b"]) store.put(path, MANY, MANY_HASHES, tree);
      store.forget("/a");
      assertProved(store);
      // Another content takes the place of the last one: that is tidied up at the next start.
      store.put("/b", SIGNATURE, HASHES, layerTreeOf(LAYER, SIGNATURE.sizeBytes));
      open();
      const kept = new DatabaseSync(join(dir, "cache", "index.sqlite"));
      assertEquals(kept.prepare("SELECT count(*) AS n FROM layer_parts").get()?.["n"], 1);
      kept.close();
      store.forget("/b");
      assertEquals(store.layerOf(HASHES.root, SIGNATURE.sizeBytes), undefined);
    }),
);

for (
  const [what, spoil] of [
    [
      "not a database",
      (path: string) => Deno.writeTextFileSync(path, "no database ".repeat(1_000)),
    ],
    ["of another layout", (path: string) => {
      const database = new DatabaseSync(path);
      database.exec("PRAGMA user_version = 99");
      database.close();
    }],
  ] as const
) {
  Deno.test(
    { name: `an index that is ${what} is set aside, and a new one made`, ignore },
    () =>
      withStores((open, dir, notices) => {
        const path = join(dir, "cache", "index.sqlite");
        open().close();
        spoil(path);
        const store = open();
        assertEquals(notices.length, 1);
        assertMatch(notices[0]!, /starting a new index/);
        store.put("/a", SIGNATURE, HASHES, LAYER);
        assertEquals(open().find("/a", SIGNATURE), HASHES);
        assertEquals(Deno.statSync(`${path}.unusable`).isFile, true);
      }),
  );
}

Deno.test({
  name: "an index that turns out damaged later is replaced by memory, then by a new one",
  ignore,
}, () =>
  withStores((open, dir, notices) => {
    const path = join(dir, "cache", "index.sqlite");
    const filled = open();
    for (let i = 0; i < 500; i++) filled.put(`/file-${i}`, SIGNATURE, HASHES, LAYER);
    filled.close();
    damagePages(path);
    const store = open();
    for (let i = 0; i < 500; i++) store.find(`/file-${i}`, SIGNATURE);
    assertEquals(notices.length, 1);
    assertMatch(notices[0]!, /memory only/);
    store.put("/a", SIGNATURE, HASHES, LAYER);
    assertEquals(store.find("/a", SIGNATURE), HASHES);
    assertEquals(store.layerOf(HASHES.root, SIGNATURE.sizeBytes), LAYER);
    open().put("/a", SIGNATURE, HASHES, LAYER);
    assertEquals(open().find("/a", SIGNATURE), HASHES);
    assertEquals(notices.length, 1);
  }));

/** Leaves the header and the schema alone and overwrites what follows. */
function damagePages(path: string): void {
  const file = Deno.openSync(path, { write: true });
  const { size } = file.statSync();
  file.seekSync(5 * 4096, Deno.SeekMode.Start);
  file.writeSync(new Uint8Array(size - 5 * 4096).fill(0x5a));
  file.close();
}

Deno.test({
  name: "without a folder to write to, hashes are kept in memory, with one notice",
  ignore,
}, () =>
  withStores(async (open, dir, notices) => {
    await Deno.writeTextFile(join(dir, "cache"), "a file where the folder should be");
    const store = open();
    store.put("/a", SIGNATURE, HASHES, LAYER);
    assertEquals(store.find("/a", SIGNATURE), HASHES);
    assertEquals(store.layerOf(HASHES.root, SIGNATURE.sizeBytes), LAYER);
    assertEquals(notices.length, 1);
    assertMatch(notices[0]!, /memory only/);
  }));

Deno.test({
  name: "without permission nothing is asked for and memory is used",
  permissions: "none",
}, () => {
  const notices: string[] = [];
  const store = new IndexStore({
    runtime: denoRuntime(),
    cacheDir: "/x",
    onNotice: (message) => notices.push(message),
  });
  store.put("/a", SIGNATURE, HASHES, LAYER);
  assertEquals(store.find("/a", SIGNATURE), HASHES);
  assertEquals(notices.length, 1);
  store.close();
});
