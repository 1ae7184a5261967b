/** Contents that are named by the first digits of their SHA-256. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  resolveShortHash,
  type ShortHash,
  shortHashOf,
} from "../../../lib/app/client/short_hash.ts";
import type { FileEvent } from "../../../lib/app/events.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { type HashHex, hashHex } from "../../../lib/ids.ts";

const DIGITS = "abcdef01";
const SHORT: ShortHash = { text: `sha256:${DIGITS}`, digits: DIGITS };

/** One with these digits, which ends with `end`. */
function hashOf(end: string, digits = DIGITS): HashHex {
  return hashHex(digits + end.padStart(64 - digits.length, "0"));
}

function file(name: string, sha256: string | undefined, ...hosts: readonly string[]): FileEvent {
  const servers = hosts.map((host) => `${host}:10526`);
  return { event: "file", name, size: 3, servers, ...(sha256 !== undefined && { sha256 }) };
}

function resolved(short: ShortHash, ...listed: readonly FileEvent[]) {
  const found = resolveShortHash(short, listed);
  assert(!(found instanceof ShoalError), String(found));
  return found;
}

function refused(short: ShortHash, ...listed: readonly FileEvent[]): ShoalError {
  const found = resolveShortHash(short, listed);
  assert(found instanceof ShoalError);
  return found;
}

Deno.test("8 to 63 digits behind sha256: are a short hash, in any case, and nothing else is", () => {
  assertEquals(shortHashOf("sha256:ABCDEF01"), { text: "sha256:ABCDEF01", digits: DIGITS });
  assertEquals(shortHashOf(`sha256:${"a".repeat(63)}`)?.digits, "a".repeat(63));
  for (const other of ["sha256:abcdef0", `sha256:${"a".repeat(64)}`, "sha256:abcdefgh", DIGITS]) {
    assertEquals(shortHashOf(other), undefined, other);
  }
  assertEquals(shortHashOf(`./sha256:${DIGITS}`), undefined);
});

Deno.test("the one content that matches is meant, whatever it is called and whoever has it", () => {
  const [one, two] = [hashOf("1"), hashOf("2", "12345678")];
  const listed = [
    file("a", one, "10.0.0.1"),
    file("b", one, "10.0.0.2"),
    file("c", two, "10.0.0.3"),
  ];
  assertEquals(resolved(SHORT, ...listed), { sha256: one });
  assertEquals(resolved({ ...SHORT, name: "b" }, ...listed), { sha256: one });
  assertEquals(refused({ ...SHORT, name: "c" }, ...listed).code, "not_found");
});

Deno.test("of several that match the one is taken that most addresses have, and the others are said", () => {
  const [one, two] = [hashOf("1"), hashOf("2")];
  const found = resolved(
    SHORT,
    // A host that lists a forged one from many ports is one address.
    { ...file("a", two), servers: [1, 2, 3, 4].map((port) => `10.0.0.9:${port}`) },
    file("a", one, "10.0.0.1"),
    file("b", one, "10.0.0.2"),
  );
  assertEquals(found.sha256, one);
  assertEquals(found.notice?.level, "warning");
  assertMatch(
    found.notice!.message,
    new RegExp(`${one} a at 10.0.0.1, 10.0.0.2; ${two} a at 10.0.0.9`),
  );
});

Deno.test("where none of several has a majority, all are named, and none is taken", () => {
  const [one, two, three] = [hashOf("1"), hashOf("2"), hashOf("3")];
  const situations = [
    [file("a", one, "10.0.0.1"), file("b", two, "10.0.0.2")],
    // Both on one host, which has the one voice that there is.
    [file("a", one, "10.0.0.1"), file("b", two, "10.0.0.1")],
    [
      file("a", one, "10.0.0.1", "10.0.0.2"),
      file("b", two, "10.0.0.3"),
      file("c", three, "10.0.0.4"),
    ],
  ];
  for (const listed of situations) {
    const error = refused(SHORT, ...listed);
    assertEquals([error.code, error.exitCode], ["usage", 2]);
    for (const { sha256, name } of listed) assert(error.message.includes(`${sha256} ${name} at`));
    assert(error.hint.includes(`sha256:${one}   or   sha256:${two}`));
  }
});

Deno.test("what nobody lists is not found; what is still being hashed may be it", () => {
  const error = refused(SHORT, file("a", hashOf("1", "0000"), "10.0.0.1"));
  assertEquals([error.code, error.exitCode], ["not_found", 3]);
  const later = refused(SHORT, file("a", undefined, "10.0.0.1"));
  assertMatch(later.hint, /still being hashed/);
});
