/** The fuzzer for everyday: less of it than `deno task fuzz` does, from seeds that stay. */
import "../support/libraries.ts";
import { assertGreater } from "@std/assert";
import { fuzzDatagrams } from "./datagrams.ts";
import { assertBounded, HeapWatch } from "./heap_watch.ts";
import { fuzzOpenings } from "./openings.ts";

/** Odd ones are sealed. */
const SEEDS = [10_526, 20_529];
const DATAGRAMS = 50_000;
const OPENINGS = 2_500;

for (const seed of SEEDS) {
  Deno.test(`${DATAGRAMS} spoilt datagrams hurt no decoder, server or client (seed ${seed})`, async () => {
    const heap = new HeapWatch();
    const onProgress = (sent: number): void => heap.look(sent / DATAGRAMS);
    const { wellFormed, answered, published, uses } = await fuzzDatagrams({
      datagrams: DATAGRAMS,
      seed,
      onProgress,
    });
    assertBounded(heap);
    // Past the doors, too: spoilt bytes that nobody takes for anything show nothing.
    for (const count of [wellFormed, answered]) assertGreater(count, 1_000);
    for (const count of [published, uses]) assertGreater(count, 10);
  });

  Deno.test(`${OPENINGS} damaged sessions come to an end (seed ${seed})`, () => {
    const { steps, stored, leases } = fuzzOpenings({ openings: OPENINGS, seed });
    assertGreater(steps, 2 * OPENINGS);
    for (const count of [stored, leases]) assertGreater(count, 10);
  });
}
