/** A world in which nothing goes wrong, for tests to spoil. */
import { CHUNK_BYTES_MIN } from "../../lib/protocol/merkle/limits.ts";
import type { PathSpec, Scenario, ServerSpec } from "./scenario.ts";
import type { LinkSpec } from "./sim_link.ts";

export const CHUNKS = 32;
const SIZE_BYTES = CHUNKS * CHUNK_BYTES_MIN - 1_000;

const LINK: LinkSpec = {
  bytesPerMs: 2_000,
  delayMs: 0.5,
  queueBytesMax: 100_000,
  mtuBytes: 1_500,
  loss: 0,
  duplication: 0,
  reordering: 0,
  bitFlips: 0,
  truncation: 0,
  downMs: [],
};

const SERVER: ServerSpec = {
  paths: [],
  startsMs: 0,
  variant: 0,
  readyMs: 0,
  bytesPerMs: 10_000,
  rateBytesPerS: 0,
  answerMs: 0.1,
  lieChunks: [],
  mishaps: [],
};

export function plainPath(link: Partial<LinkSpec> = {}, path: Partial<PathSpec> = {}): PathSpec {
  const each = { ...LINK, ...link };
  return { toServer: each, toClient: each, ...path };
}

export function plainServer(given: Partial<ServerSpec> = {}): ServerSpec {
  return { ...SERVER, paths: [plainPath()], ...given };
}

export function plainScenario(given: Partial<Scenario> = {}): Scenario {
  return {
    seed: 7,
    sizeBytes: SIZE_BYTES,
    client: {
      timeoutMs: 5_000,
      retries: 3,
      isPinned: false,
      rateBytesPerS: 0,
      receiveBufferBytes: 1 << 20,
      joinMs: 0.2,
      hopMs: 0.2,
      killsMs: [],
      killsAtDiskOp: [],
      rots: false,
      disk: { writeMs: 0.05 },
    },
    servers: [plainServer()],
    ...given,
  };
}
