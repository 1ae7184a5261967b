/**
 * Networks that drop UDP, all of it or parts: what can be found still comes, over TCP, without anybody
 * having to ask for that, and people are told once.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { labObstacle } from "../support/lab.ts";
import type { Host } from "../support/lab.ts";
import { join } from "@std/path/join";
import { randomFile, sha256Hex } from "../support/e2e.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const nftObstacle = await labObstacle("nft");
const NOTICE = /[\d.:]+ (does not answer )?over UDP: using TCP instead/g;

/** What the server's firewall drops, both ways. */
const BLOCKED = {
  "all UDP but discovery": [
    "udp sport 10526 accept",
    "udp dport 10526 accept",
    "meta l4proto udp drop",
  ],
  "all UDP to and from the data ports": [
    "udp dport 10530-10545 drop",
    "udp sport 10530-10545 drop",
  ],
  // By the magic, the version and the type of DATA.
  "segments and nothing else": ["udp sport 10530-10545 @th,64,32 0x53480111 drop"],
} as const;

async function block(host: Host, rules: readonly string[]): Promise<void> {
  await host.run("nft", "add table inet f");
  for (const hook of ["input", "output"]) {
    await host.run("nft", `add chain inet f ${hook} { type filter hook ${hook} priority 0; }`);
    for (const rule of rules) await host.run("nft", `add rule inet f ${hook} ${rule}`);
  }
}

function streamNotices(get: Fetch): number {
  return [...get.said.matchAll(NOTICE)].length;
}

/** Every file below a folder, with the digest of what is in it. */
async function filesIn(dir: string): Promise<string[]> {
  const found = await Promise.all([...Deno.readDirSync(dir)].map(async ({ name, isDirectory }) => {
    const path = join(dir, name);
    if (isDirectory) return (await filesIn(path)).map((each) => `${name}/${each}`);
    return [`${name} ${await sha256Hex(await Deno.readFile(path))}`];
  }));
  return found.flat().sort();
}

for (const [what, rules] of Object.entries(BLOCKED)) {
  lan(`a get goes on over TCP where a firewall drops ${what}`, async (site) => {
    const files = {
      film: randomFile(5 * MIB, 1),
      song: randomFile(300_000, 2),
      note: randomFile(9, 3),
    };
    const [server, client] = await site.hosts(1, 2);
    await block(server, rules);
    await site.server(server, files);
    const get = new Fetch(site, client, "out", ...Object.keys(files));
    await get.brings(files);
    assertEquals(streamNotices(get), 1, get.process.description());
  }, nftObstacle);
}

for (const [what, rules] of Object.entries(BLOCKED)) {
  lan(`a folder goes on over TCP where a firewall drops ${what}`, async (site) => {
    const files: Record<string, Uint8Array<ArrayBuffer>> = { "t/film": randomFile(3 * MIB, 1) };
    for (let i = 0; i < 100; i++) files[`t/${i % 5}/${i}`] = randomFile(i * 400, i);
    const [server, client] = await site.hosts(1, 2);
    await block(server, rules);
    await site.server(server, files);
    const get = new Fetch(site, client, "out", "t/");
    assertEquals(await get.exit(), 0, get.process.description());
    assertEquals(await filesIn(get.out), await filesIn(join(site.scratch.root, server.namespace)));
    assertEquals(streamNotices(get), 1, get.process.description());
  }, nftObstacle);
}

lan(
  "a folder of a server that was named comes over TCP where no UDP passes at all",
  async (site) => {
    const files = { "t/a": randomFile(9, 1), "t/b/c": randomFile(300_000, 2) };
    const [server, client] = await site.hosts(1, 2);
    await block(server, ["meta l4proto udp drop"]);
    await site.server(server, files);
    const get = new Fetch(site, client, "out", "t/", "--server", server.addresses[0]!);
    assertEquals(await get.exit(), 0, get.process.description());
    assertEquals(await filesIn(get.out), await filesIn(join(site.scratch.root, server.namespace)));
    assertEquals(streamNotices(get), 1, get.process.description());
  },
  nftObstacle,
);

