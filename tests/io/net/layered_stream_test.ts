/** Streams under layers, as the factory puts them together. */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { connectStream, listenForStreams } from "../../../lib/io/net/transport_factory.ts";
import type { FaultsConfig, LayerConfig } from "../../../lib/messages/transport_config.ts";
import { canUseNetwork } from "../../support/permissions.ts";
import { xorConfig, xorCounts } from "../../support/xor_layer.ts";
import { XOR_LAYERS } from "../../support/xor_runtime.ts";

const ignore = !(await canUseNetwork());
const HOST = "127.0.0.1";
const SAID = Uint8Array.of(1, 2, 3, 4, 5);
const FAULTS: FaultsConfig = { kind: "faults", errorRate: 1, seed: 1 };

/** What each side reads of what the other says, as client and as server. */
async function said(ours: readonly LayerConfig[], theirs: readonly LayerConfig[]) {
  const listener = listenForStreams({ host: HOST, ports: [0], layers: theirs }, XOR_LAYERS);
  const { signal } = new AbortController();
  const [client, server] = await Promise.all([
    connectStream({ address: HOST, port: listener.port }, ours, signal, XOR_LAYERS),
    listener.accept(),
  ]);
  assert(server !== undefined);
  const [byClient, byServer] = [new Uint8Array(10), new Uint8Array(10)];
  assertEquals(await client.write(SAID), SAID.length);
  assertEquals(await server.read(byServer), SAID.length);
  assertEquals(await server.write(SAID), SAID.length);
  assertEquals(await client.read(byClient), SAID.length);
  for (const each of [client, server, listener]) each.close();
  return [byClient, byServer].map((bytes) => bytes.slice(0, SAID.length));
}

Deno.test("what one side seals on a stream the other opens", { ignore }, async () => {
  const xor = xorConfig();
  assertEquals(await said([xor], [xor]), [SAID, SAID]);
  const counts = xorCounts(xor);
  const passed = [counts.streams, counts.streamBytesSent, counts.streamBytesReceived];
  assertEquals(passed, [2, 2 * SAID.length, 2 * SAID.length]);
});

Deno.test("who lacks the layer reads nothing of a stream, nor is read", { ignore }, async () => {
  for (const [ours, theirs] of [[[xorConfig()], []], [[], [xorConfig()]]] as const) {
    for (const read of await said(ours, theirs)) {
      assert(read.every((byte, i) => byte !== SAID[i]), String(read));
    }
  }
});

Deno.test(
  "simulated errors leave streams alone, beside a layer that does not",
  { ignore },
  async () => {
    assertEquals(await said([FAULTS], []), [SAID, SAID]);
    const xor = xorConfig();
    assertEquals(await said([xor, FAULTS], [FAULTS, xor]), [SAID, SAID]);
    assertEquals(xorCounts(xor).streams, 2);
  },
);

Deno.test(
  "under a layer without a half for streams nobody listens or connects",
  { ignore },
  async () => {
    const layers = [xorConfig(), { kind: "half" }];
    const listening = (): unknown =>
      listenForStreams({ host: HOST, ports: [0], layers }, XOR_LAYERS);
    const refused = ShoalError.from(assertThrows(listening));
    assertEquals([refused.code, refused.message.includes('"half"')], ["usage", true]);
    const listener = listenForStreams({ host: HOST, ports: [0], layers: [] });
    const accepted = listener.accept();
    const { signal } = new AbortController();
    const to = { address: HOST, port: listener.port };
    const connecting = () => connectStream(to, layers, signal, XOR_LAYERS);
    const error = ShoalError.from(await assertRejects(connecting));
    assertEquals([error.code, error.message], [refused.code, refused.message]);
    // The connection that is accepted is the next one: there was none before.
    const next = await connectStream(to, [], signal);
    const first = await accepted;
    await next.write(SAID);
    assertEquals(await first!.read(new Uint8Array(10)), SAID.length);
    for (const each of [next, first!, listener]) each.close();
  },
);

Deno.test(
  "a layer of streams that is not in the table is told by its name",
  { ignore },
  async () => {
    const layers = [{ kind: "cheese" }];
    const { signal } = new AbortController();
    for (
      const open of [
        () => connectStream({ address: HOST, port: 9 }, layers, signal),
        () => Promise.resolve().then(() => listenForStreams({ host: HOST, ports: [0], layers })),
      ]
    ) {
      const error = ShoalError.from(await assertRejects(open));
      assertEquals([error.code, error.message.includes("cheese")], ["internal", true]);
    }
  },
);
