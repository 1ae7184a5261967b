import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import type { DatagramTransport, Received } from "../../../lib/io/net/datagram_transport.ts";
import { RECEIVES_PER_TURN } from "../../../lib/io/net/limits.ts";
import { openDatagramSockets } from "../../../lib/io/net/datagram_sockets.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { assertSameBytes } from "../../support/bytes.ts";
import { canRun, canUseNetwork } from "../../support/permissions.ts";
import { testTransport } from "../../support/test_transport.ts";

const ignore = !(await canUseNetwork());
const isLinux = Deno.build.os === "linux";
const HOST = "127.0.0.1";
const TURNS_MAX = 10_000;

/** Two sockets; what arrives at `b` is kept. */
class Pair implements AsyncDisposable {
  readonly a: DatagramTransport;
  readonly b: DatagramTransport;
  readonly received: Received[] = [];
  #receivedBytes = 0;
  #wantedBytes = Infinity;
  #complete = Promise.withResolvers<void>();
  /** What `b` does with what it is handed, besides. */
  onReceived = (_: Received): void | Promise<void> => {};

  constructor(tune: boolean, joins = true) {
    const config = testTransport({ host: HOST, tune, joins });
    this.a = openDatagramSockets(config);
    this.b = openDatagramSockets(config);
  }

