import { assertEquals } from "@std/assert";
import { RecentMap } from "../../../lib/protocol/base/recent_map.ts";

Deno.test("RecentMap forgets what is older than its memory", () => {
  const map = new RecentMap<number>(10, 1_000);
  map.set(0, "a", 1);
  assertEquals(map.get(1_000, "a"), 1);
  assertEquals(map.get(1_001, "a"), undefined);
});

Deno.test("RecentMap drops the entry that was set longest ago to make room", () => {
  const map = new RecentMap<number>(2, 1_000);
  map.set(0, "a", 1);
  map.set(1, "b", 2);
  map.set(2, "a", 3);
  map.set(3, "c", 4);
  assertEquals(["a", "b", "c"].map((key) => map.get(4, key)), [3, undefined, 4]);
});
