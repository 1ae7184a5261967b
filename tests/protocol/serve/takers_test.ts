/** What a server says of a content to those who fetch it, and who else does. */
import { assert, assertEquals } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import { type Bytes, hashHex } from "../../../lib/ids.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { NO_TOKEN } from "../../../lib/protocol/base/tokens.ts";
import { heldPage } from "../../../lib/protocol/serve/held_page.ts";
import {
  TAKEN_CONTENTS_MAX,
  TAKER_MEMORY_MS,
  TAKERS_PER_CONTENT_MAX,
  TAKERS_PER_PARTY_MAX,
} from "../../../lib/protocol/serve/limits.ts";
import type { QuestionFrame } from "../../../lib/protocol/serve/questions.ts";
import { Takers } from "../../../lib/protocol/serve/takers.ts";
import { HELD_BYTES_MAX, TAKERS_NAMED_MAX } from "../../../lib/wire/limits.ts";
import { only, Scene } from "./responder_scene.ts";

const CONTENT = { root: hashHex("ab".repeat(32)), sizeBytes: 1_000_000 };
const PORT = 10_545;

const host = (number: number): Endpoint => ({
  address: `10.0.${number >> 8}.${number & 255}`,
  port: 40_000,
});

Deno.test("takers are told how many they are, in which place each came, and where others give", () => {
  const takers = new Takers(new Random(1));
  assertEquals(takers.ask(0, host(1), CONTENT, 0), { takerCount: 1, place: 0, takers: [] });
  assertEquals(takers.ask(0, host(2), CONTENT, PORT), { takerCount: 2, place: 1, takers: [] });
  const third = takers.ask(0, host(3), CONTENT, PORT);
  assertEquals([third.takerCount, third.place], [3, 2]);
  assertEquals(third.takers, [{ address: "10.0.0.2", port: PORT }], "the first gives nothing");
  const again = takers.ask(10, host(2), CONTENT, PORT);
  assertEquals([again.place, again.takers], [1, [{ address: "10.0.0.3", port: PORT }]]);
});

Deno.test("who has not asked for a while, or asks for something else, is no taker", () => {
  const takers = new Takers(new Random(1));
  takers.ask(0, host(1), CONTENT, PORT);
  const other = { ...CONTENT, sizeBytes: 5 };
  assertEquals(takers.ask(0, host(2), other, PORT).takerCount, 1);
  assertEquals(takers.ask(TAKER_MEMORY_MS, host(3), CONTENT, PORT).takerCount, 2);
  const late = takers.ask(TAKER_MEMORY_MS + 1, host(3), CONTENT, PORT);
  assertEquals([late.takerCount, late.place, late.takers], [1, 0, []]);
});

Deno.test("addresses that mean something on one machine or one link are named to nobody", () => {
  const takers = new Takers(new Random(1));
  takers.ask(0, { address: "127.0.0.1", port: 1 }, CONTENT, PORT);
  takers.ask(0, { address: "fe80::1%eth0", port: 1 }, CONTENT, PORT);
  assertEquals(takers.ask(0, host(1), CONTENT, PORT).takers, []);
});

Deno.test("ten thousand announced takers are bounded, by party and in all, and a few are named", () => {
  const takers = new Takers(new Random(1));
  for (let port = 1; port <= 100; port++) {
    const { takerCount } = takers.ask(0, { ...host(1), port }, CONTENT, port);
    assert(takerCount <= TAKERS_PER_PARTY_MAX);
  }
  let most = 0;
  for (let number = 2; number < 10_000; number++) {
    const told = takers.ask(number / 1_000, host(number), CONTENT, PORT);
    most = Math.max(most, told.takerCount);
    assert(told.takers.length <= TAKERS_NAMED_MAX);
  }
  assertEquals(most, TAKERS_PER_CONTENT_MAX);
  const named = new Set(takers.ask(10, host(1), CONTENT, 1).takers.map(({ address }) => address));
  assertEquals(named.size, TAKERS_NAMED_MAX, "each once");
});

Deno.test("of too many contents, the one that was asked for longest ago is forgotten", () => {
  const takers = new Takers(new Random(1));
  for (let sizeBytes = 0; sizeBytes <= TAKEN_CONTENTS_MAX; sizeBytes++) {
    takers.ask(0, host(1), { ...CONTENT, sizeBytes }, PORT);
  }
  assertEquals(takers.ask(0, host(2), { ...CONTENT, sizeBytes: 0 }, PORT).takerCount, 1);
  const latest = { ...CONTENT, sizeBytes: TAKEN_CONTENTS_MAX };
  assertEquals(takers.ask(0, host(2), latest, PORT).takerCount, 2);
});

Deno.test("chunks are told of from where it was asked, without zeros behind, and no more than fit", () => {
  assertEquals(heldPage(undefined, 77).hasAll, 1);
  const held = new Uint8Array(5_000);
  held[3] = 0b100;
  assertEquals(heldPage(held, 9), { hasAll: 0, firstChunk: 8, held: Uint8Array.of(0, 0, 0b100) });
  assertEquals(heldPage(held, 31).held, Uint8Array.of(0b100));
  assertEquals(heldPage(held, 32), { hasAll: 0, firstChunk: 32, held: new Uint8Array(0) });
  held.fill(255);
  assertEquals(heldPage(held, 0).held.length, HELD_BYTES_MAX);
  assertEquals(heldPage(held, 0xffff_ffff), {
    ...{ hasAll: 0, firstChunk: 8 * held.length, held: new Uint8Array(0) },
  });
});

Deno.test("what a server has is told to those alone who have proved their address", () => {
  const scene = new Scene();
  const { root } = scene.ready("a", Uint8Array.of(1));
  const want = (token: Bytes, about = root): QuestionFrame => ({
    ...{ kind: "have_want", nonce: 5n, token, number: 3, root: about, sizeBytes: 1, port: PORT },
    firstChunk: 0,
  });
  const retry = only("retry", scene.say(want(NO_TOKEN)));
  assertEquals([retry.echo, retry.number], [5n, 3]);
  const have = only("have", scene.say(want(retry.token)));
  assertEquals([have.nonce, have.number, have.hasAll, have.takerCount], [5n, 3, 1, 1]);
  const gone = only("gone", scene.say(want(retry.token, hashHex("cd".repeat(32)))));
  assertEquals([gone.nonce, gone.number, gone.reason], [5n, 3, "unknown"]);
});
