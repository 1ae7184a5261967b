/** Who is asked one by one, how fast, and how often. */
import { assertEquals } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import { Sweep } from "../../../lib/app/discovery/sweep.ts";
import { SWEEP_PER_S } from "../../../lib/io/net/limits.ts";

const ENDPOINTS = [1, 2, 3].map((i) => ({ address: `10.0.0.${i}`, port: 10_526 }));

function swept(endpoints: readonly Endpoint[] = ENDPOINTS) {
  const sent: Endpoint[] = [];
  const slept: number[] = [];
  const clock = {
    sleep: (ms: number) => {
      slept.push(ms);
      return Promise.resolve();
    },
  };
  return { sweep: new Sweep(endpoints, clock, (_, to) => sent.push(to)), sent, slept };
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

Deno.test("each address is asked once, with a pause before each", async () => {
  const { sweep, sent, slept } = swept();
  sweep.begin(Uint8Array.of(1));
  await settled();
  sweep.begin(Uint8Array.of(2));
  await settled();
  assertEquals(sent, ENDPOINTS);
  assertEquals(slept, ENDPOINTS.map(() => 1000 / SWEEP_PER_S));
});

Deno.test("a sweep that is ended asks nobody any more", async () => {
  const { sweep, sent } = swept();
  sweep.begin(Uint8Array.of(1));
  sweep.end();
  await settled();
  assertEquals(sent, []);
});

Deno.test("whoever has answered is kept for the next search, once, if there is a sweep at all", () => {
  const { sweep } = swept();
  for (const each of [ENDPOINTS[0]!, ENDPOINTS[0]!, ENDPOINTS[2]!]) sweep.heard(each);
  assertEquals(sweep.found, [ENDPOINTS[0]!, ENDPOINTS[2]!]);
  const none = swept([]).sweep;
  none.heard(ENDPOINTS[0]!);
  assertEquals(none.found, []);
});
