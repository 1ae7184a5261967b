/**
 * Several links to one server, whether the client has one address or one on each: it is one server, and links are judged by what
 * they deliver, used together, and given up and taken up again while a transfer runs.
 */
import { assert, assertEquals } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import type { Host } from "../support/lab.ts";
import type { Site } from "../support/master_lab.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const LINKS = [1, 2] as const;
const TOGETHER_MIB = 40;
/** Nearly half each, but where the machine is so busy that two bring no more than one: then one rests after its trial. */
const TOGETHER_SHARE_MIN = 0.1;

interface Scene {
  readonly server: Host;
  readonly client: Host;
  /** What the server has sent over each link since the last time. */
  sent(): Promise<readonly [number, number]>;
}

/** A server with two links to a router, and a client behind that; what is asked at an address is answered over its link. */
async function routed(site: Site, rates: readonly [string, string]): Promise<Scene> {
  const server = await site.lab.host(1, 2);
  const router = await site.lab.router(1, 2, 3);
  const client = await site.lab.host(3);
  const [first, second] = router.addresses as [string, string];
  await server.run("ip", "route", "add", "10.99.3.0/24", "via", first);
  await server.run("ip", "rule", "add", "from", server.addresses[1]!, "table", "100");
  await server.run("ip", "route", "add", "default", "via", second, "table", "100");
  return await shaped(server, client, rates);
}

/** A server and a client that are both on two links: each knows the other by an address on each. */
async function direct(site: Site, rates: readonly [string, string]): Promise<Scene> {
  return await shaped(await site.lab.host(...LINKS), await site.lab.host(...LINKS), rates);
}

async function shaped(
  server: Host,
  client: Host,
  rates: readonly [string, string],
): Promise<Scene> {
  for (const [i, link] of LINKS.entries()) await server.shape(link, rates[i]!);
  let before: readonly number[] = [0, 0];
  const sent = async (): Promise<readonly [number, number]> => {
    const now = await Promise.all(
      LINKS.map(async (link) =>
        Number(await server.run("cat", `/sys/class/net/e${link}/statistics/tx_bytes`))
      ),
    );
    const since = now.map((bytes, i) => bytes - before[i]!);
    before = now;
    return since as unknown as readonly [number, number];
  };
  await sent();
  return { server, client, sent };
}

/** How the client knows of the server: it is told its addresses, or finds it. */
const SCENES = [
  { where: "behind a router", scene: routed, fetch: fetchNamed },
  {
    where: "that the client is on as well",
    scene: direct,
    fetch: (site: Site, { client }: Scene) => new Fetch(site, client, "out", "film"),
  },
] as const;

function fetchNamed(site: Site, { server, client }: Scene, ...args: string[]): Fetch {
  const named = server.addresses.flatMap((address) => ["--server", address]);
  return new Fetch(site, client, "out", "film", ...named, ...args);
}

function bytesByServer(get: Fetch): readonly number[] {
  const servers = get.done?.["servers"] as readonly { readonly bytes: number }[];
  return servers.map(({ bytes }) => bytes);
}

for (const { where, scene, fetch } of SCENES) {
  for (const rates of [["5mbit", "100mbit"], ["100mbit", "5mbit"]] as const) {
    lan(
      `of links of ${rates.join(" and ")} ${where}, the faster one carries the file`,
      async (site) => {
        const links = await scene(site, rates);
        const files = { film: randomFile(16 * MIB, 1) };
        await site.server(links.server, files);
        const get = fetch(site, links);
        await get.brings(files);
        const [first, second] = await links.sent();
        const fast = rates[0] === "100mbit" ? first : second;
        assert(fast > 0.75 * (first + second), `${first} and ${second} bytes`);
        assertEquals(bytesByServer(get), [16 * MIB], "it is one server");
      },
    );
  }

  lan(`two links of one speed ${where} carry the file together, for one server`, async (site) => {
    const links = await scene(site, ["40mbit", "40mbit"]);
    const files = { film: randomFile(TOGETHER_MIB * MIB, 1) };
    await site.server(links.server, files);
    const get = fetch(site, links);
    await get.brings(files);
    const [first, second] = await links.sent();
    const share = Math.min(first, second) / (first + second);
    assert(share > TOGETHER_SHARE_MIN, `${first} and ${second} bytes`);
    assertEquals(bytesByServer(get), [TOGETHER_MIB * MIB], "it is one server");
  });
}

lan("a link that breaks is given up, and taken up when it is back", async (site) => {
  const links = await routed(site, ["10mbit", "60mbit"]);
  const files = { film: randomFile(28 * MIB, 1) };
  await site.server(links.server, files);
  const get = fetchNamed(site, links);
  await get.has(4 * MIB);
  await links.server.setLink(2, "down");
  await get.has(get.lastBytes + 1 * MIB);
  await links.sent();
  await get.has(get.lastBytes + 1 * MIB);
  const [slow] = await links.sent();
  assert(slow > 0.5 * MIB, `${slow} bytes over the slow one alone`);
  await links.server.setLink(2, "up");
  await links.sent();
  await get.brings(files);
  const [, fast] = await links.sent();
  assert(fast > 1 * MIB, `${fast} bytes over the fast one after it was back`);
});
