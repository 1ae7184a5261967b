/**
 * Offers that are forged in the honest server's own address, and that come before its own: they prove
 * nothing, so however many they are, they keep nobody from finding it.
 */
import { assert, assertEquals } from "@std/assert";
import type { SafeFileName } from "../../lib/ids.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { forgedOffers, Forger } from "../support/forger.ts";
import {
  freePort,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const FIRST_FORGED_PORT = 20_000;

for (const count of [64, 300]) {
  e2e(`${count} forged offers at the server's own address, and earlier than its own`, async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(3_000_000, 1);
    await scratch.serve("a.bin", file);
    await using server = await startServer(scratch, port);
    const [truth] = (await runShoal(["hash", `${scratch.served}/a.bin`])).events;
    assert(truth !== undefined);
    const name = "a.bin" as SafeFileName;
    const firstDataPort = FIRST_FORGED_PORT;
    const offers = forgedOffers(truth, { name, count, seed: count, trueEvery: 1, firstDataPort });
    await using forger = new Forger(port, offers, "each");
    Deno.kill(server.pid, "SIGSTOP");
    try {
      await using get = new ShoalProcess([
        "get",
        "a.bin",
        "--out",
        scratch.out,
        "--port",
        `${port}`,
      ]);
      await get.event(({ event }) => event === "offer");
      while (forger.sent < count) await new Promise((resolve) => setTimeout(resolve, 20));
      Deno.kill(server.pid, "SIGCONT");
      assertEquals(await get.exit(), 0, get.description());
      assertSameBytes(await scratch.read("a.bin"), file);
    } finally {
      Deno.kill(server.pid, "SIGCONT");
    }
  });
}
