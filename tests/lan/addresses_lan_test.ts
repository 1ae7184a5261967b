/**
 * Hosts with several addresses, and firewalls and translators in between: an answer comes from where it was asked,
 * and what is published of a server is enough.
 */
import { assertEquals } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const nftObstacle = await labObstacle("nft");

/** Lets in only what answers something that this host has sent. */
async function admitAnswersOnly(host: Host): Promise<void> {
  await host.run("nft", "add table ip f");
  await host.run("nft", "add chain ip f input { type filter hook input priority 0; policy drop; }");
  await host.run("nft", "add rule ip f input iif lo accept");
  await host.run("nft", "add rule ip f input ct state established,related accept");
}

lan("a server is reached at any of its addresses by who lets in answers only", async (site) => {
  const files = { film: randomFile(5 * MIB, 1), note: randomFile(9, 2) };
  const [server, client] = await site.hosts(1, 2);
  const second = "10.99.1.77";
  // Not the one that it would choose by itself.
  await server.run("ip", "address", "add", `${second}/24`, "dev", "e1");
  await admitAnswersOnly(client);
  await site.server(server, files);
  for (const address of [second, server.addresses[0]!]) {
    const get = new Fetch(site, client, address, ...Object.keys(files), "--server", address);
    await get.brings(files);
    assertEquals(get.said.includes("TCP"), false, get.said);
    const servers = get.done?.["servers"] as readonly { readonly server: string }[];
    assertEquals(servers.map((each) => each.server.split(":")[0]), [address], get.said);
  }
}, nftObstacle);

for (
  const [what, published, args] of [
    ["under its own number", 10_533, []],
    ["under another number", 20_533, [":20533"]],
  ] as const
) {
  lan(`a server whose data port alone is published, ${what}, gives over UDP`, async (site) => {
    const files = { film: randomFile(5 * MIB, 1), note: randomFile(9, 2) };
    const host = await site.lab.router(1, 2);
    const [outside, inside] = host.addresses as [string, string];
    const server = await site.lab.host(2);
    const client = await site.lab.host(1);
    // As a container's network is: nothing leads in but what is published.
    await client.run("ip", "route", "delete", "default");
    await host.run("nft", "add table ip n");
    await host.run("nft", "add chain ip n pre { type nat hook prerouting priority -100; }");
    await host.run("nft", "add chain ip n post { type nat hook postrouting priority 100; }");
    const published_ = `udp dport ${published} ip daddr ${outside}`;
    await host.run(
      "nft",
      `add rule ip n pre ${published_} dnat to ${server.addresses[0]}:10533`,
    );
    await host.run("nft", `add rule ip n post ip saddr ${server.addresses[0]} masquerade`);
    assertEquals(inside.startsWith("10.99.2."), true);
    await site.server(server, files, [], "--data-port", "10533");
    const named = outside + args.join("");
    const get = new Fetch(site, client, "out", ...Object.keys(files), "--server", named);
    await get.brings(files);
    assertEquals(get.said.includes("TCP"), false, get.said);
  }, nftObstacle);
}
