import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import type { DatagramTransport } from "../../../lib/io/net/datagram_transport.ts";
import { FaultyTransport } from "../../../lib/io/net/faulty_transport.ts";
import { FaultInjector } from "../../../lib/protocol/base/faults.ts";

const SEED = 77;
const TO: Endpoint = { address: "127.0.0.1", port: 9 };

/** One that remembers what is sent. */
class RecordingTransport implements DatagramTransport {
  readonly port = 1;
  readonly receiveBufferBytes = 0;
  readonly isTuned = false;
  readonly sent: Bytes[] = [];
  isClosed = false;
  onSend = (): void => {};

  readonly keepsWhole = false;
  readonly overheadBytes = 0;
  readonly waitedMs = 0;

  listen(): void {}

  setJoining(): void {}

  routeBytes(): undefined {}

  takeArrived(): void {}

  send(bytes: Bytes): Promise<"sent"> {
    this.sent.push(bytes.slice());
    this.onSend();
    return Promise.resolve("sent");
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}

const burst = Uint8Array.from({ length: 2_500 }, (_, i) => i % 256);

Deno.test("FaultyTransport cuts a burst into its datagrams and sends them in order", async () => {
  const inner = new RecordingTransport();
  const port = new FaultyTransport(inner, new FaultInjector(0, SEED));
  await port.send(burst, TO, 1_000);
  assertEquals(inner.sent, [burst.slice(0, 1_000), burst.slice(1_000, 2_000), burst.slice(2_000)]);
  await port.close();
  assert(inner.isClosed);
});

Deno.test("FaultyTransport decides for each datagram of a burst alone", async () => {
  const inner = new RecordingTransport();
  const faults = new FaultInjector(1, SEED);
  const port = new FaultyTransport(inner, faults);
  for (let i = 0; i < 100; i++) await port.send(burst, TO, 1_000);
  const { lost, corrupted, duplicated, delayed } = faults.counts;
  assertEquals(lost + corrupted + duplicated + delayed, 300);
  assertEquals(inner.sent.length, corrupted + 2 * duplicated);
  await port.close();
});

Deno.test("FaultyTransport sends what it held back later, from bytes of its own", async () => {
  const inner = new RecordingTransport();
  const faults = new FaultInjector(1, SEED);
  const port = new FaultyTransport(inner, faults);
  const bytes = Uint8Array.of(1, 2, 3);
  while (faults.counts.delayed === 0) await port.send(bytes, TO);
  inner.sent.length = 0;
  const arrived = new Promise<void>((resolve) => inner.onSend = resolve);
  bytes.fill(0);
  await arrived;
  assertEquals(inner.sent[0], Uint8Array.of(1, 2, 3));
  await port.close();
});

Deno.test("FaultyTransport leaves no timer behind when it is closed", async () => {
  const inner = new RecordingTransport();
  const faults = new FaultInjector(1, SEED);
  const port = new FaultyTransport(inner, faults);
  while (faults.counts.delayed < 3) await port.send(burst, TO, 1_000);
  const sent = inner.sent.length;
  await port.close();
  // The sanitizers of this test fail it if a timer is still set.
  assertEquals(inner.sent.length, sent);
});
