import type { Endpoint } from "../../../lib/address.ts";
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import { MTU_BYTES_MAX, MTU_BYTES_MIN, REQUEST_BYTES_MAX } from "../../../lib/wire/limits.ts";
import { FLOWS_MAX, WANTS_PER_FLOW_MAX } from "../../../lib/protocol/serve/limits.ts";
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

Deno.test("queues and flows are bounded", () => {
  const sender = new Sender(0);
  for (let number = 0; number < WANTS_PER_FLOW_MAX; number++) sender.add(A, want(number));
  assertEquals(sender.add(A, want(WANTS_PER_FLOW_MAX)), false);
  for (let flow = 1; flow < FLOWS_MAX; flow++) sender.add(A, want(1, { nonce: BigInt(flow + 1) }));
  assertEquals(sender.flowCount, FLOWS_MAX);
  assertEquals(sender.add(B, want(1)), false);
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
