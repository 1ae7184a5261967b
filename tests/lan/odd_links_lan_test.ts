/** Links on which nothing can be broadcast by IPv4, or not so that all would hear it; and one that comes after its server. */
import { assertEquals, assertMatch } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import type { Host } from "../support/lab.ts";
import type { Site } from "../support/master_lab.ts";
import { Fetch, lan } from "./fault_rig.ts";

const FILES = { film: randomFile(300_000, 1) };

/** The IPv4 address of a host, with what follows it in `ip address add`, instead of the one that it has. */
type Addressing = readonly (readonly string[])[];

const LINKS: Readonly<Record<string, Addressing>> = {
  "of two addresses": [["10.97.1.0/31"], ["10.97.1.1/31"]],
  "between two peers": [["10.97.1.1", "peer", "10.97.1.2"], ["10.97.1.2", "peer", "10.97.1.1"]],
  "whose client takes it for larger": [
    ["10.97.1.1/24", "brd", "+"],
    ["10.97.1.2/16", "brd", "+"],
  ],
  "whose server takes it for larger": [
    ["10.97.1.1/16", "brd", "+"],
    ["10.97.1.2/24", "brd", "+"],
  ],
};

async function readdress(hosts: readonly Host[], addressing: Addressing): Promise<void> {
  for (const [i, host] of hosts.entries()) {
    await host.run("ip", "-4", "address", "flush", "dev", "e1");
    await host.run("ip", "address", "add", ...addressing[i]!, "dev", "e1");
  }
}

for (const [what, addressing] of Object.entries(LINKS)) {
  const address = addressing[0]![0]!.split("/")[0]!;

  lan(`on a link ${what} a server is found by IPv6`, async (site) => {
    const [server, client] = await site.hosts(1, 2);
    await readdress([server, client], addressing);
    await site.server(server, FILES);
    await new Fetch(site, client, "out", "film").brings(FILES);
  });

  lan(
    `on a link ${what} without IPv6 a server has to be named, and that is said`,
    async (site) => {
      const [server, client] = await site.hosts(1, 2);
      await readdress([server, client], addressing);
      await site.server(server, FILES);
      const vain = new Fetch(site, client, "vain", "film", "--wait", "2");
      assertEquals(await vain.exit(), 3, vain.process.description());
      assertMatch(vain.said, /--server HOST/);
      await new Fetch(site, client, "out", "film", "--server", address).brings(FILES);
    },
    undefined,
    "none",
  );
}

lan("a server that was there before its network is found when that comes", async (site: Site) => {
  const [server, client] = await site.hosts(1, 2);
  await server.setLink(1, "down");
  await server.run("ip", "-4", "address", "flush", "dev", "e1");
  await site.server(server, FILES);
  await server.run("ip", "address", "add", "10.99.1.1/24", "brd", "+", "dev", "e1");
  await server.setLink(1, "up");
  await new Fetch(site, client, "out", "film").brings(FILES);
});
