/** How long manifests of a folder are gathered. */
import { assertEquals } from "@std/assert";
import { serverId } from "../../../lib/ids.ts";
import {
  FOLDER_CLAIMS_MAX,
  MANIFESTS_MAX,
  MANIFESTS_PER_PARTY_MAX,
  MANIFESTS_REFUSED_MAX,
} from "../../../lib/protocol/folder/limits.ts";
import { ManifestQuota } from "../../../lib/protocol/folder/manifest_quota.ts";
import { ManifestGathering } from "../../../lib/protocol/folder/manifest_gathering.ts";

const [A, B] = ["a", "b"].map((digit) => serverId(digit.repeat(32)));
const at = (port: number) => ({ address: "10.0.0.1", port });
const gathering = () => new ManifestGathering({ gatherMs: 100, claimMs: 50, hashingMsMax: 10_000 });

Deno.test("it ends a moment after the first that is proved, and never before there is one", () => {
  const each = gathering();
  assertEquals(each.endMs, Infinity);
  each.onHashing(0, B!, 500);
  each.onClaim(at(1));
  assertEquals(each.endMs, Infinity);
  each.onProved(1_000, A!, at(1));
  assertEquals(each.endMs, 1_100);
  each.onProved(1_090, B!, at(2));
  assertEquals(each.endMs, 1_100);
});

Deno.test("claims are waited for a little longer, until they are proved", () => {
  const each = gathering();
  each.onProved(1_000, A!, at(1));
  each.onClaim(at(2));
  assertEquals(each.endMs, 1_150);
  each.onProved(1_020, B!, at(2));
  assertEquals(each.endMs, 1_100);
});

Deno.test("who is hashing is waited for as long as that earns, and no longer than is bearable", () => {
  const each = gathering();
  each.onProved(1_000, A!, at(1));
  each.onHashing(1_050, B!, 2_000);
  assertEquals(each.endMs, 3_050);
  each.onHashing(3_000, B!, 60_000);
  assertEquals(each.endMs, 11_100);
  each.onProved(4_000, B!, at(2));
  assertEquals(each.endMs, 1_100);
});

Deno.test("of very many claims the longest known is forgotten, and the others are waited for", () => {
  const each = gathering();
  for (let port = 1; port <= FOLDER_CLAIMS_MAX + 1; port++) each.onClaim(at(port));
  each.onProved(1_000, A!, at(FOLDER_CLAIMS_MAX + 2));
  assertEquals(each.endMs, 1_150);
  for (let port = 2; port <= FOLDER_CLAIMS_MAX + 1; port++) each.onProved(1_000, B!, at(port));
  // Nothing is left of the first.
  assertEquals(each.endMs, 1_100);
});

Deno.test("whoever offers many manifests takes no room from others, and what was none takes none", () => {
  const quota = new ManifestQuota();
  const taken = Array.from({ length: 20 }, () => quota.take("10.0.0.1", 0, 0)).filter(Boolean);
  assertEquals(taken.length, MANIFESTS_PER_PARTY_MAX);
  assertEquals(quota.take("10.0.0.2", MANIFESTS_MAX - 1, MANIFESTS_REFUSED_MAX - 1), true);
  assertEquals(quota.take("10.0.0.2", MANIFESTS_MAX, 0), false);
  assertEquals(quota.take("10.0.0.2", 0, MANIFESTS_REFUSED_MAX), false);
});
