/** One socket and one timer for all who ask: each is woken when it is due, and given what answers it. */
import { assertEquals } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import { ClientSocket, type Listener } from "../../../lib/app/discovery/client_socket.ts";
import { type SafeFileName, serverId } from "../../../lib/ids.ts";
import type { OnReceived } from "../../../lib/io/net/datagram_transport.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { encodeFrame } from "../../../lib/wire/frames.ts";
import { testTransport } from "../../support/test_transport.ts";

const FROM: Endpoint = { address: "10.0.0.1", port: 10530 };

/** A socket on a clock that stands still unless it is moved. */
class Scene {
  nowMs = 0;
  timerMs = Infinity;
  onReceived: OnReceived | undefined;
  readonly socket: ClientSocket;
  #wake: () => void = () => {};

  constructor() {
    const real = denoRuntime();
    this.socket = new ClientSocket(
      {
        ...real,
        clock: {
          ...real.clock,
          nowMs: () => this.nowMs,
          timer: (wake) => {
            this.#wake = wake;
            return { set: (atMs) => this.timerMs = atMs, clear: () => this.timerMs = Infinity };
          },
        },
        net: {
          ...real.net,
          openDatagrams: () => ({
            port: 1,
            receiveBufferBytes: 1 << 20,
            isTuned: false,
            keepsWhole: false,
            overheadBytes: 0,
            waitedMs: 0,
            listen: (onReceived) => this.onReceived = onReceived,
            takeArrived: () => {},
            setJoining: () => {},
            routeBytes: () => undefined,
            send: () => "sent",
            close: () => Promise.resolve(),
          }),
        },
      },
      testTransport(),
      () => {},
    );
  }

  /** The clock moves to when the timer is due. */
  fire(): void {
    this.nowMs = this.timerMs;
    this.#wake();
  }
}

class Asker implements Listener {
  dueMs: number;
  wakes: number[] = [];
  received = 0;
  readonly #scene: Scene;
  readonly #echo: bigint;

  constructor(scene: Scene, echo: bigint, dueMs: number) {
    this.#scene = scene;
    this.#echo = echo;
    this.dueMs = dueMs;
  }

  owns(echo: bigint): boolean {
    return echo === this.#echo;
  }

  receive(): void {
    this.received += 1;
  }

  wake(): void {
    this.wakes.push(this.#scene.nowMs);
    this.dueMs += 100;
  }

  nextWakeupMs(): number {
    return this.dueMs;
  }
}

Deno.test("whoever begins to ask is woken when due, without anything else having to happen", () => {
  const scene = new Scene();
  const [late, early] = [new Asker(scene, 1n, 50), new Asker(scene, 2n, 20)];
  scene.socket.attach(late);
  assertEquals(scene.timerMs, 50);
  scene.socket.attach(early);
  assertEquals(scene.timerMs, 20);
  scene.fire();
  assertEquals([late.wakes, early.wakes], [[], [20]]);
  scene.fire();
  assertEquals([late.wakes, early.wakes], [[50], [20]]);
  assertEquals(scene.timerMs, 120);
});

Deno.test("nobody is woken any more who asks no more", () => {
  const scene = new Scene();
  const [one, other] = [new Asker(scene, 1n, 50), new Asker(scene, 2n, 20)];
  scene.socket.attach(one);
  scene.socket.attach(other);
  scene.socket.detach(other);
  assertEquals(scene.timerMs, 50);
  scene.socket.detach(one);
  assertEquals(scene.timerMs, Infinity);
  other.dueMs = 10;
  scene.socket.attach(one);
  one.dueMs = 30;
  scene.socket.rearm();
  assertEquals(scene.timerMs, 30);
  scene.fire();
  assertEquals([one.wakes, other.wakes], [[30], []]);
});

Deno.test("an answer goes to whoever asked, and to nobody else", () => {
  const scene = new Scene();
  const askers = [new Asker(scene, 1n, 50), new Asker(scene, 2n, 50)];
  for (const asker of askers) scene.socket.attach(asker);
  for (const queryId of [2n, 3n]) {
    const bytes = encodeFrame({
      kind: "absent",
      queryId,
      queryIndex: 0,
      server: serverId("1".repeat(32)),
      token: new Uint8Array(16),
      dataPort: 0,
      similar: ["a file" as SafeFileName],
    });
    scene.onReceived!({ bytes, from: FROM, segmentBytes: bytes.length });
  }
  assertEquals(askers.map(({ received }) => received), [0, 1]);
});
