import { assertEquals } from "@std/assert";
import { ByteQueue } from "../../lib/wire/byte_queue.ts";

const of = (...bytes: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(bytes);

function queueOf(...pieces: Uint8Array<ArrayBuffer>[]): ByteQueue {
  const queue = new ByteQueue();
  for (const piece of pieces) queue.push(piece);
  return queue;
}

Deno.test("bytes come out as they went in, however they were cut", () => {
  const bytes = Uint8Array.from({ length: 50 }, (_, i) => i);
  for (let pieceBytes = 1; pieceBytes <= 50; pieceBytes++) {
    const queue = new ByteQueue();
    for (let at = 0; at < 50; at += pieceBytes) queue.push(bytes.slice(at, at + pieceBytes));
    assertEquals(queue.lengthBytes, 50);
    assertEquals(queue.take(7), bytes.slice(0, 7));
    assertEquals(queue.peek(20, 3), bytes.slice(10, 30));
    assertEquals(queue.skip(5), 5);
    assertEquals(queue.take(38), bytes.slice(12));
    assertEquals([queue.lengthBytes, queue.take(1)], [0, undefined]);
  }
});

Deno.test("a peek takes nothing and ends with what is there", () => {
  const queue = queueOf(of(1, 2), of(3), of(4, 5));
  queue.skip(1);
  assertEquals(queue.peek(100), of(2, 3, 4, 5));
  assertEquals(queue.peek(2, 1), of(3, 4));
  assertEquals(queue.peek(2, 4), of());
  assertEquals(queue.lengthBytes, 4);
});

Deno.test("some are taken piece by piece, and what is not there is not waited for", () => {
  const queue = queueOf(of(1, 2, 3), of(4));
  assertEquals(queue.takeSome(2), of(1, 2));
  assertEquals(queue.takeSome(9), of(3));
  assertEquals(queue.takeSome(0), of());
  assertEquals(queue.take(2), undefined);
  assertEquals(queue.skip(9), 1);
  assertEquals(queue.takeSome(1), of());
});
