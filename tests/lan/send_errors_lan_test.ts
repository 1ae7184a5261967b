/**
 * What a machine refuses to send is told for what it is, once, by whichever side it happens to. The firewalls are of IPv4,
 * which IPv6 would get around, so their hosts have none.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import type { JsonEvent } from "../support/shoal_process.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const nftObstacle = await labObstacle("nft");
const BLOCKED = /a firewall on this machine keeps UDP from leaving for /g;

async function onOutput(host: Host, verdict: string): Promise<void> {
  await host.run("nft", "add table ip f");
  await host.run("nft", "add chain ip f output { type filter hook output priority 0; }");
  await host.run("nft", `add rule ip f output ip daddr 10.99.1.0/24 meta l4proto udp ${verdict}`);
}

function count(text: string, pattern: RegExp): number {
  return [...text.matchAll(pattern)].length;
}

for (const verdict of ["drop", "reject"]) {
  lan(
    `a client whose own firewall says ${verdict} is told so, once`,
    async (site) => {
      const [server, client] = await site.hosts(1, 2);
      await site.server(server, { note: randomFile(9, 1) });
      await onOutput(client, verdict);
      const get = new Fetch(site, client, "out", "note", "--timeout", "1", "--retries", "2");
      assertEquals(await get.exit() !== 0, true);
      assertEquals(count(get.said, BLOCKED), 1, get.said);
      assertMatch(get.said, /10\.99\.1\.255/);
    },
    nftObstacle,
    "none",
  );
}

lan(
  "a client whose firewall closes in mid-transfer is told so, and goes on over TCP",
  async (site) => {
    const files = { film: randomFile(12 * MIB, 1) };
    const [server, client] = await site.hosts(1, 2);
    await server.shape(1, "40mbit");
    await site.server(server, files);
    const get = new Fetch(site, client, "out", "film", "--timeout", "3");
    await get.has(1 * MIB);
    await onOutput(client, "drop");
    await get.brings(files);
    // One of the broadcast, if a search was still going on, and one of the server.
    const told = [...get.said.matchAll(/UDP from leaving for ([\d.]+)/g)].map(([, to]) => to);
    assertEquals(told.filter((to) => to === server.addresses[0]), [server.addresses[0]]);
  },
  nftObstacle,
  "none",
);

lan(
  "a server whose own firewall drops what it says tells its owner, once",
  async (site) => {
    const [server, client] = await site.hosts(1, 2);
    await onOutput(server, "drop");
    const serving = await site.server(server, { note: randomFile(9, 1) });
    const get = new Fetch(site, client, "out", "note", "--timeout", "1", "--retries", "2");
    assertEquals(await get.exit() !== 0, true);
    const isNotice = ({ event }: JsonEvent): boolean => event === "notice";
    const said = serving.events.filter(isNotice).map(({ message }) => message).join("\n");
    assertEquals(count(said, BLOCKED), 1, said);
    assertMatch(said, new RegExp(client.addresses[0]!));
  },
  nftObstacle,
  "none",
);

lan("a route that is not there, or forbids, is told", async (site) => {
  const [, client] = await site.hosts(1, 2);
  await client.run("ip", "route", "add", "unreachable", "10.98.0.0/16");
  await client.run("ip", "route", "add", "prohibit", "10.97.0.0/16");
  for (
    const [server, message] of [
      ["10.98.0.1", /no route leads from this machine to 10\.98\.0\.1/g],
      ["10.96.0.1", /no route leads from this machine to 10\.96\.0\.1/g],
      ["10.97.0.1", /this machine does not permit UDP to 10\.97\.0\.1/g],
    ] as const
  ) {
    const patience = ["--timeout", "1", "--retries", "1"];
    const get = new Fetch(site, client, "out", "note", "--server", server, ...patience);
    assertEquals(await get.exit() !== 0, true);
    assertEquals(count(get.said, message), 1, get.said);
  }
});
