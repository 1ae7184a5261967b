/**
 * What happens in one simulated world, as plain data: it can be kept as JSON and played again. The
 * generator makes one of any 32-bit seed; where it changes, seeds mean other worlds, scenarios don't.
 */
import { KIB, MIB } from "../../lib/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import type { AdversarySpec } from "./sim_adversary.ts";
import type { LinkSpec } from "./sim_link.ts";

export interface PathSpec {
  readonly toServer: LinkSpec;
  readonly toClient: LinkSpec;
  /** What a firewall makes of datagrams, in both directions. */
  readonly block?: UdpBlock | undefined;
}

/** Which datagrams vanish: all, those of data ports, or long ones of data ports. */
export interface UdpBlock {
  readonly what: "all" | "data" | "long";
  readonly fromMs: number;
  readonly untilMs?: number;
}

export type Mishap =
  /** It ends; with `forMs` it is started again after that, with another id and secret. */
  | { readonly kind: "crash"; readonly atMs: number; readonly forMs?: number }
  /** It does nothing for a while; then it goes on with what has piled up. */
  | { readonly kind: "stall"; readonly atMs: number; readonly forMs: number }
  /** The file is another from now on, which is seen after `seenMs` or when it is read. */
  | { readonly kind: "change"; readonly atMs: number; readonly seenMs: number };

export interface ServerSpec {
  readonly paths: readonly PathSpec[];
  readonly startsMs: number;
  /** Which file it has: 0 is what most have; `undefined` for none. */
  readonly variant?: number;
  /** Until when it hashes the file. */
  readonly readyMs: number;
  /** How fast it sends. */
  readonly bytesPerMs: number;
  /** `--rate`; 0 for none. */
  readonly rateBytesPerS: number;
  /** How long its main thread takes for an answer. */
  readonly answerMs: number;
  /**
   * `chunks`: wrong bytes in these chunks. `root`: a root that is none of the file. `sha256`: the
   * SHA-256 of variant 0, whatever it has. `hashing`: it says for ever that it is hashing. `packs`: what it packs is not
   * what it was asked to pack.
   */
  readonly lie?: "chunks" | "root" | "sha256" | "hashing" | "packs";
  readonly lieChunks: readonly number[];
  readonly mishaps: readonly Mishap[];
  /** The only chunks that it has, as the client learns with the first answer: from the first to before the second. */
  readonly holds?: readonly [number, number] | undefined;
  /** Its TCP port, by the same paths; absent where it is not told of. */
  readonly tcp?: TcpSpec | undefined;
}

export interface TcpSpec {
  /** When what is open breaks. */
  readonly breaksMs: readonly number[];
}

export interface DiskSpec {
  readonly writeMs: number;
  /** How long it takes to bring a file to the disk for good. */
  readonly sealMs?: number;
  /** So much fits. */
  readonly capacityBytes?: number;
  /** The number of the write that fails. */
  readonly failsAtWrite?: number;
}

export interface ClientSpec {
  readonly timeoutMs: number;
  readonly retries: number;
  /** Whether the SHA-256 of variant 0 is asked for. */
  readonly isPinned: boolean;
  readonly rateBytesPerS: number;
  readonly receiveBufferBytes: number;
  /** Datagrams of one sender that come within this are handed over joined; 0 for one by one. */
  readonly joinMs: number;
  /** What crosses from one thread to another takes up to this. */
  readonly hopMs: number;
  /** It is killed at these times … */
  readonly killsMs: readonly number[];
  /** … or in the middle of these operations on the disk, and started again. */
  readonly killsAtDiskOp: readonly number[];
  /** A byte of the part file changes while it is not running. */
  readonly rots: boolean;
  /** Whether its user names the servers (`--server`). */
  readonly namesServers?: boolean | undefined;
  readonly disk: DiskSpec;
}

/** Who sends the file to anybody, round and round, beside the servers: see `push_driver.ts`. */
export interface PushSpec {
  readonly bytesPerMs: number;
  readonly startsMs: number;
  readonly endsMs?: number;
  /** Probability, for each piece. */
  readonly loss: number;
  /** Chunks that are wrong the first time round. */
  readonly badChunks: readonly number[];
}

export interface Scenario {
  readonly seed: number;
  readonly sizeBytes: number;
  readonly client: ClientSpec;
  readonly servers: readonly ServerSpec[];
  readonly push?: PushSpec | undefined;
  /** Who means harm, beside the servers. */
  readonly adversary?: AdversarySpec | undefined;
  /** Whether all but the adversary share a secret. */
  readonly isSealed?: boolean | undefined;
}

