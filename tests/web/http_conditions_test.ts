import { assertEquals } from "@std/assert";
import { selected, validatorsOf } from "../../lib/web/http_conditions.ts";

const FILE = {
  name: "a",
  sizeBytes: 1_000,
  modifiedMs: Date.UTC(1994, 10, 6, 8, 49, 37, 999),
  isExecutable: false,
  state: "ready",
  sha256: "ab".repeat(32),
} as const;
const TAG = `"${FILE.sha256}"`;
const DATE = "Sun, 06 Nov 1994 08:49:37 GMT";

function ask(fields: Readonly<Record<string, string>>, sizeBytes = 1_000) {
  const answer = selected(new Map(Object.entries(fields)), sizeBytes, validatorsOf(FILE));
  return "range" in answer
    ? [answer.status, answer.range.offset, answer.range.lengthBytes]
    : [answer.status];
}

Deno.test("a file is told apart by what it hashes to, and by when it was modified", () => {
  assertEquals(validatorsOf(FILE), { etag: TAG, lastModified: DATE });
  const { sha256: _, ...unhashed } = FILE;
  assertEquals(validatorsOf(unhashed).etag, undefined);
  for (const ms of [0, Date.UTC(2000, 1, 29, 12), Date.UTC(2026, 11, 31, 23, 59, 59), -1]) {
    const { lastModified } = validatorsOf({ ...FILE, modifiedMs: ms });
    assertEquals(lastModified, new Date(ms).toUTCString());
  }
});

Deno.test("one range is answered, as far as the file goes", () => {
  assertEquals(ask({ range: "bytes=0-0" }), [206, 0, 1]);
  assertEquals(ask({ range: "bytes=5-" }), [206, 5, 995]);
  assertEquals(ask({ range: "bytes=999-5000" }), [206, 999, 1]);
  assertEquals(ask({ range: "bytes=-1" }), [206, 999, 1]);
  assertEquals(ask({ range: "bytes=-5000" }), [206, 0, 1_000]);
});

Deno.test("a range that begins behind the end is none", () => {
  for (const range of ["bytes=1000-", "bytes=1000-2000", "bytes=-0", `bytes=${"9".repeat(16)}-`]) {
    assertEquals(ask({ range }), [416], range);
  }
  assertEquals(ask({ range: "bytes=0-" }, 0), [416]);
});

Deno.test("what is no range, or more than one, is answered with the whole", () => {
  const many = Array.from({ length: 5_000 }, (_, i) => `${i}-${i}`).join(",");
  for (
    const range of [
      ...["bytes=5-4", "bytes=-", "bytes=", "bytes=a-b", "bytes=0x1-2", "lines=1-2", "bytes 1-2"],
      ...["bytes=0-1,3-4", "bytes=0-,0-", `bytes=${many}`, `bytes=${"9".repeat(17)}-`, ""],
    ]
  ) {
    assertEquals(ask({ range }), [200, 0, 1_000], range.slice(0, 40));
  }
});

Deno.test("a part goes on with what came before it, or is the whole", () => {
  const range = "bytes=5-";
  assertEquals(ask({ range, "if-range": TAG }), [206, 5, 995]);
  for (const condition of ['"other"', `W/${TAG}`, DATE, "*"]) {
    assertEquals(ask({ range, "if-range": condition }), [200, 0, 1_000], condition);
  }
});

Deno.test("what is known already is not sent again", () => {
  for (const known of [TAG, `W/${TAG}`, `"a", ${TAG}`, "*"]) {
    assertEquals(ask({ "if-none-match": known }), [304], known);
  }
  assertEquals(ask({ "if-modified-since": DATE }), [304]);
  assertEquals(ask({ "if-none-match": '"a"', "if-modified-since": DATE }), [200, 0, 1_000]);
  assertEquals(ask({ "if-modified-since": "Sun, 06 Nov 1994 08:49:36 GMT" }), [200, 0, 1_000]);
});
