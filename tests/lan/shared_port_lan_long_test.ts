/** Two servers on one host whose data ports a firewall closes: a datagram to the port that they share reaches but one. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { randomFile } from "../support/e2e.ts";
import { labObstacle } from "../support/lab.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const nftObstacle = await labObstacle("nft");

lan(
  "of two servers behind one firewall each one's file comes, and what neither has is not found",
  async (site) => {
    const [server, client] = await site.hosts(1, 2);
    await server.run("nft", "add table inet f");
    for (const hook of ["input", "output"]) {
      await server.run("nft", `add chain inet f ${hook} { type filter hook ${hook} priority 0; }`);
      for (const side of ["dport", "sport"]) {
        await server.run("nft", `add rule inet f ${hook} udp ${side} 10530-10545 drop`);
      }
    }
    const first = { film: randomFile(2 * MIB, 1), "t/a": randomFile(9, 2) };
    const second = { song: randomFile(300_000, 3) };
    await site.server(server, first);
    const folder = join(site.scratch.root, "second");
    await site.scratch.serve("song", second.song, folder);
    const other = site.start(server, ["server", folder]);
    await other.event(({ event }) => event === "ready");
    // A datagram to the port that they share reaches one of them: which one is the system's choice.
    for (const [name, bytes] of Object.entries({ film: first.film, ...second })) {
      const get = new Fetch(site, client, name, name);
      await get.brings({ [name]: bytes });
      assertMatch(get.said, /over UDP: using TCP instead/);
    }
    const tree = new Fetch(site, client, "tree", "t/");
    assertEquals(await tree.exit(), 0, tree.process.description());
    assertEquals(await Deno.readFile(join(tree.out, "t/a")), first["t/a"]);
    for (const told of [[], ["--server", server.addresses[0]!]]) {
      const list = site.start(client, ["list", ...told]);
      assertEquals(await list.exit(), 0, list.description());
      const names = list.events.flatMap(({ event, name }) => event === "file" ? [name] : []);
      assertEquals(names, ["film", "song", "t/a"], list.description());
    }
    const pattern = new Fetch(site, client, "pattern", "*");
    await pattern.brings({ film: first.film, ...second });
    const missing = new Fetch(site, client, "missing", "flim");
    assertEquals(await missing.exit(), 3, missing.process.description());
    assertMatch(missing.said, /not_found no server has 'flim'/);
  },
  nftObstacle,
);
