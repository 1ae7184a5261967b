/**
 * What happens in a world in which everything is entered as users enter it (`shipped_world.ts`), as plain data. The
 * generator makes one of any 32-bit seed.
 */
import { KIB } from "../../lib/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import type { LinkSpec } from "./sim_link.ts";

/** A file of the served folder, by the number of its name. */
export interface ServedSpec {
  readonly file: number;
  readonly sizeBytes: number;
}

/** What somebody does to the served folder of a server: another content, or none. */
export interface ChangeSpec {
  readonly atMs: number;
  readonly server: number;
  readonly file: number;
  readonly sizeBytes?: number;
}

export interface ShippedServerSpec {
  readonly serves: readonly ServedSpec[];
  /** It dies, and is started again on the same disk. */
  readonly diesMs?: number;
  readonly backAfterMs: number;
  readonly quotaBytes: number;
}

export interface ShippedScenario {
  readonly seed: number;
  /** Whether all of them share a secret, under which they seal what they say. */
  readonly isSealed?: boolean | undefined;
  /** Whether broadcasts reach servers; otherwise the master alone tells of them. */
  readonly isOneNetwork: boolean;
  readonly hasMaster: boolean;
  /** The master dies, and another one without its memory takes its place. */
  readonly masterDiesMs?: number;
  readonly masterBackAfterMs: number;
  readonly servers: readonly ShippedServerSpec[];
  readonly changes: readonly ChangeSpec[];
  readonly link: LinkSpec;
  readonly getAtMs: number;
  /** Files by number; a pattern for all of them where there are none. */
  readonly gets: readonly number[];
  readonly listAtMs: readonly number[];
  readonly putAtMs: number;
  readonly puts: readonly number[];
  /** When all streams break. */
  readonly breaksMs: readonly number[];
  readonly timeoutMs: number;
  readonly retries: number;
}

const SIZES = [0, 1, 1_368, 16 * KIB, 64 * KIB - 1, 64 * KIB, 100_000, 200_001];
const FILES = 4;

export function shippedScenarioOf(seed: number): ShippedScenario {
  const random = new Random(seed ^ 0x5eed);
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
  const maybe = (probability: number): boolean => random.chance(probability);
  const between = (low: number, high: number): number => Math.round(random.between(low, high));
  const some = (count: number, low: number, high: number): number[] =>
    Array.from({ length: count }, () => between(low, high)).sort((a, b) => a - b);
  const hasMaster = maybe(0.5);
  const isRough = maybe(0.6);
  // What two servers both have is the same there at first.
  const sizes = Array.from({ length: FILES }, () => pick(SIZES));
  const servers = Array.from({ length: pick([1, 1, 2]) }, (): ShippedServerSpec => ({
    serves: sizes.flatMap((sizeBytes, file) => maybe(0.8) ? [{ file, sizeBytes }] : []),
    ...(isRough && maybe(0.3) && { diesMs: between(500, 12_000) }),
    backAfterMs: between(100, 4_000),
    quotaBytes: pick([150_000, 1_000_000]),
  }));
  const changes = Array.from({ length: pick([0, 0, 1, 3]) }, (): ChangeSpec => ({
    atMs: between(0, 15_000),
    server: random.below(servers.length),
    file: random.below(FILES),
    ...(maybe(0.7) && { sizeBytes: pick(SIZES) }),
  }));
  const loss = isRough && maybe(0.5) ? 0.05 * random.fraction() : 0;
  return {
    seed,
    ...(seed % 2 === 1 && { isSealed: true }),
    hasMaster,
    isOneNetwork: !hasMaster || maybe(0.4),
    ...(hasMaster && isRough && maybe(0.5) && { masterDiesMs: between(500, 10_000) }),
    masterBackAfterMs: between(100, 5_000),
    servers,
    changes: changes.sort((a, b) => a.atMs - b.atMs),
    link: {
      bytesPerMs: pick([200, 1_250, 12_500]),
      delayMs: pick([0.1, 2, 20]),
      queueBytesMax: 128 * KIB,
      mtuBytes: 1_500,
      loss,
      duplication: loss,
      reordering: loss,
      bitFlips: loss / 5,
      truncation: 0,
      downMs: isRough && maybe(0.2) ? [[2_000, between(2_050, 5_000)]] : [],
    },
    getAtMs: between(3_000, 8_000),
    gets: maybe(0.3) ? [] : [...new Set([random.below(FILES), random.below(FILES)])],
    listAtMs: some(2, 2_500, 15_000),
    putAtMs: between(2_500, 8_000),
    puts: Array.from({ length: pick([1, 2, 3]) }, () => pick(SIZES)),
    breaksMs: isRough ? some(random.below(4), 2_500, 12_000) : [],
    timeoutMs: pick([3_000, 10_000]),
    retries: pick([3, 5]),
  };
}
