/** What happens in a world of many who want the same (`swarm_world.ts`), as plain data. */
import { KIB, MIB } from "../../lib/limits.ts";
import type { Span } from "../support/impairments.ts";
import type { Lie } from "./swarm_liar.ts";
import type { LinkSpec } from "./sim_link.ts";

/** Links of 100 Mbit/s, of which headers of the layers below take their part. */
export const FAST_BYTES_PER_MS = 12_000;

/** How a host is attached: by a cable of its own, each way for itself, or through the air that it shares with others. */
export type Attachment = "air" | { readonly up: LinkSpec; readonly down: LinkSpec };

/** Numbers of hosts: the servers come first, then the takers. */
export type HostNumber = number;

export interface TakerSpec {
  readonly startsMs: number;
  readonly link: Attachment;
  /** On the second subnet, behind the router. */
  readonly isRemote?: boolean;
  /** Its process is killed … */
  readonly diesMs?: number;
  /** … and started again on the same disk, so long after that. */
  readonly backAfterMs?: number;
  /** It is told to stop, and ends in order. */
  readonly leavesMs?: number;
  /** Whether it gives others what it has; it does by default. */
  readonly shares?: boolean;
  /** Cap on that, in bytes per second. */
  readonly shareRateBytesPerS?: number;
  /** Of what others send it, only answers come through; servers reach it all the same. */
  readonly isFirewalled?: boolean;
  /** A byte of what it has by then goes bad on its disk, in each chunk: what it gives of it is no fault of the protocol. */
  readonly rotsMs?: number;
  /** It means harm, and may end as it likes. */
  readonly lie?: Lie;
}

export interface SwarmScenario {
  readonly seed: number;
  readonly sizeBytes: number;
  readonly servers: readonly { readonly link: Attachment }[];
  readonly takers: readonly TakerSpec[];
  /** What those share that are attached by air: whatever one sends keeps all others from sending. */
  readonly air: LinkSpec;
  /** What joins the two subnets, each way; broadcasts do not pass. */
  readonly between: LinkSpec;
  /** On the first subnet, and told to everybody. */
  readonly hasMaster: boolean;
  /** Addresses that announce themselves as takers, and are none. */
  readonly phantoms: number;
  /** From when to when, after the first start, these hosts reach each other only, and nobody else reaches them. */
  readonly partitions: readonly {
    readonly duringMs: Span;
    readonly hosts: readonly HostNumber[];
  }[];
  readonly timeoutMs: number;
  readonly retries: number;
}

/** Nothing is lost and nothing is damaged. */
export function plainLink(given: Partial<LinkSpec> = {}): LinkSpec {
  return {
    ...{ bytesPerMs: FAST_BYTES_PER_MS, delayMs: 0.1, queueBytesMax: 256 * KIB, mtuBytes: 1_500 },
    ...{ loss: 0, duplication: 0, reordering: 0, bitFlips: 0, truncation: 0, downMs: [] },
    ...given,
  };
}

/** Full duplex: as fast one way as the other. */
export function cable(given: Partial<LinkSpec> = {}): Attachment {
  return { up: plainLink(given), down: plainLink(given) };
}

/** So many, alike, at the same time. */
export function takers(count: number, given: Partial<TakerSpec> = {}): TakerSpec[] {
  return Array.from({ length: count }, () => ({ startsMs: 0, link: cable(), ...given }));
}

/** One server and eight takers; what is given stands in place of that. */
export function swarmScenario(given: Partial<SwarmScenario> = {}): SwarmScenario {
  return {
    ...{ seed: 1, sizeBytes: 1 * MIB, servers: [{ link: cable() }], takers: takers(8) },
    ...{ air: plainLink({ bytesPerMs: FAST_BYTES_PER_MS / 4 }), between: plainLink() },
    ...{ hasMaster: false, phantoms: 0, partitions: [], timeoutMs: 10_000, retries: 10 },
    ...given,
  };
}
