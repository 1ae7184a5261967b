import { assert, assertEquals } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import { hashHex } from "../../../lib/ids.ts";
import { chunkBytesFor } from "../../../lib/protocol/merkle/merkle.ts";
import {
  SENT_CHUNKS_PER_ADDRESS_MAX,
  SENT_TO_ADDRESSES_MAX,
} from "../../../lib/protocol/serve/limits.ts";
import { SentChunks } from "../../../lib/protocol/serve/sent_chunks.ts";

const A: Endpoint = { address: "10.0.0.1", port: 5_000 };
const CONTENT = { root: hashHex("ab".repeat(32)), sizeBytes: 500_000_000 };
const CHUNK_BYTES = chunkBytesFor(CONTENT.sizeBytes);
const UNKNOWN = { root: hashHex("cd".repeat(32)), sizeBytes: CONTENT.sizeBytes };

function send(sent: SentChunks, to: Endpoint, chunk: number, nonce = 1n): void {
  const ranges = [{ offset: chunk * CHUNK_BYTES, lengthBytes: CHUNK_BYTES }];
  sent.onSent(to, { nonce, ...CONTENT, ranges });
}

function strike(sent: SentChunks, from: Endpoint, chunk: number, content = CONTENT): boolean {
  return sent.takeStrike(from, { nonce: 1n, ...content, chunk });
}

function other(i: number): Endpoint {
  return { address: `10.1.${i >> 8}.${i & 255}`, port: 5_000 };
}

Deno.test("strikes of addresses that were sent nothing leave no trace", () => {
  const sent = new SentChunks();
  send(sent, A, 0);
  for (let i = 0; i < 2 * SENT_TO_ADDRESSES_MAX; i++) {
    assert(!strike(sent, other(i), 0));
    assert(!strike(sent, other(i), 0, UNKNOWN));
  }
  assert(strike(sent, A, 0), "they have made room for themselves");
});

Deno.test("strikes of contents that were not sent leave no trace of them", () => {
  const sent = new SentChunks();
  send(sent, A, 0);
  for (let i = 0; i < 2 * SENT_CHUNKS_PER_ADDRESS_MAX; i++) assert(!strike(sent, A, i, UNKNOWN));
  send(sent, A, 1);
  assert(strike(sent, A, 0) && strike(sent, A, 1));
});

Deno.test("a chunk that was struck makes room for another", () => {
  const sent = new SentChunks();
  for (let round = 0; round < 3; round++) {
    for (let chunk = 0; chunk < SENT_CHUNKS_PER_ADDRESS_MAX; chunk++) send(sent, A, chunk);
    const counted = Array.from(
      { length: SENT_CHUNKS_PER_ADDRESS_MAX },
      (_, chunk) => strike(sent, A, chunk),
    ).filter((isCounted) => isCounted);
    assertEquals(counted.length, SENT_CHUNKS_PER_ADDRESS_MAX);
  }
});

Deno.test("a chunk that is sent again and again takes the room of one", () => {
  const sent = new SentChunks();
  send(sent, A, 0);
  for (let i = 0; i < 2 * SENT_CHUNKS_PER_ADDRESS_MAX; i++) send(sent, A, 1);
  assert(strike(sent, A, 0));
});

Deno.test("of too many addresses that were sent something the one that idles longest is forgotten", () => {
  const sent = new SentChunks();
  send(sent, A, 0);
  for (let i = 1; i < SENT_TO_ADDRESSES_MAX; i++) send(sent, other(i), 0);
  // Whoever is remembered already takes nobody's place.
  send(sent, other(2), 1);
  send(sent, A, 1);
  send(sent, other(0), 0);
  assert(strike(sent, A, 0), "it was sent something lately");
  assert(!strike(sent, other(1), 0));
  for (const i of [2, 3]) assert(strike(sent, other(i), 0));
});

Deno.test("a strike counts for a chunk that its own port was sent whole, and once", () => {
  const sent = new SentChunks();
  const chunk = { nonce: 1n, ...CONTENT };
  const sendPart = (port: number, offset: number, lengthBytes: number): void =>
    sent.onSent({ ...A, port }, { ...chunk, ranges: [{ offset, lengthBytes }] });
  sendPart(A.port, 0, CHUNK_BYTES - 1);
  sendPart(A.port + 1, CHUNK_BYTES - 1, 1);
  assert(!strike(sent, A, 0), "two connections were sent a part each");
  sendPart(A.port, CHUNK_BYTES - 1, 1);
  assert(!strike(sent, { ...A, port: A.port + 1 }, 0), "another connection says it");
  assert(strike(sent, A, 0));
  assert(!strike(sent, A, 0), "a second time");
});
