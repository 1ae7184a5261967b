import { assertEquals, assertStringIncludes } from "@std/assert";
import { denoProblem } from "../../lib/cli/deno_version.ts";

Deno.test("a Deno that is too old is refused, whichever of its numbers says so", () => {
  for (const version of ["1.46.3", "2.0.0", "2.6.8"]) {
    assertStringIncludes(denoProblem(version)?.message ?? "", version);
  }
  for (const version of ["2.7.0", "2.9.6", "2.10.1", "3.0.0", "2.8.0-rc.1", Deno.version.deno]) {
    assertEquals(denoProblem(version), undefined, version);
  }
});
