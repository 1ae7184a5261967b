import { assert, assertEquals, assertLess } from "@std/assert";
import type { SafeFileName } from "../../lib/ids.ts";
import { REGISTRY_LEASE_MS, REGISTRY_PAGE_FILES } from "../../lib/protocol/master/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { Agenda, VirtualMaster, VirtualServer } from "./registry_world.ts";

/** What may pass until a change is known: a few delays, and a page or two. */
const SOON_MS = 1_000;

function world(serverCount: number, fileCount: number) {
  const agenda = new Agenda();
  const master = new VirtualMaster(agenda);
  const servers = Array.from(
    { length: serverCount },
    (_, i) => new VirtualServer(agenda, master, i, fileCount),
  );
  return { agenda, master, servers };
}

function assertKnown(master: VirtualMaster, servers: readonly VirtualServer[]): void {
  const listing = master.listing();
  assertEquals(listing.size, servers.length);
  for (const server of servers) assertEquals(listing.get(server.id), server.expected());
}

Deno.test("three thousand servers register, renew and stay known", () => {
  const { agenda, master, servers } = world(3_000, 3);
  agenda.runUntil(SOON_MS);
  assertKnown(master, servers);
  agenda.runUntil(5 * REGISTRY_LEASE_MS);
  assertKnown(master, servers);
  assertEquals(master.errors, 0);
  assert(servers.every(({ registeredMs }) => registeredMs.length === 1));
});

for (const keepsStore of [true, false]) {
  const how = keepsStore ? "with its store" : "without its store";
  Deno.test(`a master that dies and comes back ${how} is told everything within 10 s`, () => {
    const { agenda, master, servers } = world(2_000, 3);
    agenda.runUntil(5_000);
    master.crash(keepsStore);
    agenda.runUntil(25_000);
    servers.forEach((server, i) => i % 3 === 0 && server.change("late" as SafeFileName, 1));
    master.isUp = true;
    agenda.runUntil(35_000);
    assertKnown(master, servers);
  });
}

Deno.test("the files of a server that is killed are gone at once, of one without a cable in 10 s", () => {
  const { agenda, master, servers } = world(100, 3);
  agenda.runUntil(5_000);
  servers[0]!.kill();
  servers[1]!.unplug();
  agenda.runUntil(5_100);
  assertEquals(master.listing().has(servers[0]!.id), false);
  agenda.runUntil(5_000 + REGISTRY_LEASE_MS);
  assertKnown(master, servers.slice(2));
  servers[1]!.plug();
  agenda.runUntil(30_000);
  assertKnown(master, servers.slice(1));
});

// Fewer than a page, whole pages, and several with a remainder.
for (const count of [0, 1, REGISTRY_PAGE_FILES, 3 * REGISTRY_PAGE_FILES + 1]) {
  Deno.test(`a catalogue of ${count} files is told whole, changes and all`, () => {
    const { agenda, master, servers } = world(1, count);
    const [server] = servers;
    agenda.runUntil(5);
    // While pages are under way.
    server!.change("new" as SafeFileName, 1);
    server!.remove("file-0" as SafeFileName);
    agenda.runUntil(SOON_MS);
    assertKnown(master, servers);
    server!.change("file-1" as SafeFileName, 2);
    server!.remove("new" as SafeFileName);
    server!.change("last" as SafeFileName, 1);
    agenda.runUntil(2 * SOON_MS);
    assertKnown(master, servers);
  });
}

for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
  Deno.test(`whatever happens to servers, cables and the master, it ends well (seed ${seed})`, () => {
    const random = new Random(seed);
    const { agenda, master, servers } = world(200, 5);
    const alive = new Set(servers);
    for (let atMs = 0; atMs < 120_000; atMs += random.between(10, 400)) {
      agenda.runUntil(atMs);
      const server = [...alive][random.below(alive.size)]!;
      const name = `file-${random.below(8)}` as SafeFileName;
      const chance = random.fraction();
      if (chance < 0.5) server.change(name, Math.floor(atMs) + 1);
      else if (chance < 0.7) server.remove(name);
      else if (chance < 0.8) server.unplug();
      else if (chance < 0.9) server.plug();
      else if (chance < 0.93 && alive.size > 20) {
        server.kill();
        alive.delete(server);
      } else if (chance < 0.96) master.crash(random.chance(0.5));
      else master.isUp = true;
    }
    for (const server of alive) server.plug();
    master.isUp = true;
    agenda.runUntil(120_000 + 2 * REGISTRY_LEASE_MS);
    const kept = [...alive].filter((server) => server.expected().size > 0);
    assertKnown(master, kept);
    const holding = [...master.leases.values()].filter((held) => held.expiresMs > agenda.nowMs);
    assertLess(holding.length, alive.size + 1);
  });
}
