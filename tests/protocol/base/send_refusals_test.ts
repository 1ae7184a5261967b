import { assertEquals, assertStringIncludes } from "@std/assert";
import { REFUSALS_TOLD_MAX } from "../../../lib/protocol/base/limits.ts";
import { isRefusal, SendRefusals } from "../../../lib/protocol/base/send_refusals.ts";

const at = (n: number) => ({ address: `10.0.0.${n}`, port: 10_526 });

Deno.test("each refusal of each address is told once, with its address and what to do", () => {
  const refusals = new SendRefusals();
  assertStringIncludes(refusals.notice("blocked", at(1)) ?? "", "firewall on this machine");
  assertEquals(refusals.notice("blocked", { ...at(1), port: 10_530 }), undefined);
  assertStringIncludes(refusals.notice("no route", at(1)) ?? "", "no route leads");
  assertStringIncludes(refusals.notice("blocked", at(2)) ?? "", "10.0.0.2:10526");
  assertStringIncludes(refusals.notice("forbidden", at(2)) ?? "", "broadcast");
  assertStringIncludes(refusals.notice("too long", at(2)) ?? "", "--mtu");
});

Deno.test("of more addresses than anybody reads about, nothing is told", () => {
  const refusals = new SendRefusals();
  const told = Array.from({ length: 100 }, (_, n) => refusals.notice("no route", at(n)));
  assertEquals(told.filter((each) => each !== undefined).length, REFUSALS_TOLD_MAX);
});

Deno.test("what was sent or lost is no refusal", () => {
  assertEquals(["sent", "lost", "blocked", "toString"].map(isRefusal), [false, false, true, false]);
});
