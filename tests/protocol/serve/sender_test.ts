import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import { MTU_BYTES_MAX, MTU_BYTES_MIN, REQUEST_BYTES_MAX } from "../../../lib/wire/limits.ts";
import {
  WANTS_ANSWERED_MAX,
  WANTS_MAX,
  WANTS_PER_FLOW_MAX,
  WANTS_PER_PARTY_MAX,
} from "../../../lib/protocol/serve/limits.ts";
import { Sender, type WantFrame } from "../../../lib/protocol/serve/sender.ts";

const A: Endpoint = { address: "10.0.0.1", port: 5000 };
const B: Endpoint = { address: "10.0.0.2", port: 5000 };

function want(number: number, changes: Partial<WantFrame> = {}): WantFrame {
  return {
    kind: "want",
    nonce: 1n,
    token: new Uint8Array(16),
    number,
    root: hashHex("00".repeat(32)),
    sizeBytes: 1_000_000,
    segmentBytes: 1_400,
    withCrc: 0,
    ranges: [{ offset: 0, lengthBytes: 50_000 }],
    ...changes,
  };
}

function turns(sender: Sender, nowMs = 0): string[] {
  const order: string[] = [];
  for (let turn = sender.next(nowMs); turn; turn = sender.next(nowMs)) {
    order.push(`${turn.to.address.at(-1)}:${turn.want.number}`);
  }
  return order;
}

Deno.test("flows take turns by request, each in its own order", () => {
  const sender = new Sender(0);
  for (const number of [1, 2, 3]) sender.add(A, want(number));
  for (const number of [1, 2]) sender.add(B, want(number));
  assertEquals(turns(sender), ["1:1", "2:1", "1:2", "2:2", "1:3"]);
});

/** All that waits is answered: `HOST:NUMBER` of each. */
function answered(sender: Sender): string[] {
  const order: string[] = [];
  for (let turn = sender.next(0); turn; turn = sender.next(0)) {
    order.push(`${turn.to.address.at(-1)}:${turn.want.number}`);
    // Its copy comes while it is being answered.
    sender.add(turn.to, turn.want);
    sender.onAnswered(turn);
  }
  return order;
}

Deno.test("copies of a request that was answered are not answered, other flows' are", () => {
  const sender = new Sender(0);
  sender.add(A, want(1));
  assertEquals(answered(sender), ["1:1"]);
  assertEquals([sender.add(A, want(1)), sender.add(A, want(2))], [false, true]);
  assertEquals([sender.add(B, want(1)), sender.add(A, want(1, { nonce: 2n }))], [true, true]);
  assertEquals(answered(sender).sort(), ["1:1", "1:2", "2:1"]);
  for (let number = 3; number <= WANTS_ANSWERED_MAX + 3; number++) {
    sender.add(A, want(number));
    answered(sender);
  }
  assertEquals(sender.add(A, want(1)), true);
});

Deno.test("what could not be answered is asked for again under its number", () => {
  const sender = new Sender(0);
  sender.add(A, want(1));
  assertEquals(turns(sender), ["1:1"]);
  assertEquals(sender.add(A, want(1)), true);
});

Deno.test("a request that waits already is not queued twice", () => {
  const sender = new Sender(0);
  assertEquals([sender.add(A, want(1)), sender.add(A, want(1))], [true, false]);
  assertEquals(turns(sender), ["1:1"]);
});

for (
  const [what, changes] of [
    ["ends behind the file", { ranges: [{ offset: 999_990, lengthBytes: 20 }] }],
    ["asks for nothing", { ranges: [] }],
    ["asks for an empty range", { ranges: [{ offset: 0, lengthBytes: 0 }] }],
    ["asks for more than one request may", {
      ranges: [{ offset: 0, lengthBytes: REQUEST_BYTES_MAX + 1 }],
    }],
    ["wants tiny segments", { segmentBytes: 100 }],
    ["wants giant segments", { segmentBytes: 65_000 }],
  ] as const
) {
  Deno.test(`a request that ${what} is refused`, () => {
    assertEquals(new Sender(0).add(A, want(1, changes)), false);
  });
}

