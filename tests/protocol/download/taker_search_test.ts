/** How a client finds the other takers of what it fetches, and what they have. */
import { assert, assertEquals } from "@std/assert";
import { type Endpoint, endpointKey, partyOf } from "../../../lib/address.ts";
import { claimedIdOf, hashHex, serverId } from "../../../lib/ids.ts";
import {
  TAKER_ASK_MS_MAX,
  TAKER_REST_MS,
  TAKER_VAIN_MAX,
  TAKERS_AFTER_MS,
  TAKERS_ASKED_MAX,
  TAKERS_KNOWN_MAX,
  TAKERS_KNOWN_PER_PARTY_MAX,
} from "../../../lib/protocol/download/limits.ts";
import {
  TakerSearch,
  type TakerSearchAction,
} from "../../../lib/protocol/download/taker_search.ts";
import { TOKEN_PLEASE } from "../../../lib/protocol/base/tokens.ts";
import { CHUNK_BYTES_MIN } from "../../../lib/protocol/merkle/limits.ts";
import { decodeFrame, type Frame, type FrameOf } from "../../../lib/wire/frames.ts";

const CHUNKS = 64;
const CONTENT = {
  sizeBytes: CHUNKS * CHUNK_BYTES_MIN,
  sha256: hashHex("aa".repeat(32)),
  root: hashHex("bb".repeat(32)),
};
const SERVER: Endpoint = { address: "10.0.0.1", port: 10_530 };
const TOKEN = new Uint8Array(16).fill(7);

const taker = (number: number): Endpoint => ({ address: `10.0.1.${number}`, port: 10_545 });
const idOf = ({ address }: Endpoint) =>
  serverId(address.split(".").map((part) => part.padStart(8, "0")).join(""));

interface Asked {
  readonly to: Endpoint;
  readonly atMs: number;
  readonly want: FrameOf<"have_want">;
  readonly bytes: number;
}

type Answer = (asked: Asked) => readonly Frame[];
type HaveFields = Partial<Omit<FrameOf<"have">, "kind" | "nonce" | "number">>;

/** A search, on a clock of its own, and those whom it asks: answers come a millisecond later. */
class Run {
  readonly search: TakerSearch;
  readonly asked: Asked[] = [];
  readonly told: Exclude<TakerSearchAction, { kind: "send" }>[] = [];
  readonly answers = new Map<string, Answer>();
  readonly #arriving: { readonly atMs: number; readonly from: Endpoint; readonly frame: Frame }[] =
    [];
  nowMs = 0;
  #nonce = 100n;

