import { assert, assertEquals } from "@std/assert";
import type { Bytes, Endpoint } from "../../../lib/ids.ts";
import { openUdpPort, type Received, type UdpPort } from "../../../lib/io/net/udp_port.ts";
import { assertSameBytes } from "../../support/bytes.ts";
import { canUseNetwork } from "../../support/permissions.ts";

const ignore = !(await canUseNetwork());
const HOST = "127.0.0.1";

class Pair implements Disposable {
  readonly a: UdpPort;
  readonly b: UdpPort;

  constructor(tune: boolean) {
    this.a = openUdpPort({ host: HOST, port: 0, tune });
    this.b = openUdpPort({ host: HOST, port: 0, tune });
  }

  get toB(): Endpoint {
    return { address: HOST, port: this.b.port };
  }

  /** What arrives at `b`, in order, until it is so many bytes. */
  async received(sizeBytes: number): Promise<Bytes> {
    const bytes = new Uint8Array(sizeBytes);
    for (let at = 0; at < sizeBytes;) {
      const next: Received | undefined = await this.b.receive(new Uint8Array(65_536));
      assert(next !== undefined);
      assertEquals(next.from, { address: HOST, port: this.a.port });
      bytes.set(next.bytes, at);
      at += next.bytes.length;
    }
    return bytes;
  }

  [Symbol.dispose](): void {
    this.a.close();
    this.b.close();
  }
}

function numbered(sizeBytes: number): Bytes {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 13 + (i >> 8)) & 0xff);
}

for (const tune of [true, false]) {
  const kind = tune ? "tuned where it can be" : "plain";
  // A library that was loaded for tuning stays loaded for as long as its thread.
  const options = { ignore, sanitizeResources: !tune };

  Deno.test(
    `${kind}: one send leaves as segments and arrives whole and in order`,
    options,
    async () => {
      using pair = new Pair(tune);
      for (const sizeBytes of [1, 700, 701, 1_400, 5 * 700, 5 * 700 + 1]) {
        const bytes = numbered(sizeBytes);
        assertEquals(await pair.a.send(bytes, pair.toB, 700), "sent");
        assertSameBytes(await pair.received(sizeBytes), bytes);
      }
    },
  );

  Deno.test(`${kind}: sends that nobody awaits keep their order`, options, async () => {
    using pair = new Pair(tune);
    const sends = Array.from({ length: 40 }, (_, i) => {
      // Every other one is cut, which is a setting of the socket and not of the send.
      const sizeBytes = i % 2 === 0 ? 100 : 300;
      return pair.a.send(new Uint8Array(sizeBytes).fill(i), pair.toB, i % 2 === 0 ? 0 : 100);
    });
    const bytes = await pair.received(20 * 400);
    const order = [...new Set(bytes)];
    assertEquals(order, Array.from({ length: 40 }, (_, i) => i));
    assertEquals(new Set(await Promise.all(sends)), new Set(["sent"]));
  });

  Deno.test(
    `${kind}: what has arrived is there at once, where the socket can be asked`,
    options,
    async () => {
      using pair = new Pair(tune);
      const buffer = new Uint8Array(65_536);
      assertEquals(pair.b.receiveNow(buffer), undefined);
      // Of different lengths, so that they are not joined.
      for (const length of [10, 20, 30]) await pair.a.send(numbered(length), pair.toB);
      assertEquals((await pair.b.receive(buffer))?.bytes.length, 10);
      if (pair.b.canReceiveNow) {
        const next = pair.b.receiveNow(buffer);
        assertSameBytes(next!.bytes, numbered(20));
        assertEquals(next!.from, { address: HOST, port: pair.a.port });
      } else {
        assertEquals(pair.b.receiveNow(buffer), undefined);
        assertEquals((await pair.b.receive(buffer))?.bytes.length, 20);
      }
      assertEquals((await pair.b.receive(buffer))?.bytes.length, 30);
      assertEquals(pair.b.receiveNow(buffer), undefined);
    },
  );

  Deno.test(`${kind}: a port that is closed neither gives nor takes`, options, async () => {
    const pair = new Pair(tune);
    const pending = pair.b.receive(new Uint8Array(65_536));
    pair[Symbol.dispose]();
    assertEquals(await pending, undefined);
    assertEquals(await pair.b.receive(new Uint8Array(65_536)), undefined);
    assertEquals(pair.b.receiveNow(new Uint8Array(65_536)), undefined);
    assertEquals(await pair.a.send(numbered(5), pair.toB), "lost");
  });
}
