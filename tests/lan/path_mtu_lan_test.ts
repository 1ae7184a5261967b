/**
 * Paths that carry shorter datagrams than before, or than the kernel was to cut: what is fetched comes all the
 * same, over UDP.
 */
import { assert, assertEquals } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import { labObstacle } from "../support/lab.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

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
