/** A world of many who want the same for any 32-bit seed. In all of them everybody who stays can end with the file. */
import { MIB } from "../../lib/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import type { LinkSpec } from "./sim_link.ts";
import {
  type Attachment,
  cable,
  FAST_BYTES_PER_MS,
  plainLink,
  type SwarmScenario,
  swarmScenario,
  type TakerSpec,
} from "./swarm_scenario.ts";

/** Takers give each other what is long enough. */
const SIZES = [200_001, 1 * MIB, 2 * MIB, 2 * MIB];
const LIES = ["rot", "silent", "all", "names"] as const;
const SHARES_OF_FAST = [1, 0.2, 0.1, 0.05];

export function swarmScenarioOf(seed: number): SwarmScenario {
  const random = new Random(seed ^ 0x5a5a);
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
  const maybe = (probability: number): boolean => random.chance(probability);
  const between = (low: number, high: number): number => Math.round(random.between(low, high));
  const fault = maybe(0.4) ? 0.02 * random.fraction() : 0;
  const faults = { loss: fault, duplication: fault, reordering: fault, bitFlips: fault / 4 };
  const link = (): LinkSpec =>
    plainLink({
      ...faults,
      bytesPerMs: FAST_BYTES_PER_MS * pick(SHARES_OF_FAST),
      delayMs: pick([0.1, 0.1, 2]),
    });
  const symmetric = link();
  const hasAir = maybe(0.2);
  const attachment = (): Attachment => {
    if (hasAir && maybe(0.7)) return "air";
    return maybe(0.3) ? { up: link(), down: link() } : { up: symmetric, down: symmetric };
  };
  const hasMaster = maybe(0.25);
  const comeTogether = maybe(0.5);
  const takers = Array.from({ length: pick([1, 2, 3, 5, 8]) }, (): TakerSpec => {
    const startsMs = comeTogether ? 0 : between(0, 2_000);
    const goes = random.fraction();
    return {
      ...{ startsMs, link: attachment(), isRemote: hasMaster && maybe(0.5) },
      ...(goes < 0.15 && { diesMs: startsMs + between(1, 1_500) }),
      ...(goes < 0.08 && { backAfterMs: between(1, 1_000) }),
      ...(goes > 0.9 && { leavesMs: startsMs + between(1, 1_500) }),
      ...(maybe(0.15) && { shares: false }),
      ...(maybe(0.1) && { shareRateBytesPerS: between(50_000, 2_000_000) }),
      ...(maybe(0.1) && { isFirewalled: true }),
      ...(maybe(0.05) && { rotsMs: startsMs + between(1, 1_500) }),
      ...(maybe(0.15) && { lie: pick(LIES) }),
    };
  });
  const servers = Array.from({ length: pick([1, 1, 2]) }, () => ({
    link: cable({ ...faults, bytesPerMs: FAST_BYTES_PER_MS * pick([1, 0.2, 0.1]) }),
  }));
  const hosts = Array.from({ length: servers.length + takers.length }, (_, host) => host);
  const fromMs = between(0, 2_000);
  return swarmScenario({
    ...{ seed, sizeBytes: pick(SIZES), servers, takers, hasMaster },
    air: plainLink({ ...faults, bytesPerMs: FAST_BYTES_PER_MS * pick([0.25, 0.5]) }),
    between: plainLink({ ...faults, bytesPerMs: FAST_BYTES_PER_MS * pick([0.5, 1]) }),
    phantoms: maybe(0.1) ? between(1, 40) : 0,
    partitions: maybe(0.25)
      ? [{
        duringMs: [fromMs, fromMs + between(100, 4_000)],
        hosts: hosts.filter(() => maybe(0.4)),
      }]
      : [],
  });
}
