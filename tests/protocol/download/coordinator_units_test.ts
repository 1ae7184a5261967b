/** A folder as the coordinator sees it: units that are leased as chunks are, and of which some may go. */
import { assert, assertEquals } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import type { LeasedUnit } from "../../../lib/protocol/download/fetch_list.ts";
import { CHUNKS, CoordinatorScript as Script, TRANSFER } from "../../support/coordinator_script.ts";

/** Units of a folder, of unequal lengths. */
const UNITS: readonly LeasedUnit[] = Array.from({ length: CHUNKS }, (_, i) => ({
  root: hashHex(String(i).padStart(64, "0")),
  sizeBytes: 1_000 * (i + 1),
  parts: [1_000 * (i + 1)],
}));

Deno.test("the units of a folder are leased with what they are asked for by, until each is there", () => {
  const script = new Script(UNITS);
  const a = script.source("a");
  const lease = script.actions.find((action) => action.kind === "lease");
  assert(lease?.kind === "lease");
  assertEquals(lease.lease.units, lease.lease.chunks.map((chunk) => UNITS[chunk]!));
  script.drain(a);
  assertEquals(script.actions.filter(({ kind }) => kind === "complete").length, 1);
});

Deno.test("a unit that one source has no more is fetched from another, and that source goes on with the rest", () => {
  const script = new Script(UNITS);
  const [a, b] = [script.source("a"), script.source("b")];
  const chunk = [...script.leasedTo(a)][0]!;
  script.leasedTo(a).delete(chunk);
  script.tell({ kind: "gone", source: a, transfer: TRANSFER, chunk });
  assertEquals(script.actions.some(({ kind }) => kind === "unobtainable"), false);
  script.drain(a);
  assert(!script.toldTo(a).some((told) => told === `lease ${chunk}`), "it was not asked again");
  script.drain(b);
  assert(script.actions.some(({ kind }) => kind === "complete"));
});

Deno.test("a unit that nobody has any more is done with, and all others are fetched", () => {
  const script = new Script(UNITS);
  const [a, b] = [script.source("a"), script.source("b")];
  for (const source of [a, b]) {
    script.leasedTo(source).delete(3);
    script.tell({ kind: "gone", source, transfer: TRANSFER, chunk: 3 });
  }
  const unobtainable = { kind: "unobtainable", transfer: TRANSFER, chunk: 3 } as const;
  assertEquals(script.actions.filter(({ kind }) => kind === "unobtainable"), [unobtainable]);
  script.drain(a);
  script.drain(b);
  assertEquals(script.actions.filter(({ kind }) => kind === "complete").length, 1);
});
