/** Many hosts that fetch one file at once: captured, and read again by what docs/PROTOCOL.md says. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { lan } from "./fault_rig.ts";
import { takersObstacle, TakersScene } from "./takers_scene.ts";

const TAKERS = 8;

lan(
  `${TAKERS} hosts that fetch a file at once give it to each other, and nobody sends a byte that was not asked for`,
  async (site) => {
    const scene = await TakersScene.build(site, TAKERS, "30mbit");
    await scene.fetchAll();
    const { watch, wrong } = await scene.watched();
    assertEquals(wrong, []);
    const given = scene.takers.map(({ addresses }) => watch.givenBytes(addresses[0]!));
    assertGreater(given.filter((bytes) => bytes > 0).length, 1, "takers give");
    assertLess(watch.givenBytes(scene.server.addresses[0]!), TAKERS * scene.film.length);
  },
  takersObstacle,
  "none",
);
