/**
 * What happens to networks and files in the middle of transfers: cables that are pulled, addresses
 * that change, files that become others. Whatever it is, nobody is left with a wrong file, and whoever
 * gets none is told why.
 */
import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { randomFile, sha256Hex } from "../support/e2e.ts";
import type { Host } from "../support/lab.ts";
import { addressIn, sharesOf, type Site } from "../support/master_lab.ts";
import { Fetch, lan, MIB, namesIn, pass } from "./fault_rig.ts";

const PULLED_MS = 5_000;
/** A server is given up on for one second at a time at most, and then asked again. */
const BACK_MS_MAX = 3_000;

/** Resolves when something more of a file has come than it had. */
async function hasMore(get: Fetch): Promise<void> {
  const before = get.lastBytes;
  await get.process.event(({ event, bytes }) => event === "progress" && Number(bytes) > before);
}

async function pullTheOnlyOne(site: Site, film: Uint8Array<ArrayBuffer>): Promise<void> {
  const [server, client] = await site.hosts(1, 2);
  await server.shape(1, "40mbit");
  await site.server(server, { film });
  const get = new Fetch(site, client, "alone", "film");
  await get.has(4 * MIB);
  await server.setLink(1, "down");
  await pass(PULLED_MS);
  assertEquals(get.serversThatWere("silent"), [server.addresses[0]!]);
  assert(!get.isOver, get.process.description());
  await server.setLink(1, "up");
  const backMs = Date.now();
  await hasMore(get);
  assertLess(Date.now() - backMs, BACK_MS_MAX);
  await get.brings({ film });
}

async function pullOneOfTwo(site: Site, film: Uint8Array<ArrayBuffer>): Promise<void> {
  const [pulled, other, client] = await site.hosts(2, 3);
  for (const host of [pulled, other]) await host.shape(2, "10mbit");
  await Promise.all([pulled, other].map((host) => site.server(host, { film })));
  const get = new Fetch(site, client, "beside", "film");
  await get.has(1 * MIB);
  await pulled.setLink(2, "down");
  const before = get.lastBytes;
  const given = givenBy(get, pulled);
  await pass(PULLED_MS);
  const after = get.lastBytes;
  // Whatever was leased to the one that is gone, the other goes on.
  assertGreater(after - before, 2 * MIB);
  await pulled.setLink(2, "up");
  await get.brings({ film });
  // It gave something before, and it gives something again: more than could be under way.
  const shares = Object.entries(sharesOf(get.events));
  assertGreater(
    sumOf(shares.filter(([at]) => isOf(pulled, at)).map(([, b]) => b)),
    given + MIB / 2,
  );
}

/** What the last progress says that a server has given so far. */
function givenBy(get: Fetch, host: Host): number {
  const progress = get.events.filter(({ event }) => event === "progress").at(-1);
  const lanes = (progress?.["lanes"] ?? []) as readonly { server: string; bytes: number }[];
  return sumOf(
    lanes.filter(({ server }) => isOf(host, addressIn(server))).map(({ bytes }) => bytes),
  );
}

/** Whether it is one of the host's addresses: one path may take over from another. */
function isOf({ addresses, ipv6, linkLocal }: Host, address: string): boolean {
  return [...addresses, ...ipv6].includes(address) || address.startsWith(`${linkLocal}%`);
}

function sumOf(counts: readonly number[]): number {
  return counts.reduce((sum, each) => sum + each, 0);
}

lan("a cable pulled for 5 s: with one server it waits, with two it continues", async (site) => {
  const film = randomFile(12 * MIB, 1);
  // Long enough that who comes back is needed.
  const long = randomFile(24 * MIB, 2);
  await Promise.all([pullTheOnlyOne(site, film), pullOneOfTwo(site, long)]);
});

