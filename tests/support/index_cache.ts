/** What a failing disk does, which changes bytes and no time: a cache that knows what they were. */
import { denoRuntime } from "../../lib/io/runtime.ts";
import "./libraries.ts";
import { assert } from "@std/assert";
import { hashHex, toHex } from "../../lib/ids.ts";
import { identityAt } from "../../lib/io/files/regular_file.ts";
import { IndexStore } from "../../lib/io/store/index_store.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import { layerTreeOf } from "../../lib/protocol/merkle/layer_tree.ts";
import { TreeHasher } from "../../lib/protocol/merkle/merkle.ts";

/**
 * Puts into the cache that the file at `path`, as it looks now, had the bytes of `content`.
 *
 * @param sha256Hex what it is said to hash to as a whole, if that is a lie
 */
export async function rememberAs(
  cacheDir: string,
  path: string,
  content: Uint8Array,
  sha256Hex = toHex(sha256(content)),
): Promise<void> {
  const hasher = new TreeHasher(content.length);
  hasher.update(content);
  const { root, layer } = hasher.finish();
  const real = await Deno.realPath(path);
  const identity = identityAt(real);
  assert(identity !== undefined);
  const store = new IndexStore({ runtime: denoRuntime(), cacheDir, onNotice: () => {} });
  const hashes = { sha256: hashHex(sha256Hex), root };
  store.put(real, identity.signature, hashes, layerTreeOf(layer, content.length));
  store.close();
}
