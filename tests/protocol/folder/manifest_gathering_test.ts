/** How long manifests of a folder are gathered. */
import { assertEquals } from "@std/assert";
import { serverId } from "../../../lib/ids.ts";
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
