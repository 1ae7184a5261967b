import { denoClock, nowMs, sleep } from "../../../lib/io/system/deno_clock.ts";
import { assert, assertEquals, assertLess, assertRejects } from "@std/assert";
import {
  ConnectionLost,
  MessageBudget,
  SessionConnection,
} from "../../../lib/io/net/session_connection.ts";
import { SESSION_PACE_BYTES } from "../../../lib/io/net/limits.ts";
import { listenTcp } from "../../../lib/io/net/tcp_stream.ts";

const ignore = (await Deno.permissions.query({ name: "net" })).state !== "granted";
const IDLE_MS = 200;
/** Enough for the pauses of a machine that is busy. */
const PATIENT_MS = 2_000;
/** Far more than the idle time, far less than a test may take. */
const SOON_MS = 10 * IDLE_MS;

/** A connection with a short patience, and its peer. */
async function withPair(
  body: (connection: SessionConnection, peer: Deno.TcpConn) => Promise<void>,
  idleMs: number,
): Promise<void> {
  const listener = listenTcp("127.0.0.1", [0]);
  const [stream, peer] = await Promise.all([
    listener.accept(),
    Deno.connect({ hostname: "127.0.0.1", port: listener.port }),
  ]);
  listener.close();
  assert(stream !== undefined);
  const connection = new SessionConnection(stream, denoClock, new MessageBudget(), idleMs);
  try {
    await body(connection, peer);
  } finally {
    connection.close();
    try {
      peer.close();
    } catch {
      // The test has closed it.
    }
  }
}

function pair(name: string, body: Parameters<typeof withPair>[0], idleMs = IDLE_MS): void {
  Deno.test({ name: `session connection: ${name}`, ignore, fn: () => withPair(body, idleMs) });
}

/** Sends a byte now and then until `stop`, each before the idle time is over. */
function drip(peer: Deno.TcpConn): { readonly stop: () => Promise<void> } {
  const ending = new AbortController();
  const dripping = (async () => {
    while (!ending.signal.aborted) {
      await peer.write(Uint8Array.of(1)).catch(() => ending.abort());
      await sleep(IDLE_MS / 10, ending.signal);
    }
  })();
  return {
    stop() {
      ending.abort();
      return dripping;
    },
  };
}

async function soon<T>(work: Promise<T>): Promise<T> {
  const startMs = nowMs();
  const result = await work;
  assertLess(nowMs() - startMs, SOON_MS);
  return result;
}

pair("a peer that says nothing is idle", async (connection) => {
  assertEquals(await soon(connection.message(100)), { kind: "ended", why: "idle" });
  assertEquals(await soon(connection.line("text")), { kind: "ended", why: "idle" });
});

pair("a message in drips does not hold it for longer", async (connection, peer) => {
  await peer.write(Uint8Array.of(0, 0, 1, 0));
  const drops = drip(peer);
  assertEquals(await soon(connection.message(1_000)), { kind: "ended", why: "idle" });
  await drops.stop();
});

pair("a line in drips does not hold it for longer", async (connection, peer) => {
  const drops = drip(peer);
  // A pause that is long enough makes a line of what is there.
  await soon(connection.line("text"));
  await drops.stop();
});

pair("a body in drips is left, however it is read", async (connection, peer) => {
  const drops = drip(peer);
  const pace = connection.pace();
  await soon(assertRejects(
    async () => {
      for (;;) await connection.more(pace);
    },
    ConnectionLost,
    "too long",
  ));
  await drops.stop();
});

pair("passing over a body in drips ends", async (connection, peer) => {
  const drops = drip(peer);
  assertEquals(await soon(connection.skip(1_000_000)), false);
  await drops.stop();
});

pair("a peer that takes nothing is left", async (connection) => {
  const much = new Uint8Array(64 * 1024 * 1024);
  await soon(assertRejects(() => connection.send(much), ConnectionLost, "takes nothing"));
});

pair("a body that keeps the pace may take longer than the idle time", async (connection, peer) => {
  const pieceBytes = SESSION_PACE_BYTES;
  const sending = (async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(PATIENT_MS / 2.5);
      const piece = new Uint8Array(pieceBytes).fill(i + 1);
      for (let at = 0; at < pieceBytes;) at += await peer.write(piece.subarray(at));
    }
  })();
  const pace = connection.pace();
  while (connection.queue.lengthBytes < 3 * pieceBytes) await connection.more(pace);
  await sending;
  const body = connection.queue.take(3 * pieceBytes)!;
  for (let i = 0; i < 3; i++) {
    assert(body.subarray(i * pieceBytes, (i + 1) * pieceBytes).every((byte) => byte === i + 1));
  }
}, PATIENT_MS);

pair(
  "what an earlier wait has asked for comes by the queue, in order",
  async (connection, peer) => {
    // A line that is not there yet leaves a read behind.
    assertEquals(await connection.line("text"), { kind: "ended", why: "idle" });
    await peer.write(Uint8Array.of(1, 2, 3));
    const pace = connection.pace();
    await connection.more(pace);
    assertEquals(connection.queue.take(3), Uint8Array.of(1, 2, 3));
    // And so does one for which somebody has waited only for a moment.
    assertEquals(await connection.moreWithin(10, pace), false);
    await peer.write(Uint8Array.of(4, 5, 6));
    assertEquals(await connection.moreWithin(PATIENT_MS, pace), true);
    assertEquals(connection.queue.take(3), Uint8Array.of(4, 5, 6));
  },
);

pair("a peer that ends in the middle of a body is lost at once", async (connection, peer) => {
  await peer.write(Uint8Array.of(1, 2, 3));
  peer.close();
  const pace = connection.pace();
  await assertRejects(
    async () => {
      for (;;) await connection.more(pace);
    },
    ConnectionLost,
    "ended",
  );
});

Deno.test("what is kept of unfinished messages is bounded over all connections", () => {
  const budget = new MessageBudget();
  const holders = Array.from({ length: 4 }, (_, i) => ({ peerAddress: `10.0.0.${i + 1}` }));
  const much = 60 * 1024 * 1024;
  assertEquals(holders.map((holder) => budget.hold(holder, much)), [true, true, true, false]);
  // A little is always kept, and what was let go of makes room.
  assertEquals(budget.hold(holders[3]!, 1_000), true);
  assertEquals(budget.hold(holders[2]!, 0), true);
  assertEquals(budget.hold(holders[3]!, much), true);
});

Deno.test("what one address keeps of unfinished messages leaves room for that of another", () => {
  const budget = new MessageBudget();
  const own = Array.from({ length: 3 }, () => ({ peerAddress: "10.0.0.1" }));
  const other = { peerAddress: "10.0.0.2" };
  const much = 60 * 1024 * 1024;
  assertEquals(own.map((holder) => budget.hold(holder, much)), [true, true, false]);
  budget.hold(own[2]!, 0);
  assertEquals(budget.hold(other, much), true);
  budget.hold(own[0]!, 0);
  assertEquals(budget.hold(own[2]!, much), true);
});
