/**
 * Masters between hosts that broadcasts do not join: routed subnets, cables that are pulled, stores
 * and masters that crash, and addresses that are not what they seem.
 */
import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import { bestOf } from "../support/best_of.ts";
import { DISCOVERY_PORT, MASTER_PORT } from "../../lib/limits.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { randomFile } from "../support/e2e.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import { httpGet, LabPeer } from "../support/lab_peer.ts";
import { eventually, fakeFile, isRegistration } from "../support/master.ts";
import { type LabMaster, sharesOf, Site, tellersOf } from "../support/master_lab.ts";
import { RedisServer } from "../support/redis.ts";
import type { ShoalProcess } from "../support/shoal_process.ts";

const MIB = 1024 * 1024;
/** What a program takes to start and to end, at most, beside its work. */
const PROGRAM_MS = 3_000;
const obstacle = await labObstacle();
const nftObstacle = await labObstacle("nft");
const redisObstacle = await labObstacle("redis-server");

function lan(name: string, fn: (site: Site) => Promise<void>, why = obstacle): void {
  const reason = why === undefined ? "" : ` [skipped: ${why}]`;
  Deno.test({
    name: `lan: ${name}${reason}`,
    ignore: why !== undefined,
    async fn() {
      await using site = await Site.build();
      await fn(site);
    },
  });
}

/** `NAME ADDRESS` of each, as masters and lists tell it. */
function at(host: Host, ...names: string[]): string[] {
  return names.map((name) => `${name} ${host.addresses[0]}`);
}

/** Resolves when so much of a file has come, and not all of it. */
async function arrivedBytes(get: ShoalProcess, bytes: number): Promise<void> {
  await get.event(({ event, bytes: come }) => event === "progress" && Number(come) > bytes);
}

function assertRunning(get: ShoalProcess): void {
  const hasEnded = get.events.some(({ event }) => event === "done" || event === "failed");
  assert(!hasEnded, `ended too early: ${get.description()}`);
}

