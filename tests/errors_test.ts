import { assertEquals, assertMatch } from "@std/assert";
import { descriptorsHint, ShoalError } from "../lib/errors.ts";

Deno.test("where no descriptor is left, the hint is to allow more, and nobody is told of a bug", () => {
  for (const code of ["EMFILE", "ENFILE"]) {
    const thrown = Object.assign(new Error("Too many open files (os error 24)"), { code });
    assertMatch(ShoalError.from(thrown).hint, /ulimit -n/);
  }
  for (const other of [new Error("x"), Object.assign(new Error("x"), { code: "EIO" }), null, "x"]) {
    assertEquals(descriptorsHint(other), {});
  }
});
