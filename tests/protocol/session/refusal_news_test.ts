import { assert, assertEquals } from "@std/assert";
import {
  REFUSALS_TOLD_BURST,
  REFUSALS_TOLD_PER_PARTY_BURST,
  REFUSALS_TOLD_PER_PARTY_PER_S,
} from "../../../lib/protocol/session/limits.ts";
import { RefusalNews } from "../../../lib/protocol/session/refusal_news.ts";

Deno.test("of one address a few refusals are told, and none is lost from the count", () => {
  const news = new RefusalNews();
  const told = Array.from({ length: 100 }, () => news.told(0, "10.0.0.1"));
  assertEquals(told.filter((each) => each !== undefined).length, REFUSALS_TOLD_PER_PARTY_BURST);
  assertEquals(news.told(0, "10.0.0.2"), 100 - REFUSALS_TOLD_PER_PARTY_BURST);
  assertEquals(news.told(1_000 / REFUSALS_TOLD_PER_PARTY_PER_S + 1, "10.0.0.1"), 0);
});

Deno.test("however many addresses are refused, lines are bounded", () => {
  const news = new RefusalNews();
  let told = 0;
  for (let i = 0; i < 5_000; i++) {
    if (news.told(i, `10.0.${i >> 8}.${i & 255}`) !== undefined) told += 1;
  }
  assert(told >= REFUSALS_TOLD_BURST && told <= REFUSALS_TOLD_BURST + 6, `${told}`);
});
