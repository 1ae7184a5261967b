/**
 * Paths that carry shorter datagrams than before, or than the kernel was to cut: what is fetched comes all the
 * same, over UDP.
 */
import { assert, assertEquals } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import { type Host, type Ipv6, labObstacle } from "../support/lab.ts";
import type { Site } from "../support/master_lab.ts";
import { SITUATIONS } from "../support/situations.ts";
import { blockTcp, Fetch, lan, MIB } from "./fault_rig.ts";

const nftObstacle = await labObstacle("nft");
const NOTICE = /using TCP instead/;

/** With the headers of IP: where a hole opens, above which length, and after how much has come. */
const HOLES = [
  { hook: "input", bytes: 1_400, afterMib: 2 },
  { hook: "output", bytes: 1_400, afterMib: 5 },
  { hook: "input", bytes: 1_000, afterMib: 1 },
  { hook: "output", bytes: 700, afterMib: 4 },
  { hook: "input", bytes: 576, afterMib: 3 },
] as const;
/** Each is a WANT's burst or a probe: of a hole that is not noticed, thousands are lost. */
const DROPPED_MAX = 500;

for (const { hook, bytes, afterMib } of HOLES) {
  const where = hook === "input" ? "before the client" : "behind the server";
  lan(
    `a black hole above ${bytes} bytes ${where} that opens in mid-transfer, and closes, costs not even the UDP`,
    async (site) => {
      const files = { film: randomFile(24 * MIB, 1) };
      const [server, client] = await site.hosts(1, 2);
      await server.shape(1, "40mbit");
      await site.server(server, files);
      const get = new Fetch(site, client, "out", "film");
      await get.has(afterMib * MIB);
      // Going out, a burst has not been cut yet; coming in, it may have been joined.
      const host = hook === "input" ? client : server;
      await host.run("nft", "add table inet f");
      await host.run("nft", `add chain inet f hole { type filter hook ${hook} priority 0; }`);
      await host.run("nft", `add rule inet f hole meta length > ${bytes} counter drop`);
      await get.has(12 * MIB);
      const dropped = await host.run("nft", "list", "chain", "inet", "f", "hole");
      await host.run("nft", "delete table inet f");
      await get.brings(files);
      const count = Number(/packets (\d+)/.exec(dropped)?.[1]);
      assert(count > 0 && count < DROPPED_MAX, dropped);
      assertEquals(NOTICE.test(get.said), false, get.process.description());
    },
    nftObstacle,
  );
}

lan("a server whose link carries less than a segment sends each in fragments", async (site) => {
  const files = { film: randomFile(4 * MIB, 1) };
  const [server, client] = await site.hosts(1, 2);
  await server.run("ip", "link", "set", "e1", "mtu", "1000");
  await site.server(server, files);
  const get = new Fetch(site, client, "out", "film");
  await get.brings(files);
  assertEquals(NOTICE.test(get.said), false, get.process.description());
});

// — Longer than Ethernet's ——————————————————————————————————————————————————————————————————————

const BIG_BYTES = 8 * MIB;
const JUMBO = 9_000;
const ETHERNET = 1_500;

/** Datagrams of this host that left, or came, in fragments. */
async function fragmentsOf(host: Host): Promise<number> {
  const counters = await host.run("cat", "/proc/net/snmp", "/proc/net/snmp6");
  const [names = [], values = []] = counters.split("\n").filter((line) => line.startsWith("Ip:"))
    .map((line) => line.split(" "));
  const ipv4 = ["FragCreates", "ReasmReqds"].map((name) => Number(values[names.indexOf(name)]));
  const ipv6 = [...counters.matchAll(/^Ip6(?:FragCreates|ReasmReqds)\s+(\d+)/gm)];
  return [...ipv4, ...ipv6.map(([, count]) => Number(count))].reduce((sum, each) => sum + each, 0);
}

interface Wide {
  readonly mtuBytes: { readonly server: number; readonly client: number };
  /** What the wire between them carries. */
  readonly carriesBytes?: number;
  readonly isServerTuned?: boolean;
  readonly isClientTuned?: boolean;
  readonly args?: readonly string[];
  readonly ipv6?: Ipv6;
  /** Datagrams that the file may take. */
  readonly framesMax?: number;
}

async function wide(site: Site, scene: Wide): Promise<void> {
  const { mtuBytes, carriesBytes, args = [], framesMax = Infinity } = scene;
  site.lab.wire(1);
  const [server, client] = await site.hosts(1, 2);
  await server.run("ip", "link", "set", "e1", "mtu", `${mtuBytes.server}`);
  await client.run("ip", "link", "set", "e1", "mtu", `${mtuBytes.client}`);
  const files = { film: randomFile(BIG_BYTES, 1) };
  if (scene.isServerTuned === false) site.env = { SHOAL_TUNE: "off" };
  await site.server(server, files);
  site.env = scene.isClientTuned === false ? { SHOAL_TUNE: "off" } : {};
  const { toHost, fromHost } = SITUATIONS["50 Mbit/s"];
  await client.impair(1, {
    toHost: { ...toHost, ...(carriesBytes !== undefined && { mtuBytes: carriesBytes }) },
    fromHost,
  });
  await blockTcp(client);
  const get = new Fetch(site, client, "out", "film", ...args);
  await get.brings(files);
  const { deliveredFrames } = await client.count(1);
  assert(deliveredFrames < framesMax, `${deliveredFrames} datagrams`);
  // As many as that are those of Ethernet, whatever more was tried.
  if (framesMax === Infinity) assert(deliveredFrames > BIG_BYTES / ETHERNET);
  const fragments = [await fragmentsOf(server), await fragmentsOf(client)];
  assertEquals(fragments, [0, 0], "nothing leaves in fragments");
}

const WIDE: Readonly<Record<string, Wide>> = {
  "between hosts of 9,000 bytes datagrams get as long as that, by themselves": {
    mtuBytes: { server: JUMBO, client: JUMBO },
    framesMax: BIG_BYTES / 4_000,
  },
  "between hosts of 9,000 bytes that have IPv6 alone as well": {
    mtuBytes: { server: JUMBO, client: JUMBO },
    framesMax: BIG_BYTES / 4_000,
    ipv6: "alone",
  },
  "between hosts of 9,000 bytes they get no longer than the user says": {
    mtuBytes: { server: JUMBO, client: JUMBO },
    args: ["--mtu", "1400"],
  },
  "a server of 1,500 bytes sends a client of 9,000 no fragments": {
    mtuBytes: { server: ETHERNET, client: JUMBO },
  },
  "… nor does it where the user allows 8,900": {
    mtuBytes: { server: ETHERNET, client: JUMBO },
    args: ["--mtu", "8900"],
  },
  "a server of 9,000 bytes sends a client of 1,500 nothing longer": {
    mtuBytes: { server: JUMBO, client: ETHERNET },
  },
  "between hosts of 9,000 bytes and a switch of 1,500 it is noticed": {
    mtuBytes: { server: JUMBO, client: JUMBO },
    carriesBytes: ETHERNET,
  },
  "a server that cannot forbid fragments sends what needs none": {
    mtuBytes: { server: ETHERNET, client: JUMBO },
    isServerTuned: false,
  },
  "a client that does not know its route asks for what passes on any": {
    mtuBytes: { server: JUMBO, client: JUMBO },
    isClientTuned: false,
  },
};

for (const [name, scene] of Object.entries(WIDE)) {
  lan(name, (site) => wide(site, scene), nftObstacle, scene.ipv6);
}
