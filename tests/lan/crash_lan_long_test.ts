/**
 * Programs that are killed at moments drawn from a seed, again and again: whoever is left brings the
 * right file, and whoever comes back goes on from what it had.
 */
import { assertEquals, assertLess } from "@std/assert";
import { Random } from "../../lib/protocol/base/random.ts";
import { randomFile } from "../support/e2e.ts";
import { Fetch, inLanes, lan, MIB, pass } from "./fault_rig.ts";

const SEED = 81_526;
/** Rounds run in lanes beside each other, each on a subnet of its own, with links of its own. */
const LANES = 2;
const ROUNDS = 20;
/** Of the link to a client that is killed. */
const MBIT = 40;

lan(`of two servers one is killed, ${ROUNDS} times (seed ${SEED})`, async (site) => {
  const hits = await inLanes(LANES, async (lane) => {
    const random = new Random(SEED + lane);
    const [victim, other, client] = await site.hosts(lane + 1, 3);
    for (const host of [victim, other]) await host.shape(lane + 1, "60mbit");
    const film = randomFile(5 * MIB, lane);
    await site.server(other, { film });
    let hits = 0;
    for (let round = 0; round < ROUNDS / LANES; round++) {
      const killed = await site.server(victim, { film });
      const get = new Fetch(site, client, `${lane}-${round}`, "film");
      await get.process.event(({ event }) => event === "offer");
      await pass(random.between(0, 300));
      if (!get.isOver) hits += 1;
      killed.signal("SIGKILL");
      await killed.exit();
      await get.brings({ film });
      assertEquals(get.serversThatWere("dropped"), []);
    }
    return hits;
  });
  // The links alone take longer than the latest moment.
  assertEquals(hits.reduce((sum, each) => sum + each), ROUNDS);
});

lan(`a client is killed and run again, ${ROUNDS} times (seed ${SEED})`, async (site) => {
  const film = randomFile(8 * MIB, 1);
  const lost = (await inLanes(LANES, async (lane) => {
    const random = new Random(SEED - 1 - lane);
    const [server, client] = await site.hosts(lane + 1, 2);
    await server.shape(lane + 1, `${MBIT}mbit`);
    await site.server(server, { film });
    const lost: number[] = [];
    for (let round = 0; round < ROUNDS / LANES; round++) {
      const out = `${lane}-${round}`;
      const killed = new Fetch(site, client, out, "film");
      await killed.process.event(({ event }) => event === "offer");
      await pass(random.between(0, 1_400));
      killed.process.signal("SIGKILL");
      await killed.exit();
      assertEquals(killed.isOver, false, "the link alone takes longer than the latest moment");
      const again = new Fetch(site, client, out, "film");
      await again.brings({ film });
      lost.push(killed.lastBytes - Number(again.done?.["resumedBytes"]));
      const given = again.done?.["servers"] as readonly { readonly bytes: number }[];
      const fetched = given.reduce((sum, { bytes }) => sum + bytes, 0);
      assertEquals(fetched + Number(again.done?.["resumedBytes"]), film.length);
    }
    return lost;
  })).flat();
  assertEquals(lost.length, ROUNDS);
  // What was verified and not marked yet is what comes between two journals: one second at most.
  assertLess(Math.max(...lost), MBIT * 1_000_000 / 8);
});
