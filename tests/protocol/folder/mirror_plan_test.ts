import { assertEquals } from "@std/assert";
import type { ServerId } from "../../../lib/ids.ts";
import { FOLDER_CLAIMS_MAX } from "../../../lib/protocol/folder/limits.ts";
import { ListingDoubts } from "../../../lib/protocol/folder/listing_doubts.ts";
import {
  comparedNames,
  planMirror,
  type TargetEntry,
} from "../../../lib/protocol/folder/mirror_plan.ts";

/** `a/` is a folder, `a@` a link. */
function entries(...texts: readonly string[]): TargetEntry[] {
  return texts.map((text) => {
    if (text.endsWith("/")) return { name: text.slice(0, -1), kind: "folder" };
    return text.endsWith("@")
      ? { name: text.slice(0, -1), kind: "link" }
      : { name: text, kind: "file" };
  });
}

function removed(found: readonly TargetEntry[], removable: readonly string[]): string[] {
  return planMirror(found, new Set(removable)).map(({ name }) => name);
}

Deno.test("what is not listed is stray, and the folders above what is listed are not", () => {
  const found = entries("a/", "a/b/", "a/b/c", "a/x", "y/", "z@");
  const { strays, unspelled } = comparedNames(found, ["a/b/c", "A", "a/B/d"]);
  assertEquals(strays.map(({ name }) => name), ["a/x", "y", "z"]);
  assertEquals(unspelled, ["A", "a/B/d", "a/B"]);
});

Deno.test("names that no server would list are never stray", () => {
  const found = entries(
    ...[".git/", "a/.keep", "b.01234567.part", "b.01234567.part.journal"],
    ...["\ufffd", "back\\slash", "con.txt", "control\u0001"],
  );
  assertEquals(comparedNames(found, []).strays, []);
});

Deno.test("files and links go first, then folders, the deepest first", () => {
  const found = entries("a/", "a/b/", "a/b/c/", "a/b/c/2", "a/1@", "z/", "b");
  const all = found.map(({ name }) => name);
  assertEquals(removed(found, all), ["a/1", "a/b/c/2", "b", "a/b/c", "a/b", "a", "z"]);
});

Deno.test("a folder stays as long as something in it does, though it may go itself", () => {
  const found = entries("a/", "a/b/", "a/b/.hidden", "a/b/x", "a/c/");
  assertEquals(removed(found, ["a", "a/b", "a/b/x", "a/c"]), ["a/b/x", "a/c"]);
});

const at = (port: number) => ({ address: "10.0.0.1", port });

Deno.test("a claim is waited for until it is proved or has had its time, and is no doubt by itself", () => {
  const a = "a" as unknown as ServerId;
  const doubts = new ListingDoubts(50);
  assertEquals(doubts.claimsEndMs, -Infinity);
  doubts.onClaimed(100, at(1));
  doubts.onClaimed(120, at(2));
  // The same server, by another of its addresses.
  doubts.onOffered(a, at(1));
  doubts.onClaimed(140, at(2));
  assertEquals(doubts.claimsEndMs, 170);
  doubts.onRead(new Set([a]), true);
  assertEquals(doubts.reason, undefined);
  doubts.onOffered(a, at(2));
  assertEquals(doubts.claimsEndMs, -Infinity);
  assertEquals(doubts.reason, undefined);
});

Deno.test("listings are in doubt until all who offer were read, and say the same", () => {
  const [a, b] = ["a", "b"] as unknown as [ServerId, ServerId];
  const doubts = new ListingDoubts(50);
  doubts.onOffered(a, at(1));
  assertEquals(doubts.reason, "no listing was read");
  doubts.onRead(new Set([a]), true);
  assertEquals(doubts.reason, undefined);
  doubts.onOffered(b, at(2));
  assertEquals(doubts.reason, "a server offers it whose listing was not read");
  doubts.onRead(new Set([a, b]), false);
  assertEquals(doubts.reason, "servers list different things, or not everything");
  doubts.onRead(new Set([a, b]), true);
  assertEquals(doubts.reason, undefined);
});

Deno.test("of very many claims the longest known is forgotten, and the latest still has its time", () => {
  const doubts = new ListingDoubts(50);
  for (let port = 1; port <= FOLDER_CLAIMS_MAX + 1; port++) {
    doubts.onClaimed(port, { address: "10.0.0.1", port });
  }
  assertEquals(doubts.claimsEndMs, FOLDER_CLAIMS_MAX + 1 + 50);
  // The first is new again: what is forgotten is not kept in any other way.
  doubts.onClaimed(9_000, { address: "10.0.0.1", port: 1 });
  assertEquals(doubts.claimsEndMs, 9_050);
});
