/** What a `get` gives to others, as its user says it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { run } from "../support/fake_cli.ts";

Deno.test("what a get gives is switched off by a flag or by the environment, and the flag goes first", async () => {
  const shares = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    (await run(["get", "a", ...args], { env })).app.got?.share;
  assertEquals(await shares([]), true);
  assertEquals(await shares(["--no-share"]), false);
  assertEquals(await shares([], { SHOAL_SHARE: "off" }), false);
  assertEquals(await shares([], { SHOAL_SHARE: "on" }), true);
  assertEquals(await shares(["--share"], { SHOAL_SHARE: "off" }), true);
  const { code, err } = await run(["get", "a"], { env: { SHOAL_SHARE: "no" } });
  assertEquals(code, 2);
  assertStringIncludes(err, "SHOAL_SHARE: no is not on or off");
});
