import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { assertSameBytes } from "../support/bytes.ts";
import { mixedFile } from "../support/virtual_link.ts";
import { SimNetwork, type SimServer, simServerId } from "./network.ts";

const FAST: SimServer = { oneWayMs: 0.5, bytesPerMs: 12_000 };
const FAULTY = { loss: 0.05, duplication: 0.02, reordering: 0.02, corruption: 0.02 };
const SEEDS = Array.from({ length: 12 }, (_, i) => i + 1);
const FILE = mixedFile(3 * 1024 * 1024 + 17);

Deno.test("one server on a clean link brings the file at nearly the link's rate", () => {
  const result = new SimNetwork(FILE, [FAST], 1).run(60_000);
  assertSameBytes(result.file, FILE);
  assertLess(result.elapsedMs, 1.25 * FILE.length / FAST.bytesPerMs + 10);
});

Deno.test("three servers bring it almost three times as fast as one", () => {
  const one = new SimNetwork(FILE, [FAST], 1).run(60_000);
  const three = new SimNetwork(FILE, [FAST, FAST, FAST], 1).run(60_000);
  assertSameBytes(three.file, FILE);
  assertEquals(three.bytesFrom.size, 3);
  assertGreater(one.elapsedMs / three.elapsedMs, 2.3);
});

Deno.test("loss, duplication, reordering and corruption never damn an honest server", () => {
  for (const seed of SEEDS) {
    const server = { ...FAST, ...FAULTY };
    const result = new SimNetwork(FILE, [server, server], seed).run(120_000);
    assert(result.isComplete, `seed ${seed} did not end`);
    assertSameBytes(result.file, FILE, `seed ${seed}`);
    assertEquals(result.dropped.size, 0, `seed ${seed}`);
  }
});

Deno.test("a server that dies in the middle costs little and loses nothing", () => {
  for (const seed of SEEDS) {
    const servers = [{ ...FAST, ...FAULTY }, { ...FAST, diesMs: 40 + 10 * seed }, FAST];
    const result = new SimNetwork(FILE, servers, seed).run(60_000);
    assertSameBytes(result.file, FILE, `seed ${seed}`);
    assertLess(result.elapsedMs, 2_000, `seed ${seed}`);
  }
});

Deno.test("a server that comes late joins in", () => {
  const servers = [{ ...FAST, bytesPerMs: 2_000 }, { ...FAST, startsMs: 100 }];
  const result = new SimNetwork(FILE, servers, 3).run(60_000);
  assertSameBytes(result.file, FILE);
  assertGreater(result.bytesFrom.get(simServerId(1)) ?? 0, FILE.length / 2);
});

Deno.test("a server that lies is dropped by name, and the honest ones bring the file", () => {
  for (const seed of SEEDS) {
    const liesAbout = new Set(Array.from({ length: 60 }, (_, chunk) => chunk));
    const result = new SimNetwork(FILE, [{ ...FAST, liesAbout }, { ...FAST, ...FAULTY }], seed)
      .run(120_000);
    assertSameBytes(result.file, FILE, `seed ${seed}`);
    assertEquals([...result.dropped], [simServerId(0)], `seed ${seed}`);
  }
});

Deno.test("a slow server never holds up the end", () => {
  const slow = { ...FAST, bytesPerMs: FAST.bytesPerMs / 10 };
  const alone = new SimNetwork(FILE, [FAST], 1).run(60_000);
  const result = new SimNetwork(FILE, [FAST, slow], 1).run(60_000);
  assertSameBytes(result.file, FILE);
  assertLess(result.elapsedMs, alone.elapsedMs * 1.02);
});

Deno.test("twenty servers: eight work at a time, and all of it arrives", () => {
  const servers = Array.from({ length: 20 }, () => ({ ...FAST, bytesPerMs: 1_000, loss: 0.01 }));
  const result = new SimNetwork(FILE, servers, 5).run(60_000);
  assertSameBytes(result.file, FILE);
  assertEquals(result.bytesFrom.size, 8);
});

Deno.test("all servers fall silent and one comes back: the file ends right", () => {
  const servers = [{ ...FAST, diesMs: 50 }, { ...FAST, diesMs: 60 }, { ...FAST, startsMs: 4_000 }];
  const result = new SimNetwork(FILE, servers, 9).run(60_000);
  assertSameBytes(result.file, FILE);
  assertLess(result.elapsedMs, 8_000);
});