/** Sizes of which each is near a border of blocks or chunks. */
const SIZES: readonly number[] = [
  0,
  1,
  1_367,
  1_368,
  1_369,
  16 * KIB - 1,
  16 * KIB,
  16 * KIB + 1,
  40_000,
  64 * KIB - 1,
  64 * KIB,
  64 * KIB + 1,
  100_000,
  128 * KIB,
  128 * KIB + 17,
  192 * KIB,
  200_001,
  256 * KIB,
  256 * KIB + 1,
];
/** Of these, what takes long enough to be killed in between, with marks in a journal. */
const KILLED_SIZES: readonly number[] = [128 * KIB + 17, 200_001, 256 * KIB, 256 * KIB + 1];
const LARGE_SIZES: readonly number[] = [
  400_000,
  512 * KIB + 5,
  MIB - 1,
  MIB,
  // More than one page of the layer.
  MIB + 64 * KIB + 1,
];

export function scenarioOf(seed: number): Scenario {
  return new Generator(seed).scenario();
}

/** How much may go wrong in a world. */
type Weather = "calm" | "rough" | "wild";

class Generator {
  readonly #seed: number;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #sizeBytes: number;
  readonly #kills: number;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#weather = this.#pick<Weather>(["calm", "rough", "rough", "wild"]);
    this.#kills = this.#maybe(0.15) ? 1 + this.#random.below(2) : 0;
    const sizes = this.#kills > 0 && this.#maybe(0.7) ? KILLED_SIZES : SIZES;
    this.#sizeBytes = this.#pick(this.#maybe(0.05) ? LARGE_SIZES : sizes);
  }

  scenario(): Scenario {
    const count = this.#pick([1, 1, 2, 2, 2, 3, 3, 4, 5, 6]);
    const servers = Array.from({ length: count }, (_, index) => this.#server(index));
    const client = this.#client();
    const blocks = this.#maybe(0.2);
    const named = blocks && this.#maybe(0.5) ? { namesServers: true } : {};
    const hasStreams = blocks || this.#maybe(0.5);
    const push = this.#maybe(0.1) ? { push: this.#push() } : {};
    return {
      seed: this.#seed,
      sizeBytes: this.#sizeBytes,
      client: { ...client, ...named },
      servers: servers.map((server) => hasStreams ? this.#withStreams(server, blocks) : server),
      ...push,
      // By the seed alone: nothing else of the world changes.
      ...(this.#seed % 2 === 1 && { isSealed: true }),
    };
  }

  #withStreams(server: ServerSpec, blocks: boolean): ServerSpec {
    const isBlocked = blocks && this.#maybe(0.7);
    const breaks = this.#maybe(0.3) ? 1 + this.#random.below(3) : 0;
    const breaksMs = Array.from({ length: breaks }, () => this.#round(this.#between(0, 5_000)));
    const tcp = this.#maybe(0.9) ? { breaksMs: breaksMs.sort((a, b) => a - b) } : undefined;
    const paths = server.paths.map((path) => isBlocked ? { ...path, block: this.#block() } : path);
    return { ...server, paths, ...(tcp && { tcp }) };
  }

  #block(): UdpBlock {
    const fromMs = this.#maybe(0.5) ? 0 : this.#round(this.#between(0, 500));
    return { what: this.#pick(["all", "data", "long"] as const), fromMs };
  }

  #push(): PushSpec {
    const chunks = Math.ceil(this.#sizeBytes / (64 * KIB));
    const startsMs = this.#maybe(0.5) ? 0 : this.#round(this.#between(0, 500));
    return {
      bytesPerMs: this.#pick([20, 200, 2_000]),
      startsMs,
      ...(this.#maybe(0.5) && { endsMs: this.#round(startsMs + this.#between(0, 500)) }),
      loss: this.#maybe(0.5) ? this.#round(this.#between(0, 0.1)) : 0,
      badChunks: this.#maybe(0.3) ? this.#someOf(chunks) : [],
    };
  }

  #client(): ClientSpec {
    const killsMs: number[] = [];
    const killsAtDiskOp: number[] = [];
    for (let kill = 0; kill < this.#kills; kill++) {
      if (this.#maybe(0.6)) killsMs.push(this.#round(this.#between(20, 900)));
      else killsAtDiskOp.push(1 + this.#random.below(60));
    }
    return {
      timeoutMs: this.#pick([2_000, 5_000, 10_000]),
      retries: this.#pick([3, 5, 10]),
      isPinned: this.#maybe(0.15),
      rateBytesPerS: this.#maybe(0.05) ? 200_000 : 0,
      receiveBufferBytes: this.#pick([4 * MIB, 4 * MIB, 212_992, 64 * KIB]),
      joinMs: this.#pick([0, 0.2, 1]),
      hopMs: this.#pick([0.1, 0.1, 1, 5]),
      killsMs: killsMs.sort((a, b) => a - b),
      killsAtDiskOp,
      rots: this.#kills > 0 && this.#maybe(0.3),
      disk: this.#disk(),
    };
  }

  #disk(): DiskSpec {
    const writeMs = this.#pick([0.05, 0.2, 5]);
    // Longer than some clients wait for a server.
    if (this.#maybe(0.03)) return { writeMs, sealMs: 3_000 };
    if (this.#maybe(0.03)) {
      return { writeMs, capacityBytes: this.#random.below(this.#sizeBytes + 400) };
    }
    if (this.#maybe(0.03)) return { writeMs, failsAtWrite: 1 + this.#random.below(12) };
    return { writeMs };
  }

  #server(index: number): ServerSpec {
    const isBad = this.#maybe(0.12);
    const lie = isBad
      ? this.#pick(["chunks", "chunks", "root", "sha256", "packs"] as const)
      : undefined;
    const chunkCount = Math.max(1, Math.ceil(this.#sizeBytes / (64 * KIB)));
    const hasOther = lie === "sha256" || (lie === undefined && this.#maybe(0.06));
    const hasNone = lie === undefined && this.#maybe(0.05);
    return {
      paths: Array.from({ length: this.#maybe(0.15) ? 2 : 1 }, () => this.#path()),
      startsMs: index === 0 || this.#maybe(0.8) ? 0 : this.#round(this.#between(0, 2_000)),
      ...(hasNone ? {} : { variant: hasOther ? 1 : 0 }),
      readyMs: this.#maybe(0.08) ? this.#round(this.#between(100, 3_000)) : 0,
      bytesPerMs: this.#pick([2_000, 12_500, 125_000]),
      rateBytesPerS: this.#maybe(0.05) ? this.#pick([100_000, 1_000_000]) : 0,
      answerMs: this.#maybe(0.1) ? this.#round(this.#between(5, 300)) : 0.1,
      ...(lie === undefined ? {} : { lie }),
      lieChunks: lie === "chunks" ? this.#someOf(chunkCount) : [],
      mishaps: this.#mishaps(),
    };
  }

  #mishaps(): Mishap[] {
    const share = { calm: 0, rough: 0.2, wild: 0.5 }[this.#weather];
    const mishaps: Mishap[] = [];
    while (mishaps.length < 3 && this.#maybe(share)) {
      const atMs = this.#round(this.#between(0, this.#maybe(0.7) ? 200 : 2_000));
      const forMs = this.#round(this.#between(10, this.#maybe(0.7) ? 600 : 6_000));
      const kind = this.#pick(["crash", "restart", "stall", "change"] as const);
      if (kind === "crash") mishaps.push({ kind, atMs });
      else if (kind === "restart") mishaps.push({ kind: "crash", atMs, forMs });
      else if (kind === "stall") mishaps.push({ kind, atMs, forMs });
      else mishaps.push({ kind, atMs, seenMs: this.#pick([20, 300, 1_000]) });
    }
    return mishaps.sort((a, b) => a.atMs - b.atMs);
  }

  #path(): PathSpec {
    const isSlow = this.#kills > 0 && this.#maybe(0.8);
    const bytesPerMs = this.#pick(isSlow ? [200, 500] : [500, 1_250, 5_000, 12_500, 125_000]);
    const delayMs = this.#pick([0.05, 0.15, 0.5, 2, 10, 40]);
    const mtuBytes = this.#maybe(0.04) ? 1_250 : 1_500;
    const downMs = this.#downs();
    const link = () => this.#link(bytesPerMs, delayMs, mtuBytes, downMs);
    return { toServer: link(), toClient: link() };
  }

  #downs(): (readonly [number, number])[] {
    if (!this.#maybe({ calm: 0, rough: 0.1, wild: 0.25 }[this.#weather])) return [];
    const fromMs = this.#round(this.#between(0, 500));
    const forMs = this.#between(20, this.#maybe(0.7) ? 500 : 8_000);
    return [[fromMs, this.#round(fromMs + forMs)]];
  }

  #link(
    bytesPerMs: number,
    delayMs: number,
    mtuBytes: number,
    downMs: LinkSpec["downMs"],
  ): LinkSpec {
    const most = { calm: 0, rough: 0.05, wild: 0.15 }[this.#weather];
    const some = (): number => this.#maybe(0.4) ? this.#round(this.#between(0, most)) : 0;
    const hasBursts = most > 0 && this.#maybe(0.2);
    return {
      bytesPerMs,
      delayMs,
      queueBytesMax: this.#pick([30_000, 128 * KIB, 512 * KIB]),
      mtuBytes,
      loss: some(),
      duplication: some(),
      reordering: some(),
      bitFlips: this.#maybe(0.3) ? this.#round(this.#between(0, most / 3)) : 0,
      truncation: this.#maybe(0.2) ? this.#round(this.#between(0, most / 3)) : 0,
      downMs,
      ...(hasBursts
        ? { burst: { goodMs: 300, badMs: this.#pick([10, 50]), loss: this.#pick([0.6, 1]) } }
        : {}),
    };
  }

  #someOf(count: number): number[] {
    const share = this.#pick([0.2, 0.5, 1]);
    const chunks = Array.from({ length: count }, (_, chunk) => chunk);
    return chunks.filter((chunk) => chunk === 0 || this.#maybe(share));
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)]!;
  }

  #maybe(probability: number): boolean {
    return this.#random.chance(probability);
  }

  #between(low: number, high: number): number {
    return this.#random.between(low, high);
  }

  #round(value: number): number {
    return Math.round(value * 10_000) / 10_000;
  }
}