  constructor() {
    this.search = new TakerSearch({
      ...{ content: CONTENT, seed: 1, nextNonce: () => ++this.#nonce, firstMissing: () => 3 },
      isMissing: () => true,
      partyAt: partyOf,
    });
  }

  server(have: HaveFields, endpoint = SERVER): this {
    this.answers.set(endpointKey(endpoint), (asked) => [haveOf(asked, have)]);
    this.handle({ kind: "server", endpoint, token: TOKEN, nonce: ++this.#nonce });
    return this;
  }

  /** It issues a token first, as takers do. */
  taker(endpoint: Endpoint, have: HaveFields = {}, id = idOf(endpoint)): this {
    this.answers.set(endpointKey(endpoint), (asked) => {
      const { want: { nonce: echo, number, token } } = asked;
      if (token[0] === TOKEN[0]) return [haveOf(asked, have)];
      return [{ kind: "retry", echo, number, server: id, token: TOKEN }];
    });
    return this;
  }

  handle(event: Parameters<TakerSearch["handle"]>[1]): void {
    for (const action of this.search.handle(this.nowMs, event)) {
      if (action.kind !== "send") {
        this.told.push(action);
        continue;
      }
      const want = decodeFrame(action.datagram);
      assert(want.kind === "have_want");
      const asked = { to: action.to, atMs: this.nowMs, want, bytes: action.datagram.length };
      this.asked.push(asked);
      for (const frame of this.answers.get(endpointKey(action.to))?.(asked) ?? []) {
        this.#arriving.push({ atMs: this.nowMs + 1, from: action.to, frame });
      }
    }
  }

  pass(ms: number): this {
    const endMs = this.nowMs + ms;
    for (;;) {
      const arrival = this.#arriving[0];
      const nextMs = Math.min(arrival?.atMs ?? Infinity, this.search.nextWakeupMs());
      if (nextMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (arrival !== undefined && arrival.atMs <= this.nowMs) {
        this.#arriving.shift();
        this.say(arrival.from, arrival.frame);
      } else this.handle({ kind: "wakeup" });
    }
    this.nowMs = endMs;
    return this;
  }

  say(from: Endpoint, frame: Frame): void {
    assert(this.search.accepts(frame));
    this.handle({ kind: "frame", from, frame });
  }

  askedOf(endpoint: Endpoint): readonly Asked[] {
    return this.asked.filter(({ to }) => endpointKey(to) === endpointKey(endpoint));
  }

  get confirmed() {
    return this.told.filter((each) => each.kind === "confirmed");
  }
}

function haveOf({ want: { nonce, number } }: Asked, have: HaveFields): FrameOf<"have"> {
  return {
    ...{ kind: "have", nonce, number, hasAll: 0, firstChunk: 0, held: new Uint8Array(0) },
    ...{ takerCount: 2, place: 1, takers: [], ...have },
  };
}

Deno.test("what ends within a moment needs nobody else, and who is alone asks ever more seldom", () => {
  const run = new Run().server({ takerCount: 1, place: 0 });
  run.pass(TAKERS_AFTER_MS - 1);
  assertEquals(run.asked.length, 0);
  run.pass(30_000);
  const [first] = run.asked;
  assertEquals(first?.want.port, 0, "nothing is given where nobody is");
  const count = run.askedOf(SERVER).length;
  assert(count >= 30 && count <= 36, `${count} questions in half a minute`);
  assertEquals(run.told, [{ kind: "crowd", takerCount: 1, place: 0 }], "told once");
});

Deno.test("whom a server names is asked, proves himself, and is told of with what he has", () => {
  const held = Uint8Array.of(0b1010);
  const run = new Run().taker(taker(2), { held, firstChunk: 8 }).server({ takers: [taker(2)] });
  run.pass(TAKERS_AFTER_MS + 50);
  const [first, second] = run.askedOf(taker(2));
  assertEquals([first?.want.token, second?.want.token], [TOKEN_PLEASE, TOKEN]);
  assert(first!.bytes <= 100, "one short question");
  const [told] = run.confirmed;
  assert(told?.kind === "confirmed" && told.isTaker);
  assertEquals(claimedIdOf(told.server), idOf(taker(2)));
  assertEquals(told.routes.map(({ endpoint, token }) => [endpoint, token]), [[taker(2), TOKEN]]);
  const has = Array.from({ length: CHUNKS }, (_, chunk) => chunk).filter((chunk) =>
    told.holds!.has(chunk)
  );
  assertEquals(has, [9, 11]);
});

Deno.test("takers name takers, and what they have by now is told again", () => {
  let held = Uint8Array.of(1);
  const run = new Run().server({ takers: [taker(2)] }).taker(taker(3), { hasAll: 1 });
  run.answers.set(endpointKey(taker(2)), (asked) => {
    const { want: { nonce: echo, number, token } } = asked;
    return token[0] === TOKEN[0]
      ? [haveOf(asked, { held, takers: [taker(3)] })]
      : [{ kind: "retry", echo, number, server: idOf(taker(2)), token: TOKEN }];
  });
  run.pass(1_000);
  assertEquals(run.confirmed.length, 2);
  const all = run.confirmed[1]!;
  assert(all.kind === "confirmed" && all.holds!.bytes.every((byte) => byte === 255));
  held = Uint8Array.of(3);
  run.pass(2 * TAKER_ASK_MS_MAX);
  assertEquals(run.confirmed.length, 3, "only what is news");
});

Deno.test("an address that somebody else has named gets a few short questions, and then none for long", () => {
  const run = new Run().server({ takers: [taker(9)] });
  run.pass(TAKER_REST_MS);
  const asked = run.askedOf(taker(9));
  assertEquals(asked.length, TAKER_VAIN_MAX);
  assert(asked.every(({ bytes }) => bytes <= 100));
  assertEquals(run.confirmed, []);
});

Deno.test("what does not answer the nonce that was sent there is nobody's answer", () => {
  const run = new Run().server({ takers: [taker(2)] });
  run.pass(TAKERS_AFTER_MS + 2);
  const [{ want }] = run.askedOf(taker(2)) as [Asked];
  const retry = { kind: "retry", server: idOf(taker(2)), token: TOKEN } as const;
  run.say(taker(2), { ...retry, echo: want.nonce + 1n, number: want.number });
  run.say(taker(3), { ...retry, echo: want.nonce, number: want.number });
  run.say(taker(2), { ...retry, echo: want.nonce, number: want.number + 1 });
  run.pass(10);
  assertEquals(run.askedOf(taker(2)).length, 1);
});

Deno.test("ourselves are not asked twice", () => {
  const run = new Run().server({ takers: [taker(2)] }).taker(taker(2));
  run.handle({ kind: "gives", port: 10_545, id: idOf(taker(2)) });
  run.pass(TAKER_REST_MS / 2);
  assertEquals([run.askedOf(taker(2)).length, run.confirmed.length], [1, 0]);
});

Deno.test("where we give is told at once to servers that were asked", () => {
  const run = new Run().server({});
  run.pass(5_000);
  const before = run.askedOf(SERVER).length;
  run.handle({ kind: "gives", port: 10_545, id: idOf(taker(1)) });
  assertEquals(run.askedOf(SERVER).length, before + 1);
  assertEquals(run.askedOf(SERVER).at(-1)?.want.port, 10_545);
});

Deno.test("who leaves, or falls silent, has nothing any more", () => {
  for (const isSaid of [true, false]) {
    const run = new Run().server({ takers: [taker(2)] }).taker(taker(2), { hasAll: 1 });
    run.pass(1_000);
    assertEquals(run.confirmed.length, 1);
    run.answers.set(
      endpointKey(taker(2)),
      ({ want: { nonce, number, root } }) =>
        isSaid ? [{ kind: "gone", nonce, number, root, reason: "unknown" }] : [],
    );
    run.pass(TAKER_REST_MS / 2);
    const last = run.confirmed.at(-1);
    assert(last?.kind === "confirmed" && last.holds!.bytes.every((byte) => byte === 0));
  }
});

Deno.test("of ten thousand announced takers a few are known, and fewer are asked what they have", () => {
  const run = new Run();
  let next = 1;
  const name = () => ({ address: `10.${next >> 16}.${next >> 8 & 255}.${next++ & 255}`, port: 1 });
  run.answers.set(endpointKey(SERVER), (asked) => [
    haveOf(asked, { takers: Array.from({ length: 8 }, name) }),
  ]);
  run.handle({ kind: "server", endpoint: SERVER, token: TOKEN, nonce: 1n });
  run.pass(20_000);
  const perS = (run.asked.length - run.askedOf(SERVER).length) / 20;
  assert(perS <= 3 * TAKERS_KNOWN_MAX, `${perS} questions a second`);
});

Deno.test("of many takers that answer, a few are asked on", () => {
  const many = Array.from({ length: 30 }, (_, number) => taker(number + 1));
  const run = new Run().server({});
  for (const each of many) run.taker(each, { held: Uint8Array.of(255) });
  run.answers.set(endpointKey(SERVER), (asked) => [haveOf(asked, { takers: many.slice(0, 8) })]);
  run.pass(2_000);
  run.answers.set(endpointKey(SERVER), (asked) => [haveOf(asked, { takers: many.slice(8, 16) })]);
  run.pass(10_000);
  const asked = new Set(run.asked.slice(-50).map(({ to }) => to.address));
  asked.delete(SERVER.address);
  assertEquals(asked.size, TAKERS_ASKED_MAX);
});

Deno.test("one party has few places, whatever ports it names", () => {
  const ports = Array.from({ length: 8 }, (_, i) => ({ address: "10.0.1.1", port: 100 + i }));
  const run = new Run().server({ takers: ports });
  run.pass(TAKERS_AFTER_MS + 50);
  const asked = new Set(
    run.asked.filter(({ to }) => to.address === "10.0.1.1").map(({ to }) => to.port),
  );
  assertEquals(asked.size, TAKERS_KNOWN_PER_PARTY_MAX);
});
