import { assert, assertEquals, assertNotEquals } from "@std/assert";
import {
  FAULT_BYTES_MAX,
  FAULT_DELAY_MS_MAX,
  FAULT_DELAY_MS_MIN,
} from "../../../lib/protocol/base/limits.ts";
import { type Delivery, FaultInjector } from "../../../lib/protocol/base/faults.ts";

const SEED = 20_240;
const datagram = Uint8Array.from({ length: 1_064 }, (_, i) => i % 256);

const fates = (rate: number, seed: number, count: number): (readonly Delivery[])[] => {
  const faults = new FaultInjector(rate, seed);
  return Array.from({ length: count }, () => faults.deliveries(datagram));
};

Deno.test("FaultInjector leaves everything alone at rate 0", () => {
  for (const deliveries of fates(0, SEED, 1_000)) {
    assertEquals(deliveries, [{ bytes: datagram, delayMs: 0 }]);
  }
});

Deno.test(`FaultInjector hits the given part, evenly by kind (seed ${SEED})`, () => {
  const faults = new FaultInjector(0.2, SEED);
  for (let i = 0; i < 10_000; i++) faults.deliveries(datagram);
  for (const [fault, count] of Object.entries(faults.counts)) {
    assert(count > 400 && count < 600, `${fault}: ${count} of about 500`);
  }
});

Deno.test("FaultInjector repeats itself for the same seed and for no other", () => {
  assertEquals(fates(0.5, SEED, 200), fates(0.5, SEED, 200));
  assertNotEquals(fates(0.5, SEED, 200), fates(0.5, SEED + 1, 200));
});

Deno.test("FaultInjector changes 1 to 10 bytes of a copy, and delays within its range", () => {
  const before = datagram.slice();
  let corrupted = 0;
  let delayed = 0;
  for (const { bytes, delayMs } of fates(1, SEED, 4_000).flat()) {
    assertEquals(bytes.length, datagram.length);
    const changed = bytes.filter((byte, i) => byte !== datagram[i]).length;
    if (changed > 0) corrupted += 1;
    if (delayMs > 0) delayed += 1;
    assert(changed <= FAULT_BYTES_MAX);
    assert(delayMs === 0 || (delayMs >= FAULT_DELAY_MS_MIN && delayMs < FAULT_DELAY_MS_MAX));
  }
  assertEquals(datagram, before);
  assert(corrupted > 800 && delayed > 800, `${corrupted} corrupted, ${delayed} delayed`);
});

Deno.test("FaultInjector corrupts a datagram of one byte into another one", () => {
  const faults = new FaultInjector(1, SEED);
  for (let i = 0; i < 100; i++) {
    const deliveries = faults.deliveries(Uint8Array.of(7));
    if (faults.counts.corrupted > 0) {
      assertNotEquals(deliveries[0]?.bytes, Uint8Array.of(7));
      return;
    }
  }
  throw new Error("nothing was corrupted in 100 datagrams");
});
