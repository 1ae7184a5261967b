/**
 * Hosts that send what is not the file: disks that return other bytes than they were given, servers
 * that mean harm, strangers who borrow an address, and two files of one name. The file is right, or
 * there is none; who sent bad bytes is named, who did not is not.
 */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { Random } from "../../lib/protocol/base/random.ts";
import { randomFile, sha256Hex } from "../support/e2e.ts";
import type { Host } from "../support/lab.ts";
import { type Files, sharesOf, type Site } from "../support/master_lab.ts";
import { rememberAs } from "../support/index_cache.ts";
import type { JsonEvent, ShoalProcess } from "../support/shoal_process.ts";
import { endOf, Fetch, lan, MIB, namesIn, Script } from "./fault_rig.ts";

const SEED = 71_526;

interface Share {
  readonly server: string;
  readonly badChunks: number;
}

function badChunksOf(done: JsonEvent | undefined, host: Host): number {
  const shares = (done?.["servers"] ?? []) as readonly Share[];
  const share = shares.find(({ server }) => server.startsWith(`${host.addresses[0]}:`));
  return share?.badChunks ?? 0;
}

/** Spoils one byte in each MiB. */
async function rot(path: string): Promise<void> {
  const random = new Random(SEED);
  const { size } = await Deno.stat(path);
  const file = await Deno.open(path, { read: true, write: true });
  for (let at = 0; at < size; at += MIB) {
    const byte = new Uint8Array(1);
    await file.seek(at + random.below(MIB), Deno.SeekMode.Start);
    await file.read(byte);
    await file.seek(-1, Deno.SeekMode.Current);
    await file.write(byte.map((each) => each ^ 0x10));
  }
  file.close();
  const past = new Date(Date.now() - 60_000);
  await Deno.utime(path, past, past);
}

function pathOn(site: Site, host: Host, name: string): string {
  return join(site.scratch.root, host.namespace, name);
}

/** A server whose disk returns other bytes of this file than it was given. */
async function serverOfRot(
  site: Site,
  host: Host,
  name: string,
  bytes: Uint8Array,
  ...args: string[]
): Promise<ShoalProcess> {
  const path = pathOn(site, host, name);
  await site.scratch.serve(name, bytes, join(path, ".."));
  await rot(path);
  await rememberAs(join(site.scratch.cache, "shoal"), path, bytes);
  return await site.server(host, {}, [], ...args);
}

/** It has hashed its files as they were written, and sends them. */
async function givesWell(site: Site, client: Host, host: Host, files: Files): Promise<void> {
  const from = ["--server", host.addresses[0]!];
  await new Fetch(site, client, host.namespace, ...Object.keys(files), ...from).brings(files);
}

lan("a disk that returns other bytes is named; another server brings the file", async (site) => {
  const film = randomFile(12 * MIB, 1);
  const [bad, good, client] = await site.hosts(1, 3);
  for (const host of [bad, good]) await host.shape(1, "60mbit");
  await site.server(good, { film });
  await givesWell(site, client, good, { film });
  await serverOfRot(site, bad, "film", film);
  const get = new Fetch(site, client, "out", "film");
  await get.brings({ film });
  assertGreater(badChunksOf(get.done, bad), 0);
  assertEquals(badChunksOf(get.done, good), 0);
  assert(!get.serversThatWere("dropped").includes(good.addresses[0]!));
});

lan("a disk that returns other bytes, alone: what was asked for does not come", async (site) => {
  const film = randomFile(6 * MIB, 1);
  const [bad, client] = await site.hosts(1, 2);
  await bad.shape(1, "60mbit");
  const server = await serverOfRot(site, bad, "film", film, "--verbose");
  const patience = ["--timeout", "2", "--retries", "3"];
  const pin = ["--sha256", await sha256Hex(film)];
  const pinned = new Fetch(site, client, "pinned", "film", ...pin, ...patience);
  // Whichever is first: the server has read again what it sent, or nothing that it sends is believed any more.
  assert([3, 4].includes(await pinned.exit()), pinned.process.description());
  assertMatch(pinned.said, /(changed on its server|sent bad chunks): looking/);
  assertMatch(
    pinned.said,
    /not_found no server has 'film'|unverified 'film' could not be verified/,
  );
  assertEquals(namesIn(pinned.out).filter((name) => name === "film"), []);
  await server.event(({ message }) => /film is another file now/.test(String(message)));
  // It has looked again and offers what its disk returns now: to the server that is a file that changed.
  const other = new Fetch(site, client, "other", "film");
  await other.brings({ film: await Deno.readFile(pathOn(site, bad, "film")) });
});

