import { assertEquals, assertThrows } from "@std/assert";
import type { FailedEvent } from "../../lib/app/events.ts";
import { FilesError, requireAll } from "../../lib/app/files_error.ts";
import { ShoalError } from "../../lib/errors.ts";
import { done } from "../support/fake_cli.ts";

const MISSING: FailedEvent = {
  event: "failed",
  name: "b",
  code: "not_found",
  message: "no server has 'b'",
  hint: "look",
};
const FULL: FailedEvent = { ...MISSING, name: "c", code: "disk_full", message: "no space" };

Deno.test("results of which none failed are returned as they are", () => {
  const results = [done("a"), done("b")];
  assertEquals(requireAll(results), results);
  assertEquals(requireAll([]), []);
});

Deno.test("a file that failed is thrown, with the results of all and the code of the first", () => {
  const results = [done("a"), MISSING, FULL];
  const error = assertThrows(() => requireAll(results), FilesError) as FilesError;
  assertEquals(error instanceof ShoalError && error.code, "not_found");
  assertEquals(error.message, "2 of 3 files failed; the first: no server has 'b'");
  assertEquals(error.hint, "look");
  assertEquals(error.results, results);
  assertEquals(error.exitCode, 3);
});

Deno.test("the only file that was asked for is told of by its own message", () => {
  const error = assertThrows(() => requireAll([FULL]), FilesError) as FilesError;
  assertEquals([error.code, error.message], ["disk_full", "no space"]);
});
