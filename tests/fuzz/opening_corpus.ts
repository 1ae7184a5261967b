/** What peers of a server and of a master say when they say it well: the fuzzer's openings begin as these. */
import type { Bytes } from "../../lib/ids.ts";
import { encodeMessage, lengthPrefix } from "../../lib/wire/session_json.ts";

const utf8 = new TextEncoder();
const MD5 = "c".repeat(32);
const SHA = "ab".repeat(32);
const ID = "a".repeat(32);

function joined(...parts: readonly Uint8Array[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function frames(...bodies: readonly string[]): Bytes {
  const parts = bodies.map((body) => joined(lengthPrefix(body.length), utf8.encode(body)));
  return joined(...parts, lengthPrefix(0));
}

const lines = (...texts: readonly string[]): Bytes => utf8.encode(texts.join("\n") + "\n");
const messages = (...values: readonly unknown[]): Bytes => joined(...values.map(encodeMessage));
const put = { command: "put", name: "b.txt", size: 5, mtime: 7 };

/** To a server, in both dialects. */
export const SESSIONS: readonly Bytes[] = [
  lines("LIST_FILES", "LIST FILES"),
  lines("DOWNLOAD", MD5, "DOWNLOAD", "d".repeat(32)),
  lines("UPLOAD", "notes.txt;5", "hello", "LIST_FILES"),
  lines("UPLOAD", "../../x;3", "abc", "UPLOAD", "x;99999999999999", "HELLO"),
  utf8.encode(`DOWNLOAD${MD5}UPLOADa.txt;2hi`),
  messages({ command: "list" }, { command: "list", after: "a.txt", md5: true }),
  messages({ command: "fetch", name: "a.txt" }, { command: "fetch", sha256: SHA, offset: 1 }),
  messages({ command: "fetch", md5: MD5, offset: 1, length: 2 }, {
    command: "fetch",
    name: "../a",
  }),
  messages({ command: "layer", root: SHA, size: 5 }, { command: "disconnect" }),
  joined(
    messages(put, { command: "body", offset: 0 }),
    frames("hel", "lo"),
    messages({ command: "end", sha256: SHA }, { ...put, name: "a.txt", sha256: SHA }),
  ),
  messages({
    command: "upload",
    file_path: "/etc/x",
    file_data: "hello",
    sequences: [0, 1, -1, 9],
  }),
  messages({ command: "upload", file_path: "x", file_data_hex: "00ff".repeat(20) }),
];

const file = { name: "a.txt", size: 5, mtime: 7, sha256: SHA, root: SHA };
const register = { command: "register", server: ID, port: 10_530 };

/** To a master. */
export const MASTER_SESSIONS: readonly Bytes[] = [
  messages(
    register,
    { command: "update", revision: 1, reset: true, put: [file], remove: [] },
    { command: "update", revision: 2, put: [{ ...file, name: "b/c.txt" }], remove: ["a.txt"] },
    { command: "renew" },
    { command: "unregister" },
  ),
  messages({ ...register, lease: ID }, { ...register, address: "10.0.0.9" }, { command: "renew" }),
  messages({ command: "locate", names: ["a.txt", "../x"], sha256: [SHA] }, { command: "stats" }),
  messages(
    { command: "list", prefix: "a", glob: "**/*.txt", count: 2 },
    { command: "list", after: "a.txt", glob: "[a-" },
    { command: "list", since: 3 },
    { command: "disconnect" },
  ),
];

/** Values that stand where others are expected. */
export const ODD_VALUES: readonly string[] = [
  "null",
  "-1",
  "0.5",
  "1e308",
  "1e999",
  "9007199254740993",
  "true",
  "[]",
  "{}",
  '""',
  '"../../etc/passwd"',
  '"..\\\\x"',
  '"a\\u0000b"',
  '"\\ud800"',
  '"\\u202egpj.exe"',
  '"CON"',
  `"${"x".repeat(300)}"`,
  `"${"*".repeat(200)}"`,
  "[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
];
