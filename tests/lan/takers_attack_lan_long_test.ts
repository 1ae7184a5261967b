/** Somebody among many takers who means harm, on hosts; captured, and read again by what docs/PROTOCOL.md says. */
import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { TAKER_REST_MS, TAKER_VAIN_MAX } from "../../lib/protocol/download/limits.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";
import { lan } from "./fault_rig.ts";
import { takersObstacle, TakersScene } from "./takers_scene.ts";

const TAKERS = 4;
/** Of those that are named as takers and are none. */
const VICTIM_PORTS = [53, 2_049, 5_353, 9_999];
/** A HAVE_WANT, which is all that may be sent on somebody's word. */
const WORD_BYTES_MAX = 100;

lan(
  "a taker that floods, lies and names others as takers keeps nobody from the file, and turns nobody on its victims",
  async (site) => {
    const scene = await TakersScene.build(site, TAKERS, "4mbit");
    const [attacker, bystander] = await site.hosts(1, 2);
    const victim = bystander.addresses[0]!;
    await scene.attack(attacker, VICTIM_PORTS.map((port) => `${victim}:${port}`));
    const startMs = Date.now();
    await scene.fetchAll();
    const isLiar = (address: string) => address === attacker.addresses[0];
    const { wrong, captured } = await scene.watched(isLiar);
    assertEquals(wrong, []);
    const own = new Set(scene.takers.map(({ addresses }) => addresses[0]!));
    const asked = captured.filter(({ from, to, datagram }) =>
      own.has(from.address) && isLiar(to.address) &&
      [...framesIn(datagram)].some(({ kind }) => kind === "have_want")
    );
    assertGreater(asked.length, 0, "it was taken for a taker");
    const counts = new Map<string, number>();
    for (const { from, to, datagram } of captured) {
      if (to.address !== victim || !own.has(from.address)) continue;
      assert(datagram.length <= WORD_BYTES_MAX, `${datagram.length} bytes`);
      const path = `${from.address} to ${to.port}`;
      counts.set(path, (counts.get(path) ?? 0) + 1);
    }
    assertGreater(counts.size, 0, "its victims were asked");
    // Whoever was asked in vain may be named, and asked, again after a rest.
    const turns = 1 + Math.floor((Date.now() - startMs) / TAKER_REST_MS);
    for (const [path, count] of counts) assertLessOrEqual(count, turns * TAKER_VAIN_MAX, path);
  },
  takersObstacle,
  "none",
);
