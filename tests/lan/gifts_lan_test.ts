/** What crosses the wire while many fetch the same file: captured, and read again by what docs/PROTOCOL.md says. */
import { assertEquals, assertGreaterOrEqual } from "@std/assert";
import { join } from "@std/path/join";
import { randomFile } from "../support/e2e.ts";
import { GiftWatch } from "../support/gift_watch.ts";
import { labObstacle } from "../support/lab.ts";
import { Capture } from "./capture.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const CLIENTS = 3;
/** Where several datagrams cross as one, they are told apart by nobody. */
const obstacle = await labObstacle("python3", "ethtool");

lan(
  "no byte of a file leaves a host that was not asked for there with a token, and none that is not the file's",
  async (site) => {
    const film = randomFile(1 * MIB + 11, 1);
    const [server, ...clients] = await site.hosts(1, CLIENTS + 1 as 4);
    for (const host of [server, ...clients]) await host.shape(1, "100mbit");
    const capture = site.use(
      await Capture.start(site.lab.viaSwitch, join(site.scratch.root, "capture")),
    );
    await site.server(server, { film });
    const gets = clients.map((host, i) => new Fetch(site, host, `${i}`, "film", "--no-pack"));
    await Promise.all(gets.map((get) => get.brings({ film })));
    const watch = new GiftWatch(film);
    const wrong = (await capture.stop()).flatMap(({ from, to, datagram }) =>
      watch.onSent(from, to, datagram) ?? []
    );
    assertEquals(wrong, []);
    const given = [server, ...clients].map(({ addresses }) => watch.givenBytes(addresses[0]!));
    const givenBytes = given.reduce((sum, each) => sum + each, 0);
    assertGreaterOrEqual(givenBytes, CLIENTS * film.length, "all of it has crossed the wire");
  },
  obstacle,
  "none",
);
