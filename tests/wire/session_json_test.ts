import { assert, assertEquals } from "@std/assert";
import { BODY_FRAME_BYTES_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX } from "../../lib/wire/limits.ts";
import { ByteQueue } from "../../lib/wire/byte_queue.ts";
import {
  BodyFrames,
  encodeMessage,
  lengthPrefix,
  parseMessage,
  takeMessage,
} from "../../lib/wire/session_json.ts";

const utf8 = new TextEncoder();

/** Pushes `bytes` in pieces of `pieceBytes`, and looks after each. */
function dribble<T>(
  bytes: Uint8Array<ArrayBuffer>,
  pieceBytes: number,
  look: (queue: ByteQueue) => T | undefined,
): T[] {
  const queue = new ByteQueue();
  const seen: T[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    queue.push(bytes.slice(at, at + pieceBytes));
    for (let next = look(queue); next !== undefined; next = look(queue)) seen.push(next);
  }
  return seen;
}

Deno.test("messages come whole, however they are cut or glued", () => {
  const values = [{ command: "a" }, {}, { text: "ü".repeat(300) }, { command: "disconnect" }];
  const glued = Uint8Array.from(values.flatMap((value) => [...encodeMessage(value)]));
  for (const pieceBytes of [1, 2, 3, 5, 100, glued.length]) {
    const taken = dribble(glued, pieceBytes, (queue) => takeMessage(queue, 1_000));
    const parsed = taken.map((each) => each.kind === "message" && parseMessage(each.bytes));
    assertEquals(parsed, values);
  }
});

Deno.test("a message that is too large is told by its prefix, before any of it has come", () => {
  const queue = new ByteQueue();
  queue.push(lengthPrefix(1_001));
  assertEquals(takeMessage(queue, 1_000), { kind: "tooLarge", lengthBytes: 1_001 });
  assertEquals(queue.lengthBytes, 0);
});

Deno.test("a message is an object in UTF-8, and nothing else", () => {
  const texts = ["[]", "1", '"a"', "null", "", "{", '{"a":1}x', "{'a':1}"];
  for (const text of texts) assertEquals(parseMessage(utf8.encode(text)), undefined, text);
  assertEquals(parseMessage(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), undefined);
  assertEquals(parseMessage(utf8.encode('{"a":"\\u00e9"}')), { a: "é" });
});

Deno.test("JSON that is deep or rich is not parsed, however short it is", () => {
  const nested = (depth: number): string => `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
  assert(parseMessage(utf8.encode(nested(JSON_DEPTH_MAX - 1))) !== undefined);
  assertEquals(parseMessage(utf8.encode(nested(JSON_DEPTH_MAX))), undefined);
  assertEquals(parseMessage(utf8.encode(nested(100_000))), undefined);
  assertEquals(parseMessage(utf8.encode("[".repeat(100_000))), undefined);
  const rich = `{"a":[${"1,".repeat(JSON_NODES_MAX)}1]}`;
  assertEquals(parseMessage(utf8.encode(rich)), undefined);
});

Deno.test("brackets and commas in strings are no structure", () => {
  const value = { 'a"[': '[{,\\"\\\\'.repeat(100_000), b: "]}" };
  assertEquals(parseMessage(utf8.encode(JSON.stringify(value))), value);
});

Deno.test("a body is its frames without their prefixes, however they are cut", () => {
  const parts = [Uint8Array.of(1, 2, 3), Uint8Array.of(4), new Uint8Array(500).fill(5)];
  const stream = [...parts, new Uint8Array(0)].flatMap((part) => [
    ...lengthPrefix(part.length),
    ...part,
  ]);
  const rest = [9, 9];
  const expected = parts.flatMap((part) => [...part]);
  for (const pieceBytes of [1, 3, 4, 7, 600]) {
    const frames = new BodyFrames();
    const queue = new ByteQueue();
    const body: number[] = [];
    const bytes = Uint8Array.from([...stream, ...rest]);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      queue.push(bytes.slice(at, at + pieceBytes));
      for (let part = frames.take(queue, 100); part?.length; part = frames.take(queue, 100)) {
        body.push(...part);
      }
    }
    assertEquals([body, frames.isAtEnd], [expected, true]);
    assertEquals([...queue.peek(10)], rest);
  }
});

Deno.test("a frame that is too long ends the body", () => {
  const queue = new ByteQueue();
  queue.push(lengthPrefix(BODY_FRAME_BYTES_MAX + 1));
  assertEquals(new BodyFrames().take(queue, 10), undefined);
});
