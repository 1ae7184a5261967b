/**
 * Offers that are forged in the honest server's own address, and that come before its own: they prove
 * nothing, so however many they are, they keep nobody from finding it.
 */
import { assert, assertEquals } from "@std/assert";
import { type SafeFileName, serverId } from "../../lib/ids.ts";
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

const CASES = [64, 300].flatMap((count) =>
  (["invented ids", "its own id"] as const).flatMap((ids) => [
    { count, ids, trueEvery: 1 },
    { count, ids, trueEvery: Infinity },
  ])
);

for (const { count, ids, trueEvery } of CASES) {
  const what = `${trueEvery === 1 ? "what it has" : "other contents"} under ${ids}`;
  e2e(`${count} forged offers at the server's own address, and earlier: ${what}`, async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(3_000_000, 1);
    await scratch.serve("a.bin", file);
    await using server = await startServer(scratch, port);
    const { id } = await server.event(({ event }) => event === "ready");
    const [truth] = (await runShoal(["hash", `${scratch.served}/a.bin`])).events;
    assert(truth !== undefined);
    const name = "a.bin" as SafeFileName;
    const forgery = { name, count, seed: count, trueEvery, firstDataPort: FIRST_FORGED_PORT };
    const own = ids === "its own id" ? { server: serverId(`${id}`) } : {};
    await using forger = new Forger(port, forgedOffers(truth, { ...forgery, ...own }), "each");
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
      while (forger.sent < count) await new Promise((resolve) => setTimeout(resolve, 20));
      Deno.kill(server.pid, "SIGCONT");
      assertEquals(await get.exit(), 0, get.description());
      assertSameBytes(await scratch.read("a.bin"), file);
      const offers = get.events.filter(({ event }) => event === "offer");
      assertEquals(offers.map((each) => each["sha256"]), [truth["sha256"]]);
    } finally {
      Deno.kill(server.pid, "SIGCONT");
    }
  });
}
