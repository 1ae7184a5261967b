/** What a client is told that nobody answers, by what stands in the way: causes and exit codes, never how long it took. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import { Fetch, lan } from "./fault_rig.ts";

const nftObstacle = await labObstacle("nft");
/** So that what is waited for in vain is so for three seconds. */
const BRIEF = ["--timeout", "1", "--retries", "3"];

async function filter(host: Host, hook: "input" | "output", ...rules: string[]): Promise<void> {
  await host.run("nft", "add table inet f");
  await host.run("nft", `add chain inet f ${hook} { type filter hook ${hook} priority 0; }`);
  for (const rule of rules) await host.run("nft", `add rule inet f ${hook} ${rule}`);
}

/** It ends with code 3, and says this. */
async function failsAs(get: Fetch, why: RegExp): Promise<void> {
  assertEquals(await get.exit(), 3, get.process.description());
  assertMatch(get.said, why);
}

lan("who waits is told so once, and then that there is no server", async (site) => {
  const [client] = await site.hosts(1, 1);
  const get = new Fetch(site, client, "out", "a", "b");
  await failsAs(get, /come back to it, and no server of its network answers/);
  const waits = get.events.filter(({ message }) => /^no server yet/.test(String(message)));
  assertEquals(waits.map(({ message }) => message), [
    "no server yet; waiting up to 15 s, Ctrl-C stops",
  ]);
});

lan("a machine without a network is told that it has none", async (site) => {
  const client = await site.lab.host();
  await failsAs(new Fetch(site, client, "out", "a", ...BRIEF), /no network interface .* is up/);
  const list = site.start(client, ["list"], { json: false });
  assertEquals(await list.exit(), 3, list.description());
  assertMatch(list.stderr, /^error: no server answered: no network interface/);
});

lan(
  "a client whose own firewall lets nothing out is told to open that",
  async (site) => {
    const [client] = await site.hosts(1, 1);
    await filter(client, "output", "oifname e1 meta l4proto udp drop");
    await failsAs(new Fetch(site, client, "out", "a", ...BRIEF), /Allow outgoing UDP/);
  },
  nftObstacle,
  "none",
);

lan(
  "a client whose firewall lets nothing in unasked is told to name the server, which helps",
  async (site) => {
    const [server, client] = await site.hosts(1, 2);
    const files = { a: randomFile(9, 1) };
    await site.server(server, files);
    await filter(client, "input", "ct state established,related accept", "iifname e1 drop");
    const get = new Fetch(site, client, "out", "a", ...BRIEF);
    await failsAs(get, /drop what comes in.*--server HOST/s);
    await new Fetch(site, client, "named", "a", "--server", server.addresses[0]!).brings(files);
  },
  nftObstacle,
  "none",
);

lan("an address where nothing listens is told at once, and not to be named", async (site) => {
  const [other, client] = await site.hosts(1, 2);
  const at = ["--server", other.addresses[0]!];
  const get = new Fetch(site, client, "out", "a", ...at);
  await failsAs(get, /no server listens at 10\.99\.1\.1:10526/);
  // It is not even said to wait for.
  assert(!get.events.some(({ message }) => /^no server yet/.test(String(message))));
  await failsAs(new Fetch(site, client, "out", "*.jpg", ...at), /no server listens at/);
  await failsAs(new Fetch(site, client, "out", "t/", ...at), /no server listens at/);
});

lan("an address that nobody has, or to which nothing leads, is told for that", async (site) => {
  const [client] = await site.hosts(1, 1);
  for (const address of ["10.99.1.77", "10.98.1.77"]) {
    const get = new Fetch(site, client, "out", "a", "--server", address);
    await failsAs(get, new RegExp(`nothing leads to ${address}, or it is off`));
  }
});

lan("who says how long to wait is waited for where nothing listens yet", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  const files = { a: randomFile(9, 1) };
  const get = new Fetch(site, client, "out", "a", "--server", server.addresses[0]!, "--wait", "50");
  await get.process.event(({ message }) => /waiting up to 50 s/.test(String(message)));
  await site.server(server, files);
  await get.brings(files);
});

lan(
  "a name that a server lacks is told as such where no UDP reaches it",
  async (site) => {
    const [server, client] = await site.hosts(1, 2);
    await filter(server, "input", "meta l4proto udp drop");
    await site.server(server, { film: randomFile(9, 1) });
    const get = new Fetch(site, client, "out", "fim", "--server", server.addresses[0]!);
    await failsAs(get, /no server has 'fim'/);
  },
  nftObstacle,
);

lan(
  "a name that a master of another subnet does not know ends with those like it",
  async (site) => {
    await site.lab.router(1, 2);
    const [host, server] = await site.hosts(1, 2);
    const client = await site.lab.host(2);
    const master = await site.master(host);
    await site.server(server, { "holiday.mp4": randomFile(9, 1) }, [master]);
    await master.tells([`holiday.mp4 ${server.addresses[0]}`]);
    const get = new Fetch(site, client, "out", "holidy.mp4", "--master", master.address);
    await failsAs(get, /no server has 'holidy\.mp4'.*Did you mean 'holiday\.mp4'/s);
  },
);

lan(
  "a server of which no data arrives, over UDP or TCP, is told with the ports to open",
  async (site) => {
    const [server, client] = await site.hosts(1, 2);
    await filter(server, "input", "udp dport 10530-10545 drop", "tcp dport 10526 reject");
    await site.server(server, { film: randomFile(900_000, 1) });
    const get = new Fetch(site, client, "out", "film", "--timeout", "4", "--retries", "2");
    assertEquals(await get.exit(), 1, get.process.description());
    assertMatch(
      get.said,
      /no data arrives from 10\.99\.1\.1:1053\d over UDP, nor .* over TCP: open UDP ports 10530-10545 or TCP port 10526/,
    );
  },
  nftObstacle,
  "none",
);