lan("a server that answers with noise is dropped by name, an honest one is not", async (site) => {
  const film = randomFile(12 * MIB, 2);
  const [liar, honest, client] = await site.hosts(1, 3);
  await honest.shape(1, "40mbit");
  await site.server(honest, { film });
  await Script.start(site, liar, "poisoner.ts", pathOn(site, honest, "film"), "film");
  const get = new Fetch(site, client, "out", "film");
  await get.brings({ film });
  assertEquals(get.serversThatWere("dropped"), [liar.addresses[0]!]);
  assertGreater(badChunksOf(get.done, liar), 2);
  assertEquals(badChunksOf(get.done, honest), 0);
  assertEquals(sharesOf(get.events), { [honest.addresses[0]!]: film.length });

  const alone = new Fetch(
    site,
    client,
    "alone",
    "film",
    "--server",
    liar.addresses[0]!,
    "--timeout",
    "2",
    "--retries",
    "2",
  );
  assertEquals(await alone.exit(), 4, alone.process.description());
  assertEquals(alone.serversThatWere("dropped"), [liar.addresses[0]!]);
  assertMatch(alone.said, /unverified 'film' could not be verified/);
  assertEquals(namesIn(alone.out).filter((name) => name === "film"), []);
});

lan("who sends in a server's name, and cannot hear it, changes nothing", async (site) => {
  const film = randomFile(12 * MIB, 3);
  const [honest, client, stranger] = await site.hosts(1, 3);
  await honest.shape(1, "40mbit");
  const server = await site.server(honest, { film });
  const ready = await server.event(({ event }) => event === "ready");
  const get = new Fetch(site, client, "out", "film", "--verbose");
  const asked = await server.event(({ event }) => event === "request");
  const sending = await server.event(({ event }) => event === "sending");
  const { root } = await get.process.event(({ event }) => event === "offer");
  // It holds the address, and nobody asks it where that is.
  await stranger.run(
    "sh",
    "-c",
    "cd /proc/sys/net/ipv4/conf/all; echo 1 >arp_ignore; echo 2 >arp_announce",
  );
  await stranger.run("ip", "address", "add", `${honest.addresses[0]}/32`, "dev", "lo");
  await Script.start(
    site,
    stranger,
    "spoofer.ts",
    honest.addresses[0]!,
    `${ready["dataPort"]}`,
    `${ready["id"]}`,
    `${root}`,
    `${asked["client"]}`,
    `${sending["client"]}`,
  );
  assert(!get.isOver, "over before anybody could disturb it");
  await get.brings({ film });
  assertEquals(get.serversThatWere("dropped"), []);
  assertEquals(badChunksOf(get.done, honest), 0);
  // Whichever of its receivers hears them.
  const ignored = [...get.said.matchAll(/; (\d+) datagrams ignored/g)].map((found) =>
    Number(found[1])
  );
  assertGreater(ignored.reduce((sum, count) => sum + count, 0), 100, get.said);
});

lan(
  "two hosts with different files of one name: what chooses between them is printed",
  async (site) => {
    const [mine, yours] = [randomFile(1 * MIB, 4), randomFile(1 * MIB, 5)];
    const [a, b, client] = await site.hosts(1, 3);
    await site.server(a, { film: mine });
    await site.server(b, { film: yours });
    const out = join(site.scratch.root, "out", "none");
    const tie = site.start(client, ["get", "film", "--out", out], { json: false });
    assertEquals(await endOf(tie), 4, tie.description());
    assertEquals(namesIn(out), []);
    for (const file of [mine, yours]) {
      const hex = await sha256Hex(file);
      assertMatch(tie.stderr, new RegExp(`--sha256 ${hex}`));
      await new Fetch(site, client, hex, "film", "--sha256", hex).brings({ film: file });
    }
  },
);