Deno.test("what the transport adds to a segment counts where its length is judged", () => {
  const shortest = want(1, { segmentBytes: MTU_BYTES_MIN - 16 });
  const longest = want(2, { segmentBytes: MTU_BYTES_MAX - 16 });
  assertEquals([new Sender(0).add(A, shortest), new Sender(0).add(A, longest)], [false, true]);
  assertEquals([new Sender(0, 16).add(A, shortest), new Sender(0, 16).add(A, longest)], [
    true,
    true,
  ]);
  assertEquals(new Sender(0, 17).add(A, longest), false);
});

/** Flows of one address, each with one request. */
function flood(sender: Sender, from: Endpoint, count: number): number {
  let taken = 0;
  for (let nonce = 1; nonce <= count; nonce++) {
    if (sender.add(from, want(1, { nonce: BigInt(nonce) }))) taken += 1;
  }
  return taken;
}

Deno.test("what waits of one flow and of one address is bounded", () => {
  const sender = new Sender(0);
  for (let number = 0; number < WANTS_PER_FLOW_MAX; number++) sender.add(A, want(number));
  assertEquals(sender.add(A, want(WANTS_PER_FLOW_MAX)), false);
  const left = WANTS_PER_PARTY_MAX - WANTS_PER_FLOW_MAX;
  assertEquals(flood(sender, { ...A, port: 6000 }, 2 * left), left);
  assert(sender.add(B, want(1)));
});

Deno.test("when all the room is taken, the address with most of it makes room for another", () => {
  const sender = new Sender(0);
  const hosts = WANTS_MAX / WANTS_PER_PARTY_MAX;
  for (let host = 1; host <= hosts; host++) {
    const address = `10.1.0.${host}`;
    assertEquals(flood(sender, { address, port: 1 }, WANTS_PER_PARTY_MAX), WANTS_PER_PARTY_MAX);
  }
  assert(sender.add(B, want(7)));
  assertEquals(sender.flowCount, WANTS_MAX);
  assert(!sender.add({ address: "10.1.0.2", port: 1 }, want(2)), "who has most gets no more");
  assertEquals(turns(sender).filter((turn) => turn === "2:7").length, 1);
});

Deno.test("fresh nonces and ports bring an address nothing", () => {
  const sender = new Sender(0);
  for (let i = 0; i < 200; i++) {
    sender.add({ ...A, port: 5000 + i }, want(1, { nonce: BigInt(i) }));
  }
  for (let number = 0; number < 50; number++) sender.add(B, want(number));
  const order = turns(sender);
  const others = order.slice(0, order.lastIndexOf("2:49")).filter((turn) => turn.startsWith("1"));
  // One request of 50,000 bytes and a flow's start count as much as twenty-two requests.
  assertLess(others.length, 6);
});

Deno.test("an address that asks for little at a time is given as many bytes as one that asks for much", () => {
  const sender = new Sender(0);
  const small = { ranges: [{ offset: 0, lengthBytes: 5_000 }] };
  for (let number = 0; number < 20; number++) sender.add(A, want(number));
  for (let number = 0; number < 200; number++) sender.add(B, want(number, small));
  const first = turns(sender).slice(0, 110);
  assertEquals(first.filter((turn) => turn.startsWith("1")).length, 10);
});

Deno.test("an address that asked for nothing for long has saved up nothing", () => {
  const sender = new Sender(0);
  sender.add(A, want(1));
  sender.add(B, want(1));
  sender.next(0);
  sender.next(0);
  for (let number = 2; number < 100; number++) sender.add(A, want(number));
  for (let number = 2; number < 50; number++) sender.next(0);
  for (let number = 2; number < 100; number++) sender.add(B, want(number));
  const next = turns(sender).slice(0, 10);
  assertEquals(next.filter((turn) => turn.startsWith("2")).length, 5);
});

Deno.test("--rate spaces the requests", () => {
  const sender = new Sender(1_000_000);
  for (let number = 0; number < 20; number++) sender.add(A, want(number));
  let nowMs = 0;
  let served = 0;
  for (; served < 20; served++) {
    nowMs = Math.max(nowMs, sender.nextWakeupMs(nowMs));
    assertEquals(sender.next(nowMs)?.want.number, served);
  }
  // 20 × 50,000 bytes at 1,000 a millisecond; the first and the last cost no waiting.
  assertGreater(nowMs, 900);
  assertLess(nowMs, 1_000);
});
