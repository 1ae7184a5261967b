import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { lan } from "./fault_rig.ts";
import { takersObstacle, TakersScene } from "./takers_scene.ts";

const TAKERS = 30;

lan(
  `${TAKERS} hosts that fetch a file at once cost its server a part of what they get, each byte asked for`,
  async (site) => {
    const scene = await TakersScene.build(site, TAKERS, "10mbit");
    await scene.fetchAll();
    const { watch, wrong } = await scene.watched();
    assertEquals(wrong, []);
    const given = scene.takers.map(({ addresses }) => watch.givenBytes(addresses[0]!));
    assertGreater(given.filter((bytes) => bytes > 0).length, TAKERS / 2, "most of them give");
    assertLess(watch.givenBytes(scene.server.addresses[0]!), TAKERS * scene.film.length / 2);
  },
  takersObstacle,
  "none",
);
