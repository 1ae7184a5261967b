import { assertGreater, assertLess } from "@std/assert";
import { KIB } from "../../lib/limits.ts";
import { RECEIVERS_MAX } from "../../lib/protocol/download/limits.ts";
import { BottleneckLink } from "../support/bottleneck_link.ts";
import { CoordinatedClient } from "./congestion_client.ts";
import { Lab } from "./congestion_lab.ts";

const GIGABIT = 125_000;

Deno.test("forty servers into one port lose under 2 %, at once or one after another", () => {
  for (const foundEveryMs of [0, 2]) {
    const link = new BottleneckLink({ bytesPerMs: GIGABIT, queueBytesMax: 512 * KIB });
    const client = new CoordinatedClient(link, {
      servers: 40,
      foundEveryMs,
      baseRttMs: 0.3,
      accessBytesPerMs: GIGABIT,
      files: 2,
    });
    const lab = new Lab(link, [client]);
    const { use, overflow } = lab.run(4_100);
    const what = `one every ${foundEveryMs} ms`;
    assertLess(overflow, 0.02, what);
    assertGreater(use, 0.95, what);
  }
});

Deno.test("forty servers that are faster than the port take turns at it and lose under 2 %", () => {
  const bytesPerMs = GIGABIT / 10;
  const link = new BottleneckLink({ bytesPerMs, queueBytesMax: 30 * bytesPerMs });
  const client = new CoordinatedClient(link, {
    servers: 40,
    foundEveryMs: 2,
    baseRttMs: 0.3,
    accessBytesPerMs: GIGABIT,
    files: 2,
  });
  const { use, overflow } = new Lab(link, [client]).run(22_000);
  assertLess(overflow, 0.02);
  assertGreater(use, 0.95);
  assertGreater(client.workedFor.size, RECEIVERS_MAX);
});
