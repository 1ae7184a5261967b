/**
 * Hosts that lack something: room on the disk, the right to write there, file descriptors. It ends
 * with a line that says what is missing, with what came kept where it can be, and never with a hang.
 */
import { assertEquals, assertGreater, assertMatch, assertNotEquals } from "@std/assert";
import { join } from "@std/path/join";
import { randomFile } from "../support/e2e.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import type { Site } from "../support/master_lab.ts";
import { eventually } from "../support/master.ts";
import { SmallDisk } from "../support/small_disk.ts";
import { ShoalProcess } from "../support/shoal_process.ts";
import { endOf, Fetch, lan, MIB, namesIn, Script } from "./fault_rig.ts";

const prlimitObstacle = await labObstacle("prlimit");
const DISK_BYTES = 20 * MIB;
/** A few more than a server takes that rests, on a host of both families. */
const DESCRIPTORS = 64;

/** A disk of its own below the site, where `get` with this name puts its files. */
async function smallOut(site: Site, name: string): Promise<SmallDisk> {
  const folder = join(site.scratch.root, "out", name);
  await Deno.mkdir(folder, { recursive: true });
  return site.use(await SmallDisk.mount(folder, DISK_BYTES));
}

lan("a disk that is too small, full in the middle, or read-only: exit 5 and why", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  await server.shape(1, "100mbit");
  const [large, film] = [randomFile(64 * MIB, 1), randomFile(14 * MIB, 2)];
  await site.server(server, { large, film });

  const small = await smallOut(site, "small");
  const tooLarge = new Fetch(site, client, "small", "large");
  assertEquals(await tooLarge.exit(), 5, tooLarge.process.description());
  assertMatch(tooLarge.said, /disk_full .* has [\d.]+ [kM]B free and the file needs 67\.1 MB more/);
  assertEquals(namesIn(small.folder), []);
  assertEquals(tooLarge.lastBytes, 0);

  const filled = await smallOut(site, "filled");
  const cutOff = new Fetch(site, client, "filled", "film");
  await cutOff.has(4 * MIB);
  const filler = filled.fill();
  assertEquals(await cutOff.exit(), 5, cutOff.process.description());
  assertMatch(cutOff.said, /disk_full cannot write \S+\.part: no space left/);
  await Deno.remove(filler);
  const again = new Fetch(site, client, "filled", "film");
  await again.brings({ film });
  assertGreater(Number(again.done?.["resumedBytes"]), 3 * MIB);

  const sealed = await smallOut(site, "sealed");
  const remount = ["-o", "remount,ro", sealed.folder];
  assertEquals((await new Deno.Command("mount", { args: remount }).output()).success, true);
  const refused = new Fetch(site, client, "sealed", "film");
  assertEquals(await refused.exit(), 5, refused.process.description());
  assertMatch(refused.said, /not_writable cannot write .*/);
});

/** A command that may hold so many files and sockets open, and no more. */
function limited(host: Host, descriptors: number): { readonly via: readonly string[] } {
  return { via: [...host.via, "prlimit", `--nofile=${descriptors}:${descriptors}`] };
}

lan("with too few file descriptors to begin, it ends at once and says so", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  await site.server(server, { film: randomFile(2 * MIB, 3) });
  const out = join(site.scratch.root, "out");
  const commands = [["get", "film", "--out", out], ["server", site.scratch.served]];
  for (const descriptors of [20, 26, 32]) {
    for (const args of commands) {
      const options = { env: site.scratch.env, ...limited(client, descriptors) };
      const process = site.use(new ShoalProcess(args, options));
      assertNotEquals(await endOf(process, 10_000), 0, process.description());
      assertMatch(process.description(), /too many open files/i);
    }
  }
  assertEquals(namesIn(out).filter((name) => !name.includes(".part")), []);
}, prlimitObstacle);

lan(
  "a crowd of connections leaves a server the descriptors for the files that others ask for",
  async (site) => {
    const [host, client, crowd] = await site.hosts(1, 3);
    const film = randomFile(2 * MIB, 4);
    await site.scratch.serve("film", film);
    const options = {
      env: { ...site.scratch.env, SHOAL_BROADCAST: "" },
      ...limited(host, DESCRIPTORS),
    };
    const server = site.use(
      new ShoalProcess(["server", site.scratch.served, "--verbose"], options),
    );
    await server.event(({ event }) => event === "ready");
    site.use(await Script.start(site, crowd, "tcp_crowd.ts", host.addresses[0]!, "10526", "60"));
    await new Fetch(site, client, "meanwhile", "film").brings({ film });
    assertEquals((await site.list(client)).join(), `film ${host.addresses[0]}`);
  },
  prlimitObstacle,
);

/** Leaves a running process so many descriptors: fewer than it has open already, perhaps. */
async function limit({ pid }: ShoalProcess, descriptors: number, most: number): Promise<void> {
  const args = [`--pid=${pid}`, `--nofile=${descriptors}:${most}`];
  assertEquals((await new Deno.Command("prlimit", { args }).output()).success, true);
}

lan("a server whose file descriptors are used up serves again when they are free", async (site) => {
  const film = randomFile(2 * MIB, 4);
  const [host, client] = await site.hosts(1, 2);
  const song = randomFile(1 * MIB, 5);
  for (const [name, bytes] of [["film", film], ["song", song]] as const) {
    await site.scratch.serve(name, bytes);
  }
  const options = {
    env: { ...site.scratch.env, SHOAL_BROADCAST: "" },
    ...limited(host, DESCRIPTORS),
  };
  const server = site.use(new ShoalProcess(["server", site.scratch.served, "--verbose"], options));
  await server.event(({ event }) => event === "ready");
  await new Fetch(site, client, "before", "film").brings({ film });
  await limit(server, 10, DESCRIPTORS);
  const impatient = ["--timeout", "2", "--retries", "2"];
  for (const [name, bytes] of [["film", film], ["song", song]] as const) {
    const get = new Fetch(site, client, `meanwhile-${name}`, name, ...impatient);
    const code = await get.exit(30_000);
    if (code === 0) await get.brings({ [name]: bytes });
    else {
      assertEquals(code, 3, get.process.description());
      // What has come of it before is kept.
      for (const left of namesIn(get.out)) assertMatch(left, /\.part(\.journal)?$/);
    }
  }
  // What it cannot read now is not offered now, and it says so.
  await server.event(({ level, message }) =>
    level === "warning" && /cannot be read/.test(String(message))
  );
  await limit(server, DESCRIPTORS, DESCRIPTORS);
  const all = ["film", "song"].map((name) => `${name} ${host.addresses[0]}`);
  await eventually(
    "everything is offered again",
    10_000,
    async () => (await site.list(client)).join() === all.join(),
  );
  const after = new Fetch(site, client, "after", "film", "song");
  await after.brings({ film, song });
}, prlimitObstacle);