/** A get of `film` at whose server another address of IPv4 takes the place of the first. */
async function moveServer(site: Site, fresh: string): Promise<Fetch> {
  const film = randomFile(5 * MIB, 2);
  const [server, client] = await site.hosts(1, 2);
  await server.shape(1, "20mbit");
  await site.server(server, { film });
  const get = new Fetch(site, client, "out", "film");
  await get.has(2 * MIB);
  await server.run("ip", "address", "del", `${server.addresses[0]}/24`, "dev", "e1");
  await server.run("ip", "address", "add", `${fresh}/24`, "brd", "+", "dev", "e1");
  await get.brings({ film });
  return get;
}

lan(
  "a server whose address changes is found again at the new one",
  async (site) => {
    const fresh = "10.99.1.200";
    const get = await moveServer(site, fresh);
    const lanes = get.events.filter(({ event }) => event === "progress").at(-1)?.["lanes"];
    const [lane] = lanes as readonly { readonly server: string }[];
    assertEquals(addressIn(lane?.server), fresh);
  },
  undefined,
  "none",
);

lan("a server whose address of IPv4 changes goes on by IPv6, as the same one", async (site) => {
  const get = await moveServer(site, "10.99.1.200");
  const servers = get.done?.["servers"] as readonly { readonly id: string }[];
  assertEquals(new Set(servers.map(({ id }) => id)).size, 1, get.process.description());
  assertEquals(get.serversThatWere("dropped"), []);
});

lan("a file that becomes another is never mixed, and who loses it is told", async (site) => {
  const old = randomFile(4 * MIB, 3);
  const other = randomFile(2 * MIB, 4);
  const cut = old.slice(0, 1.5 * MIB + 11);
  const longer = new Uint8Array(old.length + other.length);
  longer.set(old);
  longer.set(other, old.length);
  const [server, client] = await site.hosts(1, 2);
  const names = ["replaced", "truncated", "appended", "deleted", "pinned"];
  await site.server(server, Object.fromEntries(names.map((name) => [name, old])));
  const pin = ["--sha256", await sha256Hex(old), "--timeout", "2", "--retries", "3"];
  // Slow enough that none is through when the files change, however late this process gets to it.
  const start = (name: string, ...args: string[]) =>
    new Fetch(site, client, name, name, "--rate", "4mbit", ...args);
  const gets = new Map(names.map((name) => [name, start(name, ...(name === "pinned" ? pin : []))]));
  await Promise.all([...gets.values()].map((get) => get.has(256 * 1024)));

  const path = (name: string): string => join(site.scratch.root, server.namespace, name);
  for (const name of ["replaced", "pinned"]) {
    await Deno.writeFile(path(".new"), other);
    await Deno.rename(path(".new"), path(name));
  }
  await Deno.truncate(path("truncated"), cut.length);
  await Deno.writeFile(path("appended"), other, { append: true });
  await Deno.remove(path("deleted"));

  // What is there now comes instead, and what there was lies beside it, to be gone on with.
  for (
    const [name, bytes] of Object.entries({ replaced: other, truncated: cut, appended: longer })
  ) {
    const get = gets.get(name)!;
    assertEquals(await get.exit(), 0, get.process.description());
    assertMatch(get.said, new RegExp(`'${name}' changed on its server: looking again`));
    assertEquals(get.done?.["sha256"], await sha256Hex(bytes));
    assertEquals(await sha256Hex(await Deno.readFile(join(get.out, name))), get.done?.["sha256"]);
    assertEquals(finishedIn(get), [name]);
  }
  for (const name of ["deleted", "pinned"]) {
    const get = gets.get(name)!;
    assertEquals(await get.exit(), 3, get.process.description());
    assertMatch(get.said, new RegExp(`'${name}' changed on its server: looking again`));
    assertMatch(get.said, new RegExp(`not_found no server has '${name}'`));
    assertEquals(finishedIn(get), []);
  }
});

function finishedIn(get: Fetch): string[] {
  return namesIn(get.out).filter((name) => !/\.part(\.journal)?$/.test(name));
}
