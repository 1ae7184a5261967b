import { assert, assertEquals } from "@std/assert";
import type { Received } from "../../../lib/io/net/datagram_transport.ts";
import { openTransport } from "../../../lib/io/net/transport_factory.ts";
import { withFaults } from "../../../lib/messages/transport_config.ts";
import { assertSameBytes } from "../../support/bytes.ts";
import { canUseNetwork } from "../../support/permissions.ts";
import { XOR_OVERHEAD_BYTES, xorConfig, xorCounts } from "../../support/xor_layer.ts";
import { XOR_LAYERS as TABLE } from "../../support/xor_runtime.ts";
import { testTransport } from "../../support/test_transport.ts";

const ignore = !(await canUseNetwork());
const HOST = "127.0.0.1";

/** What came out at the other end of one send. */
async function sent(sizeBytes: number, segmentBytes: number, tune: boolean) {
  const xor = xorConfig();
  const config = testTransport({ host: HOST, tune, joins: true, layers: [xor] });
  const a = openTransport(config, TABLE);
  const b = openTransport(config, TABLE);
  const bytes = Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 7 + (i >> 8)) & 0xff);
  const received: Received[] = [];
  const arrived = Promise.withResolvers<void>();
  let leftBytes = sizeBytes;
  b.listen((each) => {
    received.push({ ...each, bytes: each.bytes.slice() });
    leftBytes -= each.bytes.length;
    if (leftBytes === 0) arrived.resolve();
  }, arrived.reject);
  await a.send(bytes, { address: HOST, port: b.port }, segmentBytes);
  await arrived.promise;
  await Promise.all([a.close(), b.close()]);
  assertSameBytes(Uint8Array.from(received.flatMap((each) => [...each.bytes])), bytes);
  return { counts: xorCounts(xor), isTuned: a.isTuned, received };
}

for (const tune of [true, false]) {
  const options = { ignore, sanitizeResources: !tune };
  Deno.test(`what a layer seals arrives opened, ${tune ? "tuned" : "plain"}`, options, async () => {
    for (
      const [sizeBytes, segmentBytes] of [[5, 0], [1_200, 1_384], [40 * 1_384 + 3, 1_384]] as const
    ) {
      const { counts } = await sent(sizeBytes, segmentBytes, tune);
      assertEquals(counts.refused, 0);
      assertEquals(counts.receivedSegments, Math.ceil(sizeBytes / (segmentBytes || sizeBytes)));
    }
  });
}

Deno.test(
  "a burst under a layer stays one send and one receive",
  { ignore: ignore || Deno.build.os !== "linux", sanitizeResources: false },
  async () => {
    const segmentBytes = 1_400 - XOR_OVERHEAD_BYTES;
    const { counts, isTuned, received } = await sent(46 * segmentBytes, segmentBytes, true);
    if (!isTuned) return;
    assertEquals([counts.sends, counts.receives], [1, 1]);
    assertEquals(received.map((each) => each.segmentBytes), [segmentBytes]);
  },
);

Deno.test("what no layer of the kind has sent is not handed on", { ignore }, async () => {
  const config = testTransport({ host: HOST, tune: false });
  const plain = openTransport(config);
  const xor = xorConfig();
  const sealed = openTransport({ ...config, layers: [xor] }, TABLE);
  const lengths: number[] = [];
  const arrived = Promise.withResolvers<void>();
  sealed.listen(({ bytes }) => {
    lengths.push(bytes.length);
    arrived.resolve();
  }, arrived.reject);
  const other = openTransport({ ...config, layers: [xorConfig()] }, TABLE);
  const to = { address: HOST, port: sealed.port };
  await plain.send(new Uint8Array(100), to);
  await other.send(new Uint8Array(70), to);
  await arrived.promise;
  assertEquals(lengths, [70]);
  assertEquals(xorCounts(xor).refused, 1);
  await Promise.all([plain.close(), sealed.close(), other.close()]);
});

Deno.test(
  "overhead adds up, and simulated errors hit what a layer has sealed",
  { ignore },
  async () => {
    const sealing = testTransport({
      host: HOST,
      tune: false,
      layers: [xorConfig(), xorConfig()],
    });
    const from = openTransport(withFaults(sealing, 1, 5), TABLE);
    assertEquals(from.overheadBytes, 2 * XOR_OVERHEAD_BYTES);
    const to = openTransport({ ...sealing, layers: [] });
    const lengths: number[] = [];
    to.listen(({ bytes }) => void lengths.push(bytes.length), () => {});
    for (let i = 0; i < 50; i++) {
      await from.send(new Uint8Array(10), {
        address: HOST,
        port: to.port,
      });
    }
    while (lengths.length < 5) await new Promise((resolve) => setTimeout(resolve, 5));
    assertEquals(new Set(lengths), new Set([10 + 2 * XOR_OVERHEAD_BYTES]));
    await Promise.all([from.close(), to.close()]);
  },
);

Deno.test("a layer that is not in the table is told by its name", { ignore }, () => {
  let message = "";
  try {
    openTransport(testTransport({ host: HOST, tune: false, layers: [{ kind: "cheese" }] }));
  } catch (error) {
    message = String(error);
  }
  assert(message.includes("cheese"), message);
});
