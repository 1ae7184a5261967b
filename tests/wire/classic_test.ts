import { assert, assertEquals } from "@std/assert";
import { hashHex } from "../../lib/ids.ts";
import { CLASSIC_CHUNK_BYTES_MAX } from "../../lib/wire/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import {
  CLASSIC_OVERHEAD_BYTES,
  decodeClassicAnswer,
  decodeClassicChunk,
  decodeClassicRequest,
  encodeClassicAnswer,
  encodeClassicChunk,
  encodeClassicRequest,
} from "../../lib/wire/classic.ts";
import { parseHexVector } from "./hex_vector.ts";
import answerText from "../../fixtures/wire/classic_answer.hex" with { type: "text" };
import chunkText from "../../fixtures/wire/classic_chunk.hex" with { type: "text" };
import requestText from "../../fixtures/wire/classic_request.hex" with { type: "text" };

const SEED = 33;
const ANSWER = {
  chunkCount: 3,
  sha256: hashHex("50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c"),
};
const PAYLOAD = Uint8Array.from({ length: 20 }, (_, i) => 64 + i);
const ascii = (text: string) => new TextEncoder().encode(text);

Deno.test("the classic request vector, both ways", () => {
  const bytes = parseHexVector(requestText);
  assertEquals(decodeClassicRequest(bytes), "my file.txt");
  assertEquals(encodeClassicRequest("my file.txt"), bytes);
});

Deno.test("the classic answer vector, both ways", () => {
  const bytes = parseHexVector(answerText);
  assertEquals(decodeClassicAnswer(bytes), ANSWER);
  assertEquals(encodeClassicAnswer(ANSWER), bytes);
});

Deno.test("the classic chunk vector, both ways", () => {
  const bytes = parseHexVector(chunkText);
  const digest = sha256(PAYLOAD);
  assertEquals(decodeClassicChunk(bytes), { number: 2, payload: PAYLOAD, sha256: digest });
  assertEquals(encodeClassicChunk(2, PAYLOAD, digest), bytes);
});

Deno.test("what is not a classic request is not taken for one", () => {
  for (const text of ["", "get", "get ", "GET a", "got a", " get a", "except 3 chunks"]) {
    assertEquals(decodeClassicRequest(ascii(text)), undefined, text);
  }
  assertEquals(decodeClassicRequest(Uint8Array.of(...ascii("get "), 0xff, 0xfe)), undefined);
});

Deno.test("a classic request's name is everything after the first space, as it stands", () => {
  for (const name of [" a", "a b c", "../x", "a\n", "ä.txt"]) {
    assertEquals(decodeClassicRequest(encodeClassicRequest(name)), name);
  }
});

Deno.test("what is not a classic answer is not taken for one", () => {
  const hex = ANSWER.sha256;
  for (
    const text of [
      "",
      `except 3 chunks ${hex.slice(1)}`,
      `except 3 chunks ${hex}0`,
      `except -3 chunks ${hex}`,
      `except 3.5 chunks ${hex}`,
      `except 4294967296 chunks ${hex}`,
      `except 99999999999 chunks ${hex}`,
      `except  3 chunks ${hex}`,
      `expect 3 chunks ${hex}`,
      `except 3 chunks ${"g".repeat(64)}`,
      `except 3 chunks ${hex}${" ".repeat(200)}`,
    ]
  ) assertEquals(decodeClassicAnswer(ascii(text)), undefined, text);
});

Deno.test("a classic answer may end in white space and use capital digits", () => {
  assertEquals(decodeClassicAnswer(ascii(`except 3 chunks ${ANSWER.sha256}\n`)), ANSWER);
  const upper = `except 3 chunks ${ANSWER.sha256.toUpperCase()}`;
  assertEquals(decodeClassicAnswer(ascii(upper)), ANSWER);
});

Deno.test("every truncation of a classic answer or chunk is refused", () => {
  const answer = parseHexVector(answerText);
  const chunk = parseHexVector(chunkText);
  for (let length = 0; length < answer.length; length++) {
    assertEquals(decodeClassicAnswer(answer.subarray(0, length)), undefined);
  }
  for (let length = 0; length < chunk.length; length++) {
    assertEquals(decodeClassicChunk(chunk.subarray(0, length)), undefined);
  }
});

Deno.test("a classic chunk with trailing bytes, no payload or too long a one is refused", () => {
  const chunk = parseHexVector(chunkText);
  assertEquals(decodeClassicChunk(Uint8Array.of(...chunk, 0)), undefined);
  const digest = new Uint8Array(32);
  assertEquals(decodeClassicChunk(encodeClassicChunk(0, new Uint8Array(0), digest)), undefined);
  const largest = new Uint8Array(CLASSIC_CHUNK_BYTES_MAX);
  assert(decodeClassicChunk(encodeClassicChunk(0, largest, digest)) !== undefined);
  const larger = new Uint8Array(CLASSIC_CHUNK_BYTES_MAX + 1);
  assertEquals(decodeClassicChunk(encodeClassicChunk(0, larger, digest)), undefined);
});

Deno.test("every flipped bit of a classic chunk's length is refused", () => {
  const chunk = parseHexVector(chunkText);
  for (let bit = 32; bit < 64; bit++) {
    const flipped = chunk.slice();
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    assertEquals(decodeClassicChunk(flipped), undefined, `bit ${bit}`);
  }
});

Deno.test(`random bytes never throw in a classic decoder (seed ${SEED})`, () => {
  const random = new Random(SEED);
  const prefixes = [[], [...ascii("get ")], [...ascii("except 3 chunks ")], [0, 0, 0, 0, 0, 0, 0]];
  for (let round = 0; round < 20_000; round++) {
    const prefix = prefixes[random.below(prefixes.length)]!;
    const bytes = Uint8Array.of(...prefix, ...random.bytes(random.below(100)));
    const chunk = decodeClassicChunk(bytes);
    if (chunk !== undefined) {
      assertEquals(chunk.payload.length + CLASSIC_OVERHEAD_BYTES, bytes.length);
    }
    decodeClassicAnswer(bytes);
    decodeClassicRequest(bytes);
  }
});
