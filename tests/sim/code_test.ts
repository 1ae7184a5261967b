/** Sending by a code, as it ships, in virtual time: over a network that loses, with machines that die and come back. */
import "../support/libraries.ts";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { ShoalError } from "../../lib/errors.ts";
import { CodeWorld, sentPath } from "./code_world.ts";
import { OUT_DIR } from "./sim_client.ts";

const KIB = 1024;
const FILES = { "a.bin": 300 * KIB, "b.txt": 700, "c": 0 };
/** Folders are no part of these worlds. */
const OFFER = { files: Object.keys(FILES).map((name) => ({ path: sentPath(name) })) };

for (const lossRate of [0, 0.05, 0.2]) {
  Deno.test(`what is sent by a code comes whole where ${lossRate * 100} % are lost, and both sides end`, async () => {
    for (let seed = 1; seed <= 3; seed++) {
      const world = new CodeWorld(seed, lossRate);
      const [sender, receiver] = [world.machine(FILES), world.machine()];
      const sending = await world.send(sender, OFFER);
      const ended = world.follow(sending.ended);
      const got = world.get(receiver, sending.code);
      await world.until(() => got.endedMs !== undefined && ended.endedMs !== undefined);
      assertEquals([got.error, ended.error], [undefined, undefined], `seed ${seed}`);
      assertEquals(got.value?.map(({ event }) => event), ["done", "done", "done"], `seed ${seed}`);
      for (const name of Object.keys(FILES)) {
        assertEquals(
          receiver.disk.read(`${OUT_DIR}/${name}`),
          sender.disk.read(sentPath(name)),
          `seed ${seed}: ${name}`,
        );
      }
      assertEquals(world.states(), ["waiting", "taken", "fetching", "done"], `seed ${seed}`);
    }
  });
}

Deno.test("a sender that dies is missed within seconds, and what came is kept", async () => {
  const world = new CodeWorld(5, 0.02);
  const [sender, receiver] = [world.machine(FILES), world.machine()];
  const sending = await world.send(sender, { ...OFFER, rateBytesPerS: 50 * KIB });
  const got = world.get(receiver, sending.code);
  await world.until(() => world.states().includes("fetching"));
  const diedMs = world.clock.nowMs;
  sender.process.end();
  await world.until(() => got.endedMs !== undefined);
  assert(got.error instanceof ShoalError, String(got.error));
  assertEquals(got.error.code, "stalled");
  assert(got.endedMs! - diedMs < 12_000, `${got.endedMs! - diedMs} ms`);
});

Deno.test("a receiver that dies is missed, and comes again with the same code; nothing comes twice", async () => {
  const world = new CodeWorld(6, 0.02);
  const [sender, first] = [world.machine({ ...FILES, "a.bin": 2_000 * KIB }), world.machine()];
  const sending = await world.send(sender, { ...OFFER, rateBytesPerS: 400 * KIB });
  let hasSome = false;
  world.get(first, sending.code, {
    onEvent: (event) => hasSome ||= event.event === "progress" && event.bytes > 1_000 * KIB,
  });
  await world.until(() => hasSome);
  first.process.end();
  await world.until(() => world.states().includes("left"));
  const got = world.get(world.again(first.address, first.disk), sending.code);
  await world.until(() => got.endedMs !== undefined);
  assertEquals(got.error, undefined);
  const [large] = got.value!.filter(({ name }) => name === "a.bin");
  assert(large?.event === "done", JSON.stringify(got.value));
  assertGreater(large.resumedBytes, 0);
});

Deno.test("a sender takes a number that nobody else has", async () => {
  for (let seed = 1; seed <= 2; seed++) {
    const world = new CodeWorld(seed, 0);
    const codes = new Set<string>();
    // All draw from one sequence, of which the later ones draw what the first have drawn.
    for (let i = 0; i < 3; i++) {
      const machine = world.machine(FILES);
      const { random } = machine.process.runtime;
      let drawn = 0;
      Object.assign(random, { u32: () => drawn++ * 5_000_000 });
      codes.add((await world.send(machine, OFFER)).code.split("-")[0]!);
    }
    assertEquals(codes.size, 3, `seed ${seed}`);
  }
});