async function assertFetched(
  site: Site,
  get: ShoalProcess,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<void> {
  assertEquals(await get.exit(), 0, get.description());
  for (const [name, bytes] of Object.entries(files)) {
    assertSameBytes(await site.scratch.read(name), bytes);
  }
}

lan("what broadcasts do not reach is listed and fetched through a master", async (site) => {
  await site.lab.router(1, 2);
  const [registry, near, client] = await site.hosts(1, 3);
  const [one, two] = await site.hosts(2, 2);
  // So slow that whoever is heard of late has its share to bring.
  for (const host of [one, two]) await host.shape(2, "20mbit");
  await near.shape(1, "20mbit");
  const [film, both, small] = [randomFile(16 * MIB, 1), randomFile(4 * MIB, 2), randomFile(10, 3)];
  const master = await site.master(registry);
  await Promise.all([
    site.server(near, { both, "near.txt": small }),
    site.server(one, { film, both, "one.txt": small }, [master]),
    site.server(two, { film, "two.txt": small }, [master]),
  ]);
  const far = [...at(one, "film", "both", "one.txt"), ...at(two, "film", "two.txt")];
  await master.tells(far);

  assertEquals(await site.list(client), at(near, "both", "near.txt"));
  const alone = site.get(client, "film", "--timeout", "1", "--retries", "1");
  assertEquals(await alone.exit(), 3, alone.description());

  const asks = ["--master", master.address];
  assertEquals(await site.list(client, ...asks), [...far, ...at(near, "both", "near.txt")].sort());
  const get = site.get(client, "film", ...asks);
  await assertFetched(site, get, { film });
  const [addressOne, addressTwo] = [one.addresses[0]!, two.addresses[0]!];
  const { [addressOne]: fromOne = 0, [addressTwo]: fromTwo = 0, ...others } = sharesOf(get.events);
  assertEquals(others, {});
  assertGreater(fromOne, film.length / 4);
  assertGreater(fromTwo, film.length / 4);
  assertEquals(tellersOf(get.events), {
    [addressOne]: master.address,
    [addressTwo]: master.address,
  });

  // Who answers the broadcast was found without the master.
  const fromBoth = site.start(client, ["get", "both", "--out", site.scratch.out], {
    env: { SHOAL_MASTER: master.address },
  });
  await assertFetched(site, fromBoth, { both });
  assertEquals(tellersOf(fromBoth.events), {
    [near.addresses[0]!]: undefined,
    [addressOne]: master.address,
  });
});

lan("a server whose cable is pulled is told of until its lease ends, and again", async (site) => {
  const [registry, provider] = await site.hosts(1, 2);
  const master = await site.master(registry);
  await site.server(provider, { film: randomFile(1_000, 4) }, [master]);
  await master.tells(at(provider, "film"));
  const renewals = () => master.metric('shoal_master_requests_total{command="renew"}');
  const before = await renewals();
  await eventually("it renews its lease", 10_000, async () => await renewals() > before);
  await provider.setLink(1, "down");
  const goneMs = await master.tells([], 13_000);
  assertGreater(goneMs, 8_000);
  await provider.setLink(1, "up");
  await master.tells(at(provider, "film"), 10_000);
});

for (const store of ["memory", "sqlite"]) {
  lan(`a master that crashes and comes back in a transfer, store ${store}`, async (site) => {
    await site.lab.router(1, 2);
    const [registry, client] = await site.hosts(1, 2);
    const [one, two] = await site.hosts(2, 2);
    await one.shape(2, "20mbit");
    const film = randomFile(16 * MIB, 5);
    const spec = store === "memory" ? store : `sqlite:${site.scratch.root}/master.sqlite`;
    const master = await site.master(registry, spec);
    const servers = await Promise.all([
      site.server(one, { film }, [master]),
      site.server(two, { small: randomFile(10, 6) }, [master]),
    ]);
    const all = [...at(one, "film"), ...at(two, "small")];
    await master.tells(all);

    const get = site.get(client, "film", "--master", master.address);
    await arrivedBytes(get, 1 * MIB);
    await master.kill();
    await Promise.all(servers.map((each) => each.event(({ level }) => level === "warning")));
    await master.start();
    const isBack = ({ events }: ShoalProcess) => events.filter(isRegistration).length === 2;
    await eventually("all are registered again", 10_000, () => servers.every(isBack));
    await master.tells(all, 1_000);
    assertRunning(get);
    await assertFetched(site, get, { film });
  });
}

/** Two masters of one store, and servers that register with one of them, the other and both. */
interface Pair {
  readonly client: Host;
  readonly masters: readonly [LabMaster, LabMaster];
  readonly redis: RedisServer;
  readonly shelves: readonly [first: Host, second: Host, both: Host];
}

async function pairOf(site: Site, film: Uint8Array<ArrayBuffer>): Promise<Pair> {
  await site.lab.router(1, 2);
  const [store, one, two, client] = await site.hosts(1, 4);
  const shelves = await site.hosts(2, 3);
  const [first, second, both] = shelves;
  await first.shape(2, "30mbit");
  const redis = site.use(await RedisServer.start(["--protected-mode", "no"], store));
  const masters = await Promise.all([site.master(one, redis.url), site.master(two, redis.url)]);
  await Promise.all([
    site.server(first, { film }, [masters[0]]),
    site.server(second, { second: randomFile(10, 7) }, [masters[1]]),
    site.server(both, { both: randomFile(10, 8) }, masters),
  ]);
  const all = [...at(first, "film"), ...at(second, "second"), ...at(both, "both")];
  for (const master of masters) await master.tells(all);
  return { client, masters, redis, shelves };
}

lan("a master that crashes is stood in for by another one of its store", async (site) => {
  const { masters: [dead, alive], shelves: [first, second, both] } = await pairOf(
    site,
    randomFile(1_000, 9),
  );
  await dead.kill();
  const left = [...at(second, "second"), ...at(both, "both")];
  assertEquals(await alive.told(), [...at(first, "film"), ...left].sort());
  // Whoever registers with both is never missed meanwhile.
  let isMissed = false;
  let goneMs = 0;
  const startMs = Date.now();
  await eventually("the lease at the master that is dead has ended", 13_000, async () => {
    const told = await alive.told();
    isMissed ||= !left.every((each) => told.includes(each));
    goneMs = Date.now() - startMs;
    return told.length === left.length;
  });
  assert(!isMissed);
  assertGreater(goneMs, 6_000);
}, redisObstacle);

lan("a store that crashes costs neither a transfer nor what is registered", async (site) => {
  const film = randomFile(16 * MIB, 10);
  const { client, masters, redis, shelves: [first, second, both] } = await pairOf(site, film);
  const get = site.get(client, "film", "--master", masters[0].address);
  await arrivedBytes(get, 1 * MIB);
  await redis.kill();
  assertRunning(get);
  await Promise.all(masters.map(async ({ address }) => {
    const startMs = Date.now();
    const list = site.start(client, ["list", "--master", address], { json: false });
    assertEquals(await list.exit(), 3, list.description());
    assertLess(Date.now() - startMs, 10_000);
    assertMatch(list.stderr, /^warning: master: .*store/m, list.description());
    assertMatch(list.stderr, /^error: /m);
  }));
  await assertFetched(site, get, { film });
  await redis.restart();
  const all = [...at(first, "film"), ...at(second, "second"), ...at(both, "both")];
  await Promise.all(masters.map((master) => master.tells(all, 15_000)));
}, redisObstacle);

lan("no host can register files of another", async (site) => {
  await site.lab.router(1, 2);
  const [registry, victim] = await site.hosts(1, 2);
  const [stranger] = await site.hosts(2, 1);
  const master = await site.master(registry);
  await using peer = new LabPeer(stranger, master.address, MASTER_PORT);
  const claim = { server: "ab".repeat(16), port: DISCOVERY_PORT };
  const address = victim.addresses[0]!;
  const refused = await peer.ask({ command: "register", ...claim, address });
  assertEquals([refused["status"], refused["code"]], ["error", "foreign"]);
  assertEquals(await master.told(), []);

  // Other words for it change nothing.
  const disguised = { host: address, ip: address, endpoint: { ...claim, address } };
  const { status } = await peer.ask({ command: "register", ...claim, ...disguised });
  assertEquals(status, "lease");
  const servers = [{ id: claim.server, address, port: claim.port }];
  const put = [{ ...fakeFile("film"), servers, address }];
  const update = { command: "update", revision: 1, reset: true, put, address, servers };
  assertEquals((await peer.ask(update))["status"], "ok");
  assertEquals(await master.told(), at(stranger, "film"));
});

lan("a server behind another address delays no client", async (site) => {
  const router = await site.lab.router(1, 2, 3);
  const [registry, client] = await site.hosts(1, 2);
  const [[hidden], [honest]] = [await site.hosts(2, 1), await site.hosts(3, 1)] as const;
  await masquerade(router, 2, 1);
  const film = randomFile(2 * MIB, 11);
  const master = await site.master(registry);
  const asks = ["--master", master.address];
  const secondsOf = async (): Promise<number> => {
    const get = site.get(client, "film", ...asks);
    await assertFetched(site, get, { film });
    await Deno.remove(`${site.scratch.out}/film`);
    assertEquals(Object.keys(sharesOf(get.events)), honest.addresses);
    return Number(get.events.find(({ event }) => event === "done")?.["seconds"]);
  };
  await site.server(honest, { film }, [master]);
  await master.tells(at(honest, "film"));
  const alone = await secondsOf();
  await site.server(hidden, { film, alone: randomFile(10, 12) }, [master]);
  await master.tells([...at(honest, "film"), ...at(router, "film", "alone")]);
  assertLess(await bestOf(alone + 1, secondsOf), alone + 1);

  const timeoutMs = 3_000;
  const startMs = Date.now();
  const patience = ["--timeout", `${timeoutMs / 1000}`, "--retries", "1"];
  const get = site.get(client, "alone", ...asks, ...patience);
  assertEquals(await get.exit(), 3, get.description());
  assertLess(Date.now() - startMs, timeoutMs + PROGRAM_MS);
  assertMatch(get.stderr, /^error: nobody answered [^\n]+'alone'\nhint: [^\n]+\n$/);
}, nftObstacle);

/** Whoever is on subnet `from` is seen as the router on subnet `to`. */
async function masquerade(router: Host, from: number, to: number): Promise<void> {
  await router.run("nft", "add table ip nat");
  await router.run("nft", "add chain ip nat out { type nat hook postrouting priority 100; }");
  const rule = `ip saddr 10.99.${from}.0/24 oifname "e${to}" masquerade`;
  await router.run("nft", `add rule ip nat out ${rule}`);
}

lan("a server and a master tell those who watch them how they are", async (site) => {
  const [registry, provider, watcher] = await site.hosts(1, 3);
  const master = await site.master(registry);
  const files = { film: randomFile(1_000, 13), song: randomFile(1_000, 14) };
  const metrics = ["--metrics-port", "9100", "--metrics-host", "0.0.0.0"];
  await site.server(provider, files, [master], ...metrics);
  await master.tells(at(provider, "film", "song"));
  const expected = [
    [provider, /^shoal_files 2$/m],
    [registry, /^shoal_master_servers 1\n(.*\n)*shoal_master_files 2$/m],
  ] as const;
  for (const [{ addresses: [address] }, says] of expected) {
    const healthz = await httpGet(watcher, address!, 9_100, "/healthz");
    assertEquals(healthz, { status: 200, text: "ok\n" });
    const metrics = await httpGet(watcher, address!, 9_100, "/metrics");
    assertEquals(metrics.status, 200);
    assertMatch(metrics.text, says);
  }
});
