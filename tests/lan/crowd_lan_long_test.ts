/**
 * Many clients of one server at once: each gets the right file, none waits for one that is slow, and a
 * server that has served hundreds of files is as it was before.
 */
import { assert, assertLess } from "@std/assert";
import { PACKER_OPEN_FILES_MAX } from "../../lib/io/files/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { randomFile } from "../support/e2e.ts";
import { eventually } from "../support/master.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const CLIENTS = 50;
const CLIENT_HOSTS = 5;
const SEED = 91_526;
const KIB = 1024;

lan("fast receivers are done while a slow one is still at it, and it goes on", async (site) => {
  const film = randomFile(16 * MIB, 1);
  const [server, slow, ...fast] = await site.hosts(1, 4);
  // More than a minute for the file, which is all the time that the others are given.
  await slow.shape(1, "2mbit");
  for (const host of fast) await host.shape(1, "80mbit");
  await site.server(server, { film });
  const get = new Fetch(site, slow, "slow", "film");
  await get.has(256 * KIB);
  const gets = fast.map((host, i) => new Fetch(site, host, `fast-${i}`, "film"));
  await Promise.all(gets.map((each) => each.brings({ film })));
  assert(!get.isOver, "the slow one was there all the time");
  await get.has(get.lastBytes + 1 * MIB);
});

lan(`${CLIENTS} clients at once: each brings the file`, async (site) => {
  const film = randomFile(640 * KIB, 2);
  const [server, ...hosts] = await site.hosts(1, CLIENT_HOSTS + 1 as 6);
  await server.shape(1, "100mbit");
  await site.server(server, { film });
  // Until everybody is there and has asked in vain, nobody can reach the server.
  await server.setLink(1, "down");
  const gets = Array.from(
    { length: CLIENTS },
    (_, i) =>
      new Fetch(
        site,
        hosts[i % CLIENT_HOSTS]!,
        `${i}`,
        "film",
        "--timeout",
        "2",
        "--retries",
        "30",
        "--wait",
        "60",
      ),
  );
  await Promise.all(gets.map(({ process }) => process.event(({ event }) => event === "waiting")));
  await server.setLink(1, "up");
  await Promise.all(gets.map((get) => get.brings({ film })));
  for (const get of gets) assert(get.done?.["root"], "the classic way would prove less");
});

/** What a process holds: descriptors by kind, and memory in MiB. */
async function holdings(pid: number) {
  let [sockets, files] = [0, 0];
  for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
    const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => "");
    if (target.startsWith("socket:")) sockets += 1;
    else if (target.startsWith("/")) files += 1;
  }
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const rssMib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  return { sockets, files, rssMib };
}

lan(`hundreds of files leave nothing behind in their server (seed ${SEED})`, async (site) => {
  const random = new Random(SEED);
  const sizes = Array.from(
    { length: 50 },
    (_, i) => i % 10 === 0 ? Math.floor(random.between(0.5, 2) * MIB) : random.below(96 * KIB),
  );
  const files = Object.fromEntries(sizes.map((size, i) => [`f${i}`, randomFile(size, i)]));
  const names = Object.keys(files);
  const [host, ...clients] = await site.hosts(1, 3);
  const server = await site.server(host, files);
  const fetchAll = (round: number): Promise<void[]> =>
    Promise.all(
      clients.map((client, i) =>
        new Fetch(site, client, `${round}-${i}`, ...random.shuffle([...names])).brings(files)
      ),
    );
  await new Fetch(site, clients[0], "first", ...names).brings(files);
  const before = await holdings(server.pid);
  for (let round = 0; round < 6; round++) await fetchAll(round);
  let after = await holdings(server.pid);
  const isAsBefore = async (): Promise<boolean> => {
    after = await holdings(server.pid);
    // A packer may have been started meanwhile.
    const filesMax = before.files + PACKER_OPEN_FILES_MAX;
    return after.sockets <= before.sockets && after.files <= filesMax;
  };
  await eventually("it holds what it held", 10_000, isAsBefore).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify({ before, after })}`);
  });
  assertLess(after.rssMib, before.rssMib + 25);
});
