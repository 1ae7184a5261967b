/** The wire of these tests does to datagrams on their way between hosts what it is told. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { Impairments } from "../support/impairments.ts";
import type { Host } from "../support/lab.ts";
import { lan, Script } from "./fault_rig.ts";

/** What a client got back of datagrams that it sent to an echo: by number, in the order of coming. */
interface Echoes {
  readonly came: readonly number[];
  readonly rttsMs: readonly number[];
}

const COUNT = 200;
const BYTES = 1_000;
const ALL = Array.from({ length: COUNT }, (_, i) => i);

/** Sends {@linkcode COUNT} datagrams across, one every millisecond, and waits for what comes of them. */
async function echoes(far: Host, near: Host, bytes = BYTES): Promise<Echoes> {
  const script = new URL("echo_probe.ts", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "-A", script, far.addresses[0]!];
  return JSON.parse(await near.run(...deno, `${COUNT}`, `${bytes}`)) as Echoes;
}

lan("a wire loses, delays, doubles, mixes, queues and swallows as it is told", async (site) => {
  site.lab.wire(1, 7);
  const [far, near] = await site.hosts(1, 2);
  await Script.start(site, far, "echo_probe.ts");
  const across = async (toHost: Impairments): Promise<Echoes> => {
    await near.impair(1, { toHost });
    return await echoes(far, near);
  };
  assertEquals((await across({})).came, ALL);

  const late = await across({ delayMs: 100, jitterMs: 50, keepsOrder: true });
  assertEquals(late.came, ALL);
  assertGreater(Math.min(...late.rttsMs), 100);

  const mixed = await across({ jitterMs: 50 });
  assertEquals(mixed.came.toSorted((a, b) => a - b), ALL);
  assertGreater(mixed.came.filter((number, i) => number < (mixed.came[i - 1] ?? 0)).length, 20);

  const { came } = await across({ loss: 0.5, duplication: 1 });
  const distinct = new Set(came).size;
  assertEquals(came.length, 2 * distinct);
  assert(distinct > COUNT / 4 && distinct < 3 * COUNT / 4, `${distinct} came`);

  // What they bring takes two seconds to leave; a quarter of it may wait.
  const queued = await across({ bytesPerMs: BYTES / 10, queueBytesMax: 50 * BYTES });
  assertGreater(Math.max(...queued.rttsMs), 400);
  assertGreater(queued.came.length, 49);
  assertLess(queued.came.length, COUNT);

  assertEquals((await across({ blackHoles: [{ bytes: BYTES - 1, duringMs: [0, 1e9] }] })).came, []);
  assertEquals((await echoes(far, near, BYTES - 1)).came, ALL);
  const { sentFrames, deliveredFrames } = await near.count(1);
  assertGreater(sentFrames, 7 * COUNT);
  assertLess(deliveredFrames, sentFrames);
});
