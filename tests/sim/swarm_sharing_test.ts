/** What takers give each other: how much that spares the server and everybody's time, and what liars can do about it. */
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import { TAKER_REST_MS, TAKER_VAIN_MAX } from "../../lib/protocol/download/limits.ts";
import { type Lie, VICTIM_NETWORK } from "./swarm_liar.ts";
import {
  cable,
  plainLink,
  type SwarmScenario,
  swarmScenario,
  takers,
  type TakerSpec,
} from "./swarm_scenario.ts";
import { runSwarm, type SwarmOutcome } from "./swarm_world.ts";

const SIZE_BYTES = 2 * MIB;
/** Slow enough for the transfer to take as long as those do for which takers are there. */
const BYTES_PER_MS = 600;
const TAKER_NETWORK = "10.0.1.";
const LINK = cable({ bytesPerMs: BYTES_PER_MS });

/** Takers on such links. */
function some(count: number, given: Partial<TakerSpec> = {}): TakerSpec[] {
  return takers(count, { link: LINK, ...given });
}

async function heldIn(given: Partial<SwarmScenario>): Promise<SwarmOutcome> {
  const outcome = await runSwarm(
    swarmScenario({ sizeBytes: SIZE_BYTES, servers: [{ link: LINK }], ...given }),
  );
  assertEquals(outcome.violation, undefined);
  return outcome;
}

/** When the first so many had it, after their start. */
function tookMs({ takers }: SwarmOutcome, first = takers.length): number {
  return Math.max(...takers.slice(0, first).map((each) => each.tookMs));
}

async function aloneMs(): Promise<number> {
  return tookMs(await heldIn({ takers: some(1) }));
}

Deno.test("four at once take little longer than one, and cost the server little more", async () => {
  const outcome = await heldIn({ takers: some(4) });
  assertLess(outcome.servedBytes, 2 * SIZE_BYTES);
  assertLess(tookMs(outcome), 1.8 * await aloneMs());
});

Deno.test("who gives nothing is served like everybody else, by takers as well", async () => {
  const outcome = await heldIn({ takers: [...some(3), ...some(1, { shares: false })] });
  assertEquals(outcome.takers[3]!.givenBytes, 0);
  assertLess(outcome.servedBytes, 2.5 * SIZE_BYTES);
  assertLess(tookMs(outcome), 2.5 * await aloneMs());
});

Deno.test("where nobody gives, all is as it would be without takers", async () => {
  const outcome = await heldIn({ takers: some(3, { shares: false }), sizeBytes: 1 * MIB });
  assert(outcome.servedBytes >= 3 * MIB);
});

Deno.test("who comes late gets what others have, and they get what it has", async () => {
  const late = some(1, { startsMs: 1_200 });
  const outcome = await heldIn({ takers: [...some(2), ...late] });
  assertLess(outcome.servedBytes, 2 * SIZE_BYTES);
  for (const { givenBytes } of outcome.takers) assert(givenBytes > 0, "everybody gives");
});

Deno.test("a cap on what is given is kept", async () => {
  const shareRateBytesPerS = 100_000;
  const outcome = await heldIn({ takers: some(4, { shareRateBytesPerS }) });
  for (const { givenBytes, tookMs } of outcome.takers) {
    assertLessOrEqual(givenBytes, 1.05 * shareRateBytesPerS * tookMs / 1_000 + 64 * 1_024);
  }
});

Deno.test("behind a router, the others of the subnet give what one of them has fetched across", async () => {
  const outcome = await heldIn({
    hasMaster: true,
    between: plainLink({ bytesPerMs: BYTES_PER_MS / 2 }),
    takers: [...some(4), ...some(4, { isRemote: true })],
  });
  assertLess(outcome.crossedBytes, 2.5 * SIZE_BYTES);
});

Deno.test("a firewall that lets nothing in keeps nobody from fetching", async () => {
  const outcome = await heldIn({ takers: [...some(3), ...some(1, { isFirewalled: true })] });
  assertLess(tookMs(outcome), 2.5 * await aloneMs());
});

Deno.test("what goes bad on a taker's disk reaches nobody's file", async () => {
  const outcome = await heldIn({ takers: [...some(3), ...some(1, { rotsMs: 1_500 })] });
  assertEquals(outcome.takers.slice(0, 3).map(({ end }) => end), Array(3).fill("done"));
});

for (const lie of ["rot", "silent", "all", "names"] satisfies Lie[]) {
  Deno.test(`two of eight takers that lie (${lie}) spoil nothing, and cost the others little`, async () => {
    const outcome = await heldIn({ takers: [...some(6), ...some(2, { lie })] });
    assertEquals(outcome.takers.slice(0, 6).map(({ end }) => end), Array(6).fill("done"));
    assertLess(tookMs(outcome, 6), 4 * await aloneMs());
    for (const [path, datagrams] of outcome.strays) {
      assert(path.includes(` ${VICTIM_NETWORK}`), path);
      assertLessOrEqual(datagrams, TAKER_VAIN_MAX, path);
    }
    assertEquals(outcome.strays.size > 0, lie === "names");
  });
}

Deno.test("many addresses that announce themselves as takers, and are none, keep nobody from the file", async () => {
  const [phantoms, takerCount, sizeBytes] = [300, 4, 2 * MIB];
  const outcome = await heldIn({ phantoms, takers: some(takerCount), sizeBytes });
  assertEquals(outcome.phantomCount, phantoms);
  // Hardly worse off than where nobody gives.
  const alone = tookMs(await heldIn({ takers: some(1), sizeBytes }));
  assertLess(tookMs(outcome), 1.1 * takerCount * alone);
  const turns = 1 + tookMs(outcome) / TAKER_REST_MS;
  for (const [path, datagrams] of outcome.strays) {
    if (path.startsWith(TAKER_NETWORK)) {
      assertLessOrEqual(datagrams, turns * TAKER_VAIN_MAX, path);
    }
  }
});
