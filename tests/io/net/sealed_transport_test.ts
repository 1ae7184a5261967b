/** What a sealed socket makes of sends that fail below it. */
import { assertEquals, assertRejects } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import type { DatagramTransport, SendOutcome } from "../../../lib/io/net/datagram_transport.ts";
import { SealedTransport } from "../../../lib/io/net/sealed_transport.ts";
import { GROUP, SERVER, suiteWith } from "../../support/seal_scene.ts";

Deno.test("a send that fails keeps none back that come after it", async () => {
  let sends = 0;
  const inner: DatagramTransport = {
    port: 1,
    receiveBufferBytes: 0,
    isTuned: false,
    keepsWhole: false,
    overheadBytes: 0,
    waitedMs: 0,
    listen() {},
    takeArrived() {},
    setJoining() {},
    routeBytes: () => undefined,
    send(): Promise<SendOutcome> {
      sends += 1;
      return sends === 1 ? Promise.reject(new Error("no")) : Promise.resolve("sent");
    },
    async close() {},
  };
  const sealed = new SealedTransport(inner, {
    ...{ groups: [GROUP], suite: suiteWith(), nowMs: () => 0 },
  });
  const say = async (): Promise<SendOutcome> =>
    await sealed.send(new Uint8Array(10) as Bytes, SERVER);
  const first = say();
  const second = say();
  await assertRejects(() => first, Error, "no");
  assertEquals([await second, await say()], ["sent", "sent"]);
  await sealed.close();
});
