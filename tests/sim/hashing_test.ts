/** A client and servers that are hashing what it asks for, or say that they are. */
import { assert, assertEquals } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import {
  HASHING_VOTE_MS_MAX,
  HASHING_VOTE_PATIENCE_MS,
} from "../../lib/protocol/download/limits.ts";
import type { Scenario, ServerSpec } from "./scenario.ts";
import type { LinkSpec } from "./sim_link.ts";
import { runScenario } from "./world.ts";

const TIMEOUT_MS = 3_000;
const ATTEMPTS = 2;

const LINK: LinkSpec = {
  ...{ bytesPerMs: 10_000, delayMs: 0.5, queueBytesMax: 100_000, mtuBytes: 1_500 },
  ...{ loss: 0, duplication: 0, reordering: 0, bitFlips: 0, truncation: 0, downMs: [] },
};
const SERVER: ServerSpec = {
  ...{ paths: [{ toServer: LINK, toClient: LINK }], startsMs: 0, variant: 0, readyMs: 0 },
  ...{ bytesPerMs: 10_000, rateBytesPerS: 0, answerMs: 0.1, lieChunks: [], mishaps: [] },
};
const LIAR: ServerSpec = { ...SERVER, lie: "hashing" };

function scenario(servers: readonly ServerSpec[]): Scenario {
  return {
    ...{ seed: 3, sizeBytes: 1_000_000, servers },
    client: {
      ...{ timeoutMs: TIMEOUT_MS, retries: ATTEMPTS, isPinned: false, rateBytesPerS: 0 },
      ...{ receiveBufferBytes: 1 << 20, joinMs: 0.2, hopMs: 0.2, killsMs: [], killsAtDiskOp: [] },
      ...{ rots: false, disk: { writeMs: 0.05 } },
    },
  };
}

Deno.test("a server that says for ever that it is hashing is waited for as long as one that is silent", async () => {
  const outcome = await runScenario(scenario([LIAR]));
  assertEquals([outcome.violation, outcome.end], [undefined, "no_server"]);
  const { elapsedMs } = outcome;
  assert(elapsedMs < (ATTEMPTS + 1) * TIMEOUT_MS, `it took ${elapsedMs} ms`);
});

Deno.test("a server that takes long, and truly hashes, is waited for", async () => {
  const readyMs = 20 * ATTEMPTS * TIMEOUT_MS;
  const outcome = await runScenario(scenario([{ ...SERVER, readyMs }]));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assert(outcome.elapsedMs > readyMs);
});

Deno.test("liars that say they are hashing delay one who has the file by a moment, and two of them by nothing", async () => {
  const alone = await runScenario(scenario([SERVER]));
  const beside = await runScenario(scenario([LIAR, LIAR, SERVER, LIAR]));
  assertEquals([beside.violation, beside.end], [undefined, "done"]);
  const mostMs = alone.elapsedMs + HASHING_VOTE_PATIENCE_MS;
  assert(beside.elapsedMs < mostMs, `${beside.elapsedMs} ms, not ${mostMs}`);
  const outvoted = await runScenario(scenario([LIAR, SERVER, SERVER]));
  assertEquals([outvoted.violation, outvoted.end], [undefined, "done"]);
  assert(outvoted.elapsedMs < 2 * alone.elapsedMs, `${outvoted.elapsedMs} ms`);
});

Deno.test("who hashes another file of that size is waited for beyond the usual time if the size is large, and heard", async () => {
  const readyMs = HASHING_VOTE_MS_MAX + 1_500;
  const late = { ...SERVER, readyMs, variant: 1 };
  const outcome = await runScenario({ ...scenario([SERVER, late]), sizeBytes: 32 * MIB });
  assertEquals([outcome.violation, outcome.end], [undefined, "ambiguous"]);
  assert(outcome.elapsedMs > readyMs, `it took ${outcome.elapsedMs} ms`);
});
