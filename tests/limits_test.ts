/** docs/LIMITS.md lists every limit as it is. */
import { assertEquals } from "@std/assert";
import { LIMITS_FILE, limitsTable } from "./support/limits_table.ts";

const { state } = await Deno.permissions.query({ name: "read" });

Deno.test({
  name: "docs/LIMITS.md lists every limit with its value; `deno task limits` writes it anew",
  ignore: state !== "granted",
  async fn() {
    assertEquals(await Deno.readTextFile(LIMITS_FILE), await limitsTable());
  },
});
