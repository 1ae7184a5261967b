/** Hosts that are suspended, that have no home for their user, or no inode left on a disk. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { randomFile } from "../support/e2e.ts";
import { ShoalProcess } from "../support/shoal_process.ts";
import { endOf, Fetch, lan, MIB, pass } from "./fault_rig.ts";

lan(
  "a client, and then its server, are suspended for five seconds: the file comes",
  async (site) => {
    site.lab.wire(1);
    const [server, client] = await site.hosts(1, 2);
    const files = { film: randomFile(16 * MIB, 1) };
    const serving = await site.server(server, files);
    await client.impair(1, { toHost: { bytesPerMs: 5_000, queueBytesMax: 200_000 } });
    const get = new Fetch(site, client, "out", "film");
    for (const [process, bytes] of [[get.process, 2 * MIB], [serving, 6 * MIB]] as const) {
      await get.has(bytes);
      process.signal("SIGSTOP");
      await pass(5_000);
      process.signal("SIGCONT");
    }
    await get.brings(files);
  },
);

lan("a server and a client whose user has no HOME serve and fetch", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  const film = randomFile(MIB, 1);
  await site.scratch.serve("film", film);
  const homeless = ["env", "-u", "HOME", "-u", "XDG_CACHE_HOME"];
  const start = (args: string[], via: readonly string[]): ShoalProcess =>
    site.use(new ShoalProcess(args, { env: { SHOAL_BROADCAST: "" }, via: [...via, ...homeless] }));
  const serving = start(["server", site.scratch.served], server.via);
  await serving.event(({ event }) => event === "ready");
  const get = start(["get", "film", "--out", site.scratch.out], client.via);
  assertEquals(await endOf(get), 0, get.description());
  assertEquals(await site.scratch.read("film"), film);
});

lan("a disk without an inode left: exit 5 and why", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  await site.server(server, { film: randomFile(MIB, 1) });
  const out = join(site.scratch.root, "out", "full");
  await Deno.mkdir(out, { recursive: true });
  const mount = ["-t", "tmpfs", "-o", "size=20m,nr_inodes=2", "tmpfs", out];
  assertEquals((await new Deno.Command("mount", { args: mount }).output()).success, true);
  try {
    await Deno.writeTextFile(join(out, "last"), "");
    const get = new Fetch(site, client, "full", "film");
    assertEquals(await get.exit(), 5, get.process.description());
    assertMatch(get.said, /no space left|disk_full/);
  } finally {
    await new Deno.Command("umount", { args: [out] }).output();
  }
});
