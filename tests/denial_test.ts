/** What Deno denies is told as that, with the flag to add, whatever was to be done with it. */
import { assertEquals, assertMatch } from "@std/assert";
import { denialIn } from "../lib/denial.ts";
import { type ErrorCode, ShoalError } from "../lib/errors.ts";

function notCapable(message: string): Error {
  const error = new Error(message);
  error.name = "NotCapable";
  return error;
}

const requires = (what: string, flag: string) =>
  notCapable(`Requires ${what}, run again with the --allow-${flag} flag`);

Deno.test("a denial is read from Deno's words, with the path where one may be allowed", () => {
  const cases = [
    [requires('net access to "0.0.0.0:0"', "net"), 'net access to "0.0.0.0:0"', "--allow-net"],
    [requires('write access to "/x y"', "write"), 'write access to "/x y"', "--allow-write"],
    [requires('write access to "/x"', "write"), 'write access to "/x"', "--allow-write=/x"],
    [requires("write access to <TMP>", "write"), "write access to <TMP>", "--allow-write"],
    [requires('env access to "A"', "env"), 'env access to "A"', "--allow-env"],
    [requires("run access", "run"), "run access", "--allow-run"],
  ] as const;
  for (const [error, what, flag] of cases) assertEquals(denialIn(error), { what, flag });
});

Deno.test("an error of any kind that a denial has caused is about permissions", () => {
  const cause = requires('read access to "/x"', "read");
  const kinds: readonly ErrorCode[] = ["network", "not_writable", "disk", "usage", "internal"];
  for (const code of kinds) {
    const inner = new ShoalError(code, "something else", { cause, hint: "Do something else." });
    for (const error of [inner, new ShoalError("no_server", "around it", { cause: inner })]) {
      assertEquals([error.code, error.exitCode], ["permission", 2]);
      assertMatch(error.message, /^Deno does not allow read access to "\/x"$/);
      assertMatch(error.hint, /--allow-read=\/x /);
    }
    assertEquals(ShoalError.fromMessage(inner.toMessage()).toMessage(), inner.toMessage());
  }
});

Deno.test("a thread that could not start for a denial says so in its message alone", () => {
  const { message } = requires('read access to "/w.ts"', "read");
  const error = new ShoalError("internal", `w.ts: ${message}`);
  assertEquals(error.code, "permission");
  assertMatch(error.hint, /--allow-read to/);
  // What peers say is theirs, and asks for no flags.
  assertEquals(new ShoalError("refused", message).code, "refused");
  assertEquals(new ShoalError("refused", "no", { cause: new Error(message) }).code, "refused");
});
