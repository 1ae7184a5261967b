/**
 * The long run: `deno task fuzz --datagrams 1000000 --openings 100000 --seed 1`. Everything follows from
 * the seed; a failure is printed with the command that brings it back.
 */
import { parseArgs } from "@std/cli/parse-args";
import { assertBounded, HeapWatch } from "./heap_watch.ts";
import { fuzzDatagrams } from "./datagrams.ts";
import { fuzzOpenings } from "./openings.ts";

const flags = parseArgs(Deno.args, {
  string: ["datagrams", "openings", "seed"],
  default: { datagrams: "1000000", openings: "100000", seed: "1" },
});
const [datagrams, openings, seed] = [flags.datagrams, flags.openings, flags.seed].map(Number);
if (![datagrams, openings, seed].every((value) => Number.isSafeInteger(value) && value! >= 0)) {
  console.error("usage: deno task fuzz [--datagrams N] [--openings N] [--seed S]");
  Deno.exit(2);
}

/** The number in a failure's message is how far a shorter run has to go. */
function again(error: unknown): string {
  const [, kind, number] = /^(datagram|opening) (\d+)/.exec(String((error as Error).message)) ?? [];
  const counts = kind === "opening"
    ? `--datagrams 0 --openings ${number}`
    : `--datagrams ${number ?? datagrams} --openings 0`;
  return `deno task fuzz ${counts} --seed ${seed}`;
}

try {
  const startedMs = performance.now();
  const heap = new HeapWatch();
  const onProgress = (sent: number): void => heap.look(sent / datagrams!);
  const said = await fuzzDatagrams({ datagrams: datagrams!, seed: seed!, onProgress });
  assertBounded(heap);
  const datagramMs = performance.now() - startedMs;
  console.log(`${datagrams} datagrams in ${(datagramMs / 1000).toFixed(1)} s:`, said, `${heap}`);
  const opened = fuzzOpenings({ openings: openings!, seed: seed! });
  const openingMs = performance.now() - startedMs - datagramMs;
  console.log(`${openings} openings in ${(openingMs / 1000).toFixed(1)} s:`, opened);
} catch (error) {
  console.error(error);
  console.error(`again: ${again(error)}`);
  Deno.exit(1);
}