lan(
  "a firewall that closes in the middle of a folder costs the UDP, not the folder",
  async (site) => {
    const files: Record<string, Uint8Array<ArrayBuffer>> = {};
    for (let i = 0; i < 500; i++) files[`t/${i % 5}/${i}`] = randomFile(60_000, i);
    const [server, client] = await site.hosts(1, 2);
    await server.shape(1, "40mbit");
    await site.server(server, files);
    const get = new Fetch(site, client, "out", "t/", "--timeout", "3");
    await get.process.event(({ event, bytes }) => event === "progress" && Number(bytes) >= MIB);
    await block(server, BLOCKED["all UDP to and from the data ports"]);
    assertEquals(await get.exit(), 0, get.process.description());
    assertEquals(await filesIn(get.out), await filesIn(join(site.scratch.root, server.namespace)));
    assertEquals(streamNotices(get), 1, get.process.description());
  },
  nftObstacle,
);

lan("a server that was named is asked over TCP where no UDP passes at all", async (site) => {
  const files = { film: randomFile(3 * MIB, 1) };
  const [server, client] = await site.hosts(1, 2);
  await block(server, ["meta l4proto udp drop"]);
  await site.server(server, files);
  const get = new Fetch(site, client, "out", "film", "--server", server.addresses[0]!);
  await get.brings(files);
  assertEquals(streamNotices(get), 1);
}, nftObstacle);

lan("what a pattern stands for is asked over TCP where no UDP passes at all", async (site) => {
  const files = { "a.song": randomFile(300_000, 1), "b.song": randomFile(9, 2) };
  const [server, client] = await site.hosts(1, 2);
  await block(server, ["meta l4proto udp drop"]);
  await site.server(server, { ...files, "c.note": randomFile(9, 3) });
  const get = new Fetch(site, client, "out", "*.song", "--server", server.addresses[0]!);
  await get.brings(files);
  assertEquals([...get.said.matchAll(/listing over TCP instead/g)].length, 1, get.said);
}, nftObstacle);

lan(
  "a firewall that closes in mid-transfer costs the UDP, not the transfer",
  async (site) => {
    const files = { film: randomFile(12 * MIB, 1) };
    const [server, client] = await site.hosts(1, 2);
    await server.shape(1, "40mbit");
    await site.server(server, files);
    const get = new Fetch(site, client, "out", "film", "--timeout", "3");
    await get.has(1 * MIB);
    await block(server, BLOCKED["all UDP to and from the data ports"]);
    await get.brings(files);
    assertEquals(streamNotices(get), 1, get.process.description());
    assertMatch(
      get.said,
      /nothing more arrives from [\d.]+:1053\d over UDP: using TCP instead(?! \()/,
    );
  },
  nftObstacle,
  "none",
);

lan(
  "TCP is left alone where UDP works, and one server's TCP helps beside another's UDP",
  async (site) => {
    // Long enough that TCP has taken over before the other one has brought it all.
    const files = { film: randomFile(20 * MIB, 1) };
    const [open, closed, client] = await site.hosts(1, 3);
    await site.server(open, files);
    const alone = new Fetch(site, client, "alone", "film");
    await alone.brings(files);
    assertEquals(streamNotices(alone), 0);
    await closed.run("true");
    await block(
      closed,
      BLOCKED["segments and nothing else"],
    );
    await open.shape(1, "20mbit");
    await site.server(closed, files);
    const both = new Fetch(site, client, "both", "film");
    await both.brings(files);
    const shares = both.done?.["servers"] as readonly { server: string; bytes: number }[];
    const share = (host: Host): number =>
      shares.find(({ server }) => server.startsWith(`${host.addresses[0]}:`))?.bytes ?? 0;
    assert(share(open) > 0, "the open one gave a part over UDP");
    assert(share(closed) > 0, "and the other one the rest over TCP");
    assertMatch(both.said, NOTICE);
  },
  nftObstacle,
  "none",
);
