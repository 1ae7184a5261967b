/**
 * Everything under a layer that changes every byte of every datagram and adds 16: search, layer, listing
 * and data, between the client and the server that are shipped, over real sockets.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import type { NoticeEvent } from "../../lib/app/events.ts";
import { get, getIn } from "../../lib/app/client/get_files.ts";
import { listIn } from "../../lib/app/list/list.ts";
import type { Server } from "../../lib/app/options.ts";
import { serveIn } from "../../lib/app/serve/serve.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { canRunProcesses, freePort, Scratch } from "../support/shoal_process.ts";
import { xorConfig, xorCounts } from "../support/xor_layer.ts";
import { xorRuntime } from "../support/xor_runtime.ts";

const LOOPBACK = ["127.255.255.255"];
const FILES = { "small.txt": 3_000, "sub/large.bin": 24 * MIB + 77 };

async function served(scratch: Scratch, port: number, options: object): Promise<Server> {
  for (const [name, sizeBytes] of Object.entries(FILES)) {
    await scratch.serve(name, randomFile(sizeBytes, sizeBytes));
  }
  const common = { dir: scratch.served, cacheDir: scratch.cache, port };
  return await serveIn(xorRuntime(), { ...common, ...options });
}

for (const tune of [true, false]) {
  // A library that was loaded for tuning stays loaded for as long as its thread.
  Deno.test({
    name: `a whole transfer runs under a layer, ${tune ? "its bursts joined" : "plain"}`,
    ignore: !canRunProcesses,
    sanitizeResources: !tune,
    async fn() {
      await using scratch = await Scratch.make();
      const port = freePort();
      const [ours, theirs] = [xorConfig(), xorConfig()];
      const server = await served(scratch, port, { tune, layers: [theirs] });
      const details: string[] = [];
      try {
        const common = { port, broadcast: LOOPBACK, tune, layers: [ours] };
        const listed = await listIn(xorRuntime(), common);
        assertEquals(listed.map(({ name, size }) => [name, size]), Object.entries(FILES));
        const results = await getIn(xorRuntime(), {
          ...common,
          names: Object.keys(FILES),
          outDir: scratch.out,
          onEvent: (event) =>
            event.event === "notice" && details.push((event as NoticeEvent).message),
        });
        assertEquals(results.map(({ event }) => event), ["done", "done"], details.join("\n"));
      } finally {
        await server.close();
      }
      for (const [name, sizeBytes] of Object.entries(FILES)) {
        assertSameBytes(await scratch.read(name), randomFile(sizeBytes, sizeBytes));
      }
      const [received, sent] = [xorCounts(ours), xorCounts(theirs)];
      assertEquals([received.refused, sent.refused], [0, 0]);
      const segmentsMin = FILES["sub/large.bin"] / 1_400;
      assertGreater(sent.sentSegments, segmentsMin);
      assertGreater(received.receivedSegments, segmentsMin);
      // Bursts are one send whether or not the kernel can cut them; they are one receive where it can.
      assertGreater(sent.sentSegments / sent.sends, 10);
      const isJoined = details.some((detail) => detail.includes("joined datagrams"));
      const perReceive = received.receivedSegments / received.receives;
      if (isJoined) assertGreater(perReceive, 10);
      else assertEquals(perReceive, 1);
    },
  });
}

e2e("who lacks the layer hears nothing, and is not heard", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const theirs = xorConfig();
  const server = await served(scratch, port, { tune: false, layers: [theirs] });
  const impatient = { timeoutMs: 300, retries: 1 };
  const options = { port, broadcast: LOOPBACK, tune: false, outDir: scratch.out, ...impatient };
  const [result] = await get({ names: ["small.txt"], ...options });
  await server.close();
  assertEquals(result?.event, "failed");
  assert(xorCounts(theirs).refused > 0);
});