  listen(): void {
    this.b.listen((received) => {
      this.received.push({ ...received, bytes: received.bytes.slice() });
      this.#receivedBytes += received.bytes.length;
      if (this.#receivedBytes >= this.#wantedBytes) this.#complete.resolve();
      return this.onReceived(received);
    }, (error) => this.#complete.reject(error));
  }

  get toB(): Endpoint {
    return { address: HOST, port: this.b.port };
  }

  /** What has arrived, in order, when it is so many bytes. */
  async bytes(sizeBytes: number): Promise<Bytes> {
    this.#wantedBytes = sizeBytes;
    if (this.#receivedBytes < sizeBytes) await this.#complete.promise;
    for (const { from } of this.received) {
      assertEquals(from, { address: HOST, port: this.a.port });
    }
    return concatenated(this.received.map(({ bytes }) => bytes));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.a.close(), this.b.close()]);
  }
}

function concatenated(parts: readonly Bytes[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function numbered(sizeBytes: number): Bytes {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 13 + (i >> 8)) & 0xff);
}

/** Lengths of the segments of one receive. */
function segmentsOf({ bytes, segmentBytes }: Received): number[] {
  const lengths: number[] = [];
  for (let at = 0; at < bytes.length; at += segmentBytes) {
    lengths.push(Math.min(segmentBytes, bytes.length - at));
  }
  return lengths;
}

for (
  const [kind, tune, joins] of [
    ["joining", true, true],
    ["tuned", true, false],
    ["plain", false, false],
  ] as const
) {
  // A library that was loaded for tuning stays loaded for as long as its thread.
  const options = { ignore, sanitizeResources: !tune };

  for (const sizeBytes of [1, 700, 701, 1_400, 5 * 700, 5 * 700 + 1, 46 * 1_400]) {
    const name = `${kind}: a send of ${sizeBytes} bytes arrives in order, cut where it was cut`;
    Deno.test(name, options, async () => {
      await using pair = new Pair(tune, joins);
      pair.listen();
      const bytes = numbered(sizeBytes);
      const segmentBytes = sizeBytes > 10_000 ? 1_400 : 700;
      assertEquals(await pair.a.send(bytes, pair.toB, segmentBytes), "sent");
      assertSameBytes(await pair.bytes(sizeBytes), bytes);
      const lengths = pair.received.flatMap(segmentsOf);
      assertEquals(lengths, segmentsOf({ bytes, segmentBytes, from: pair.toB }));
    });
  }

  Deno.test(`${kind}: sends that nobody awaits keep their order`, options, async () => {
    await using pair = new Pair(tune, joins);
    pair.listen();
    const sends = Array.from({ length: 40 }, (_, i) => {
      // Every other one is cut, which is a setting of the socket and not of the send.
      const sizeBytes = i % 2 === 0 ? 100 : 300;
      return pair.a.send(new Uint8Array(sizeBytes).fill(i), pair.toB, i % 2 === 0 ? 0 : 100);
    });
    const order = [...new Set(await pair.bytes(20 * 400))];
    assertEquals(order, Array.from({ length: 40 }, (_, i) => i));
    assertEquals(new Set(await Promise.all(sends)), new Set(["sent"]));
  });

  Deno.test(
    `${kind}: more than a turn's datagrams come one by one, none twice`,
    options,
    async () => {
      await using pair = new Pair(tune, joins);
      pair.listen();
      const count = 3 * RECEIVES_PER_TURN;
      // Each longer than the one before, so that none are joined.
      for (let i = 1; i <= count; i++) await pair.a.send(new Uint8Array(i).fill(i), pair.toB);
      await pair.bytes(count * (count + 1) / 2);
      assertEquals(
        pair.received.map(({ bytes }) => bytes.length),
        [...Array(count).keys()].map((i) => i + 1),
      );
    },
  );

  Deno.test(
    `${kind}: whoever is busy takes what arrives meanwhile when it likes`,
    options,
    async () => {
      await using pair = new Pair(tune, joins);
      const free = Promise.withResolvers<void>();
      pair.onReceived = () => free.promise;
      pair.listen();
      for (const length of [10, 20, 30]) await pair.a.send(numbered(length), pair.toB);
      while (pair.received.length === 0) await new Promise((resolve) => setTimeout(resolve));
      if (pair.b.isTuned) {
        assertEquals(pair.received.length, 1);
        pair.b.takeArrived();
        assertEquals(pair.received.length, 3);
      }
      free.resolve();
      assertEquals((await pair.bytes(60)).length, 60);
      assertEquals(pair.received.length, 3);
    },
  );

  Deno.test(`${kind}: datagrams without end leave others their turn`, options, async () => {
    await using pair = new Pair(tune, joins);
    let isOver = false;
    let count = 0;
    // Each is followed by another at once, until something else has happened.
    const next = (): void => {
      count += 1;
      if (!isOver) void pair.a.send(numbered(9), pair.toB);
    };
    pair.b.listen(next, () => {});
    next();
    // Timers of others fire all along; how long it takes is the machine's affair.
    for (let turns = 0; count <= RECEIVES_PER_TURN && turns < TURNS_MAX; turns++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    isOver = true;
    assert(count > RECEIVES_PER_TURN, `${count} datagrams`);
  });

  Deno.test(`${kind}: a transport that is closed neither gives nor takes`, options, async () => {
    const pair = new Pair(tune, joins);
    pair.listen();
    await pair.a.close();
    await pair.b.close();
    await pair.b.close();
    pair.b.takeArrived();
    assertEquals(await pair.a.send(numbered(5), pair.toB), "lost");
    assertEquals(pair.received, []);
    // The port is free again.
    const again = testTransport({ host: HOST, ports: [pair.b.port], tune });
    await openDatagramSockets(again).close();
  });

  Deno.test(
    `${kind}: what the listener throws ends the receiving, and is told`,
    options,
    async () => {
      const pair = new Pair(tune, joins);
      const failed = Promise.withResolvers<ShoalError>();
      pair.b.listen(() => {
        throw new ShoalError("internal", "no more");
      }, failed.resolve);
      await pair.a.send(numbered(5), pair.toB);
      assertEquals((await failed.promise).message, "no more");
      await pair[Symbol.asyncDispose]();
    },
  );
}

Deno.test(
  "a burst is one receive, with the size of its segments, where the kernel joins",
  { ignore: ignore || !isLinux, sanitizeResources: false },
  async () => {
    await using pair = new Pair(true);
    if (!pair.b.isTuned) return;
    pair.listen();
    const bytes = numbered(46 * 1_400 - 300);
    assertEquals(pair.a.send(bytes, pair.toB, 1_400), "sent");
    await pair.bytes(bytes.length);
    assertEquals(pair.received.map(({ segmentBytes }) => segmentBytes), [1_400]);
  },
);

Deno.test("the first port that nobody holds is taken", { ignore }, async () => {
  const config = testTransport({ host: HOST, tune: false });
  const held = openDatagramSockets(config);
  const other = openDatagramSockets({ ...config, ports: [held.port, 0] });
  assert(other.port !== held.port);
  await Promise.all([held.close(), other.close()]);
});

Deno.test("a shared port has room for a flood of questions, too", {
  ignore: ignore || !isLinux || !await canRun("ss"),
  sanitizeResources: false,
}, async () => {
  const bufferBytes = async (tune: boolean): Promise<number> => {
    const transport = openDatagramSockets(testTransport({ host: HOST, tune, share: true }));
    const args = ["-unlm", `sport = :${transport.port}`];
    const { stdout } = await new Deno.Command("ss", { args }).output();
    await transport.close();
    return Number(/skmem:\(r\d+,rb(\d+)/.exec(new TextDecoder().decode(stdout))?.[1]);
  };
  // Where sockets are not tuned at all, this one is not.
  if (Deno.env.get("SHOAL_TUNE") === "off") return;
  assertGreater(await bufferBytes(true), await bufferBytes(false));
});

Deno.test("an answer leaves from the address that was asked, also where a port is shared", {
  ignore: ignore || !isLinux || Deno.env.get("SHOAL_TUNE") === "off",
}, async () => {
  for (const share of [false, true]) {
    const other = openDatagramSockets(testTransport({ share }));
    // Of those who share a port, what is for one comes to the one that was opened last.
    const ports = [share ? other.port : 0];
    const asked = openDatagramSockets(testTransport({ answers: true, share, ports }), () => true);
    asked.listen(async ({ bytes, from }) => {
      await asked.send(bytes.slice(), from);
    }, () => {});
    const asker = openDatagramSockets(testTransport({ host: HOST }));
    const answers: Endpoint[] = [];
    const answered = Promise.withResolvers<void>();
    asker.listen(({ from }) => {
      answers.push(from);
      if (answers.length === 4) answered.resolve();
    }, answered.reject);
    const addresses = ["127.0.0.2", HOST, "127.0.0.3", "127.0.0.2"];
    for (const address of addresses) await asker.send(numbered(9), { address, port: asked.port });
    await answered.promise;
    assertEquals(answers, addresses.map((address) => ({ address, port: asked.port })));
    await Promise.all([other.close(), asked.close(), asker.close()]);
  }
});
