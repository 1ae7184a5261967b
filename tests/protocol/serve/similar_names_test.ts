/** Which names are taken for what somebody meant. */
import { assertEquals } from "@std/assert";
import type { SafeFileName } from "../../../lib/ids.ts";
import { letterSet, similarNames } from "../../../lib/protocol/serve/similar_names.ts";

function like(wanted: string, ...offered: readonly string[]): string[] {
  const candidates = (offered as readonly SafeFileName[]).toSorted()
    .map((name) => ({ name, letters: letterSet(name) }));
  return similarNames(wanted as SafeFileName, candidates, 8);
}

Deno.test("a letter too many, too few, another or swapped with its neighbour is one mistake", () => {
  for (const wanted of ["fillm", "fim", "filn", "flim", "fiml", "iflm", "FILM"]) {
    assertEquals(like(wanted, "film", "song"), ["film"], wanted);
  }
  // Two mistakes are too many for so short a name, and not for a longer one.
  assertEquals(like("fmil", "film"), []);
  assertEquals(like("hoilday.mp4", "holiday.mp4"), ["holiday.mp4"]);
  assertEquals(like("hoildya.mp4", "holiday.mp4"), ["holiday.mp4"]);
});

Deno.test("swaps are counted the same way wherever names differ in length", () => {
  // By the definition, over all pairs of short texts of two letters.
  const texts = ["", "a", "b"].flatMap((x) =>
    ["a", "b"].flatMap((y) => ["a", "b"].map((z) => x + y + z))
  );
  for (const a of texts) {
    for (const b of texts) {
      const isNear = osa(a, b) <= 1;
      // Containment has rules of its own.
      if (a.includes(b) || b.includes(a)) continue;
      assertEquals(like(a, b).length === 1, isNear, `${a} ${b}`);
    }
  }
});

/** Optimal string alignment by its recursive definition. */
function osa(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const [restA, restB] = [a.slice(0, -1), b.slice(0, -1)];
  const same = a.at(-1) === b.at(-1) ? 0 : 1;
  const ways = [osa(restA, b) + 1, osa(a, restB) + 1, osa(restA, restB) + same];
  if (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)) {
    ways.push(osa(a.slice(0, -2), b.slice(0, -2)) + 1);
  }
  return Math.min(...ways);
}
