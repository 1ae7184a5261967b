/**
 * Worlds with somebody who owns addresses, uses every id and forges every source address (docs/PROTOCOL.md,
 * "What a majority is worth").
 */
import { assert, assertEquals } from "@std/assert";
import { TRIAL_MUTE_MS } from "../../lib/protocol/download/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import type { Scenario, ServerSpec } from "./scenario.ts";
import type { Malice } from "./sim_adversary.ts";
import { simContent } from "./sim_contents.ts";
import type { LinkSpec } from "./sim_link.ts";
import { baseSeed, seedAt } from "./seeds.ts";
import { type Outcome, runScenario } from "./world.ts";

const WORLDS = Number(Deno.env.get("SHOAL_ADVERSARY_WORLDS") ?? 150);
const SIZES = [1, 1_368, 16_384, 100_000, 256 * 1024 + 1];
/** Of these one chunk, few chunks, and many. */
const GHOST_SIZES = [1, 65_536, 65_537, 256 * 1024 + 1, 1 << 20, 1 << 24];
const MALICE: readonly Malice[] = ["other", "other", "noise", "pages", "gone", "mute"];

/** Nothing is lost, and everybody answers while offers are gathered. */
function link(random: Random): LinkSpec {
  const delayMs = random.between(0.05, 8);
  const faults = { loss: 0, duplication: 0, reordering: 0, bitFlips: 0, truncation: 0 };
  return {
    bytesPerMs: 12_500,
    delayMs,
    queueBytesMax: 524_288,
    mtuBytes: 1_500,
    ...faults,
    downMs: [],
  };
}

function honest(random: Random): ServerSpec {
  const paths = [{ toServer: link(random), toClient: link(random) }];
  const idle = { startsMs: 0, readyMs: 0, rateBytesPerS: 0, lieChunks: [], mishaps: [] };
  return { paths, variant: 0, bytesPerMs: 12_500, answerMs: 0.1, ...idle };
}

function scenarioOf(seed: number, honestCount: number, malice: readonly Malice[]): Scenario {
  const random = new Random(seed);
  const disk = { writeMs: 1 };
  const once = { killsMs: [], killsAtDiskOp: [], rots: false, disk };
  return {
    seed,
    sizeBytes: SIZES[random.below(SIZES.length)]!,
    client: {
      ...{ timeoutMs: 1_000, retries: 3, isPinned: false, rateBytesPerS: 0, hopMs: 0.2 },
      ...{ receiveBufferBytes: 212_992, joinMs: 0, ...once },
    },
    servers: Array.from({ length: honestCount }, () => honest(random)),
    adversary: { addresses: malice, forgedPerFind: random.below(60) },
  };
}

function isTrue(scenario: Scenario, { done }: Outcome): boolean {
  return done?.sha256 === simContent(scenario.sizeBytes, 0).content.sha256;
}

async function run(
  check: (scenario: Scenario, outcome: Outcome) => string | undefined,
  make: (seed: number, random: Random) => Scenario,
): Promise<void> {
  const base = await baseSeed();
  const broken: string[] = [];
  for (let index = 0; index < WORLDS; index++) {
    const seed = seedAt(base, index);
    const scenario = make(seed, new Random(seed + 1));
    const outcome = await runScenario(scenario);
    const problem = outcome.violation ?? check(scenario, outcome);
    if (problem !== undefined) broken.push(`seed ${seed}: ${problem} ${JSON.stringify(scenario)}`);
  }
  assertEquals(broken, []);
}

function maliceOf(random: Random, count: number): Malice[] {
  return Array.from({ length: count }, () => MALICE[random.below(MALICE.length)]!);
}

Deno.test(`${WORLDS} worlds: who owns fewer addresses than the honest servers changes nothing`, async () => {
  await run(
    (scenario, outcome) =>
      outcome.end === "done" && isTrue(scenario, outcome) ? undefined : `ended as ${outcome.end}`,
    (seed, random) => {
      const honestCount = 1 + random.below(4);
      return scenarioOf(seed, honestCount, maliceOf(random, random.below(honestCount)));
    },
  );
});

Deno.test(`${WORLDS} worlds: who owns as many or more never brings his file without a word`, async () => {
  const ends = new Map<string, number>();
  await run(
    (scenario, outcome) => {
      const { end, warnings } = outcome;
      const key = end === "done" ? `${end} ${isTrue(scenario, outcome)}` : end;
      ends.set(key, (ends.get(key) ?? 0) + 1);
      if (end !== "done" || isTrue(scenario, outcome)) return undefined;
      const [honestCount, his] = [scenario.servers.length, scenario.adversary!.addresses];
      const others = his.filter((each) => each === "other" || each === "mute").length;
      // Those of his who have the true file may take back what they said.
      if (others <= honestCount) return "his file, without a majority";
      return warnings.some((each) => /disagree/.test(each))
        ? undefined
        : "his file, without a word";
    },
    (seed, random) => {
      const honestCount = 1 + random.below(3);
      return scenarioOf(seed, honestCount, maliceOf(random, honestCount + random.below(3)));
    },
  );
  assert((ends.get("ambiguous") ?? 0) > 0 && (ends.get("done false") ?? 0) > 0, `${[...ends]}`);
});

Deno.test("two dozen servers at four addresses that show hashes and send nothing make nobody's file late", async () => {
  const base = await baseSeed();
  const ghosts = Array.from({ length: 4 }, (): Malice => "ghosts");
  const broken: string[] = [];
  for (const [index, sizeBytes] of GHOST_SIZES.entries()) {
    const seed = seedAt(base, index);
    const make = (malice: readonly Malice[]): Scenario => {
      const scenario = scenarioOf(seed, 1 + index % 2, malice);
      return { ...scenario, sizeBytes, adversary: { addresses: malice, forgedPerFind: 0 } };
    };
    const alone = await runScenario(make([]));
    const beside = await runScenario(make(ghosts));
    const problem = beside.violation ?? alone.violation;
    const told = `seed ${seed}: ${sizeBytes} bytes`;
    if (problem !== undefined) broken.push(`${told}: ${problem}`);
    if (beside.end !== "done" || !isTrue(make(ghosts), beside)) {
      broken.push(`${told}: ${beside.end}`);
    }
    const msMax = 1.5 * alone.elapsedMs + ghosts.length * TRIAL_MUTE_MS;
    if (beside.elapsedMs > msMax) {
      broken.push(`${told}: ${beside.elapsedMs} ms instead of ${alone.elapsedMs}`);
    }
  }
  assertEquals(broken, []);
});
