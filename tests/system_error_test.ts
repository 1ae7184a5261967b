import { assertEquals } from "@std/assert";
import { systemErrorText } from "../lib/system_error.ts";

function error(message: string, code?: string): Error {
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}

Deno.test("what the system says is told in words, without numbers, calls and paths of ours", () => {
  for (
    const [thrown, text] of [
      [
        error("Read-only file system (os error 30): open '/x/.staged.1.part'", "EROFS"),
        "the file system is read-only",
      ],
      [error("EACCES: permission denied, rename '/a' -> '/b'", "EACCES"), "permission denied"],
      // What nobody has thought of.
      [error("Protocol error (os error 71): open '/x/.staged.1.part'", "EPROTO"), "Protocol error"],
      [error("EPROTO: protocol error, open '/x'", "EPROTO"), "protocol error"],
      [error("database is locked", "ERR_SQLITE_ERROR"), "database is locked"],
      [error(""), ""],
      ["x", "x"],
      [undefined, "undefined"],
    ] as const
  ) assertEquals(systemErrorText(thrown), text);
});

Deno.test({
  name: "what this system says of a missing file is told in words",
  ignore: (await Deno.permissions.query({ name: "read" })).state !== "granted",
  fn() {
    try {
      Deno.statSync("/no/such/file");
    } catch (thrown) {
      assertEquals(systemErrorText(thrown), "there is no such file or folder");
      return;
    }
    throw new Error("it is there");
  },
});
