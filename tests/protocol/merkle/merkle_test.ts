import { assert, assertEquals } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import {
  chunkBytesFor,
  chunkCountFor,
  layerPageCount,
  provesLayerPage,
  rootOfLayer,
  TreeHasher,
} from "../../../lib/protocol/merkle/merkle.ts";
import { LayerProver } from "../../support/layer_prover.ts";

/** The files of the published vectors: byte i is i mod 251. */
function patternFile(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => i % 251);
}

const VECTORS: readonly (readonly [number, string])[] = [
  [1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"],
  [16384, "4348e3b98e8a327b34ced39c1da9e67cdb4cd5e48e4d7960607a3ae403d35f0c"],
  [16385, "9d7887c65d577a0237fb3c0998b87b3a62762d03796889a2caea01db914ccbb8"],
  [49153, "6b89f318fea750cf67e57b363445ebce1fef3958f2d8a82247d477ecb6890df4"],
  [81921, "3960b8795a1921af5e02e44cd951a9edf944c1170187afbb81775f8b28b62f66"],
  [1048577, "c764e3ed4ebac5f61ce59e1c78b804a6b9c02350917800126926d903f8d3dc27"],
];

for (const [sizeBytes, root] of VECTORS) {
  Deno.test(`TreeHasher gives the published root of ${sizeBytes} bytes, however they are cut`, () => {
    const file = patternFile(sizeBytes);
    for (const stepBytes of [sizeBytes, 1000, 16384, 70_001]) {
      const hasher = new TreeHasher(sizeBytes);
      for (let at = 0; at < sizeBytes; at += stepBytes) {
        hasher.update(file.subarray(at, at + stepBytes));
      }
      const { root: found, layer } = hasher.finish();
      assertEquals(found, hashHex(root));
      assertEquals(rootOfLayer(layer, sizeBytes), hashHex(root));
    }
  });
}

Deno.test("chunks double from 64 KiB to stay within 4,096 and end at 1 MiB", () => {
  assertEquals(chunkBytesFor(0), 65536);
  assertEquals(chunkBytesFor(65536 * 4096), 65536);
  assertEquals(chunkBytesFor(65536 * 4096 + 1), 131072);
  assertEquals(chunkBytesFor(2 ** 44), 2 ** 20);
  assertEquals(chunkCountFor(0), 0);
  assertEquals(chunkCountFor(65537), 2);
});

// One chunk; one page; a page and a bit; an odd number of pages; pages whose sibling is all padding.
for (const sizeBytes of [1, 65536, 65537, 16 * 65536, 16 * 65536 + 1, 33 * 65536 + 5, 80 * 65536]) {
  Deno.test(`every layer page of ${sizeBytes} bytes is proved by the root, and no altered one is`, () => {
    const hasher = new TreeHasher(sizeBytes);
    hasher.update(patternFile(sizeBytes));
    const { root, layer } = hasher.finish();
    const prover = new LayerProver(layer, sizeBytes);
    for (let index = 0; index < layerPageCount(sizeBytes); index++) {
      const page = prover.page(index);
      assert(provesLayerPage(page, index, sizeBytes, root));
      const altered = { ...page, hashes: page.hashes.slice() };
      altered.hashes[7]! ^= 1;
      assert(!provesLayerPage(altered, index, sizeBytes, root));
      assert(!provesLayerPage(page, index + 1, sizeBytes, root));
      assert(!provesLayerPage({ ...page, hashes: page.hashes.slice(32) }, index, sizeBytes, root));
    }
  });
}
