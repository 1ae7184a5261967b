import type { Endpoint } from "../../../lib/address.ts";
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Bytes, hashHex, type SafeFileName, toHex } from "../../../lib/ids.ts";
import {
  CLASSIC_ASK_SPACING_MS,
  CLASSIC_FILE_BYTES_MAX,
  CLASSIC_LISTEN_MS,
  CLASSIC_SILENCE_MS,
} from "../../../lib/protocol/classic/limits.ts";
import {
  ClassicClient,
  type ClassicClientAction,
  type ClassicClientOptions,
} from "../../../lib/protocol/classic/classic_client.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { encodeClassicAnswer, encodeClassicChunk } from "../../../lib/wire/classic.ts";

const NAME = "a.bin" as SafeFileName;
const ONE: Endpoint = { address: "10.0.0.1", port: 10_526 };
const TWO: Endpoint = { address: "10.0.0.2", port: 10_526 };

type ActionOf<K extends ClassicClientAction["kind"]> = Extract<ClassicClientAction, { kind: K }>;

/** A client machine, what it did, and the file that its writes make. */
class Bench {
  nowMs = 0;
  readonly actions: ClassicClientAction[] = [];
  readonly target: Bytes = new Uint8Array(100_000);
  readonly client: ClassicClient;

  constructor(options: Partial<ClassicClientOptions> = {}) {
    this.client = new ClassicClient({
      name: NAME,
      addressCount: 1,
      timeoutMs: 10_000,
      retries: 10,
      ...options,
    });
    this.#perform(this.client.handle(0, { kind: "started" }));
  }

  datagram(from: Endpoint, bytes: Bytes): void {
    this.#perform(this.client.handle(this.nowMs, { kind: "datagram", from, bytes }));
    // What was lent is reused at once, as a socket's buffer is.
    bytes.fill(0xa5);
  }

  reject(): void {
    this.#perform(this.client.handle(this.nowMs, { kind: "rejected" }));
  }

  run(untilMs: number): void {
    while (this.client.nextWakeupMs() <= untilMs) {
      this.nowMs = Math.max(this.nowMs, this.client.nextWakeupMs());
      this.#perform(this.client.handle(this.nowMs, { kind: "wakeup" }));
    }
    this.nowMs = untilMs;
  }

  of<K extends ClassicClientAction["kind"]>(kind: K): readonly ActionOf<K>[] {
    return this.actions.filter((action): action is ActionOf<K> => action.kind === kind);
  }

  #perform(actions: readonly ClassicClientAction[]): void {
    for (const action of actions) {
      this.actions.push(action);
      if (action.kind === "write") this.target.set(action.bytes, action.offset);
      if (action.kind === "clear") this.target.fill(0);
    }
  }
}

/** A file and the datagrams that a classic server sends for it. */
class Source {
  readonly file: Bytes;
  readonly #chunkBytes: number;

  constructor(sizeBytes: number, chunkBytes = 1_024, seed = sizeBytes) {
    this.file = new Random(seed).bytes(sizeBytes);
    this.#chunkBytes = chunkBytes;
  }

  get chunkCount(): number {
    return Math.ceil(this.file.length / this.#chunkBytes);
  }

  get sha256() {
    return hashHex(toHex(sha256(this.file)));
  }

  answer(): Bytes {
    return encodeClassicAnswer({ chunkCount: this.chunkCount, sha256: this.sha256 });
  }

  chunk(number: number): Bytes {
    const at = number * this.#chunkBytes;
    const payload = this.file.subarray(at, at + this.#chunkBytes);
    return encodeClassicChunk(number, payload, sha256(payload));
  }
}

Deno.test("the client asks one address at a time until an answer comes", () => {
  const bench = new Bench({ addressCount: 3 });
  bench.run(0);
  assertEquals(bench.of("ask").map((action) => action.addressIndex), [0]);
  bench.run(2 * CLASSIC_ASK_SPACING_MS - 1);
  assertEquals(bench.of("ask").map((action) => action.addressIndex), [0, 1]);
  bench.datagram(ONE, new Source(5_000).answer());
  bench.run(bench.nowMs + CLASSIC_SILENCE_MS - 1);
  assertEquals(bench.of("ask").length, 2);
  assertEquals(bench.of("found").map((action) => action.server), [ONE]);
});

Deno.test("rounds of asking grow apart, so that requests don't pile up at a busy server", () => {
  const bench = new Bench({ timeoutMs: 4_000, retries: 5 });
  const times: number[] = [];
  for (let asked = 0; bench.nowMs < 18_000;) {
    bench.run(bench.client.nextWakeupMs());
    if (bench.of("ask").length > asked) times.push(bench.nowMs);
    asked = bench.of("ask").length;
  }
  assertEquals(times, [0, 1_000, 3_000, 7_000, 11_000, 15_000, 19_000]);
  bench.run(20_000);
  assertEquals(bench.of("failed").map((action) => action.error.code), ["no_server"]);
  assertEquals(bench.client.nextWakeupMs(), Infinity);
});

// One chunk, two, a whole last one, a byte over; the last chunk comes first in every order below.
for (const sizeBytes of [1, 1_024, 1_025, 2_048, 5_001]) {
  Deno.test(`chunks of ${sizeBytes} bytes find their place in any order`, () => {
    const source = new Source(sizeBytes);
    const bench = new Bench();
    bench.datagram(ONE, source.answer());
    for (let n = source.chunkCount - 1; n >= 0; n--) bench.datagram(ONE, source.chunk(n));
    bench.run(CLASSIC_LISTEN_MS);
    const [complete] = bench.of("complete");
    assertEquals(complete, { kind: "complete", sizeBytes, sha256: source.sha256 });
    assertEquals(bench.target.slice(0, sizeBytes), source.file);
    assertEquals(bench.client.receivedBytes, sizeBytes);
    assertEquals(bench.client.nextWakeupMs(), Infinity);
  });
}

Deno.test("an empty file is complete with its answer", () => {
  const bench = new Bench();
  const source = new Source(0);
  bench.datagram(ONE, source.answer());
  bench.run(CLASSIC_LISTEN_MS);
  assertEquals(bench.of("complete"), [{ kind: "complete", sizeBytes: 0, sha256: source.sha256 }]);
});

Deno.test("duplicates, wrong digests, wrong numbers and wrong lengths are counted and harmless", () => {
  const source = new Source(5_000);
  const bench = new Bench();
  bench.datagram(ONE, source.answer());
  bench.datagram(ONE, source.chunk(0));
  bench.datagram(ONE, source.chunk(0));
  const corrupt = source.chunk(1);
  corrupt[500]! ^= 1;
  bench.datagram(ONE, corrupt);
  bench.datagram(
    ONE,
    encodeClassicChunk(5, source.file.subarray(0, 9), sha256(source.file.subarray(0, 9))),
  );
  bench.datagram(
    ONE,
    encodeClassicChunk(2, source.file.subarray(0, 9), sha256(source.file.subarray(0, 9))),
  );
  bench.datagram(ONE, new Random(1).bytes(300));
  for (const n of [1, 2, 3, 4]) bench.datagram(ONE, source.chunk(n));
  assertEquals(bench.target.slice(0, 5_000), source.file);
  assertEquals(bench.client.shares, [
    { server: ONE, bytes: 5_000, chunks: 5, badChunks: 3, duplicates: 1, askedAgain: 0 },
  ]);
  bench.run(CLASSIC_LISTEN_MS);
  assertEquals(bench.of("complete").length, 1);
});

Deno.test("chunks from servers that have not answered are ignored", () => {
  const source = new Source(900);
  const bench = new Bench();
  bench.datagram(ONE, source.chunk(0));
  bench.datagram(ONE, source.answer());
  bench.datagram(TWO, source.chunk(0));
  assertEquals(bench.of("write"), []);
  bench.datagram(ONE, source.chunk(0));
  bench.run(CLASSIC_LISTEN_MS);
  assertEquals(bench.of("complete").length, 1);
});

Deno.test("servers that agree are mixed, and one that does not is reported once", () => {
  const source = new Source(5_000);
  const other = new Source(5_000, 1_024, 99);
  const bench = new Bench();
  bench.datagram(ONE, source.answer());
  bench.datagram(TWO, source.answer());
  const three = { address: "10.0.0.3", port: 10_526 };
  bench.datagram(three, other.answer());
  bench.datagram(three, other.answer());
  bench.datagram(three, other.chunk(0));
  for (const n of [0, 1, 2]) bench.datagram(ONE, source.chunk(n));
  for (const n of [3, 4]) bench.datagram(TWO, source.chunk(n));
  assertEquals(bench.target.slice(0, 5_000), source.file);
  assertEquals(bench.client.shares.map((share) => share.chunks), [3, 2]);
  // Everything is there, and others may yet say something else.
  assertEquals([bench.of("complete").length, bench.of("notice").length], [0, 0]);
  bench.run(CLASSIC_LISTEN_MS);
  assertEquals([bench.of("complete").length, bench.of("notice").length], [1, 1]);
  const { message } = bench.of("notice")[0]!;
  assertStringIncludes(message, `${source.sha256.slice(0, 8)} at 10.0.0.1, 10.0.0.2;`);
  assertStringIncludes(message, `${other.sha256.slice(0, 8)} at 10.0.0.3)`);
  assertStringIncludes(message, `--sha256 ${other.sha256}`);
});

Deno.test("a server that differs after the time for answers is said at once, and once", () => {
  const source = new Source(5_000);
  const bench = new Bench();
  bench.datagram(ONE, source.answer());
  bench.datagram(ONE, source.chunk(0));
  bench.run(CLASSIC_LISTEN_MS);
  assertEquals(bench.of("notice"), []);
  for (const seed of [98, 99]) bench.datagram(TWO, new Source(5_000, 1_024, seed).answer());
  assertEquals(bench.of("notice").length, 1);
  assertStringIncludes(bench.of("notice")[0]!.message, "at 10.0.0.2");
});

Deno.test("with a pinned SHA-256 other answers are passed over, said, and not waited for", () => {
  const source = new Source(5_000);
  const bench = new Bench({ sha256: source.sha256 });
  const other = new Source(5_000, 1_024, 99);
  bench.datagram(ONE, other.answer());
  assertEquals(bench.of("found"), []);
  assertStringIncludes(
    bench.of("notice")[0]!.message,
    `${other.sha256.slice(0, 8)} at ${ONE.address}`,
  );
  bench.datagram(TWO, source.answer());
  assertEquals(bench.of("found").map((action) => action.server), [TWO]);
  for (const n of [0, 1, 2, 3, 4]) bench.datagram(TWO, source.chunk(n));
  assertEquals(bench.of("complete").length, 1);
});

Deno.test("a server is asked again only after silence, in turns, and patience has an end", () => {
  const source = new Source(5_000);
  const bench = new Bench({ timeoutMs: 2_000, retries: 3 });
  bench.datagram(ONE, source.answer());
  bench.datagram(TWO, source.answer());
  bench.nowMs = 900;
  bench.datagram(ONE, source.chunk(0));
  bench.run(900 + CLASSIC_SILENCE_MS - 1);
  assertEquals(bench.of("ask_server"), []);
  bench.run(900 + CLASSIC_SILENCE_MS);
  assertEquals(bench.of("ask_server").map((action) => action.server), [ONE]);
  // Duplicates show that the server is at work, and new chunks that asking was worth it.
  bench.datagram(ONE, source.answer());
  bench.datagram(ONE, source.chunk(0));
  bench.datagram(ONE, source.chunk(1));
  bench.run(20_000);
  assertEquals(bench.of("ask_server").map((action) => action.server), [ONE, TWO, ONE, TWO]);
  const [failed] = bench.of("failed");
  assertEquals(failed?.error.code, "stalled");
  assertStringIncludes(failed!.error.message, "2 of 5 chunks");
});

Deno.test("a file that fails its SHA-256 is fetched again, as often as there are retries", () => {
  const source = new Source(1_500);
  const bench = new Bench({ retries: 3 });
  bench.datagram(ONE, source.answer());
  for (let attempt = 0; attempt < 3; attempt++) {
    assertEquals(bench.of("complete").length, attempt);
    bench.datagram(ONE, source.chunk(0));
    bench.datagram(ONE, source.chunk(1));
    bench.run(CLASSIC_LISTEN_MS);
    bench.reject();
  }
  assertEquals(bench.of("ask_server").length, 2);
  assertEquals(bench.of("failed").map((action) => action.error.code), ["unverified"]);
});

Deno.test("a server whose file changed meanwhile is started over with the new one", () => {
  const before = new Source(5_000);
  const after = new Source(3_000, 1_024, 5);
  const bench = new Bench();
  bench.datagram(ONE, before.answer());
  bench.datagram(ONE, before.chunk(0));
  bench.datagram(ONE, after.answer());
  for (const n of [0, 1, 2]) bench.datagram(ONE, after.chunk(n));
  bench.run(CLASSIC_LISTEN_MS);
  assertEquals(bench.of("complete").map((action) => action.sha256), [after.sha256]);
  assertEquals(bench.target.slice(0, 3_000), after.file);
});

Deno.test("a file over the classic bound is refused at its first chunk", () => {
  const payload = new Uint8Array(1_024);
  const bench = new Bench();
  const chunkCount = CLASSIC_FILE_BYTES_MAX / 1_024 + 1;
  bench.datagram(ONE, encodeClassicAnswer({ chunkCount, sha256: hashHex("a".repeat(64)) }));
  bench.datagram(ONE, encodeClassicChunk(7, payload, sha256(payload)));
  assertEquals(bench.of("write"), []);
  assertStringIncludes(bench.of("failed")[0]!.error.message, `${CLASSIC_FILE_BYTES_MAX}`);
});

Deno.test("a claim of four thousand million chunks costs no memory and ends in silence", () => {
  const bench = new Bench({ retries: 1, timeoutMs: 1_000 });
  bench.datagram(
    ONE,
    encodeClassicAnswer({ chunkCount: 0xffff_ffff, sha256: hashHex("a".repeat(64)) }),
  );
  bench.datagram(ONE, encodeClassicChunk(0xffff_fffe, Uint8Array.of(1), sha256(Uint8Array.of(2))));
  bench.run(10_000);
  assertEquals(bench.of("failed").map((action) => action.error.code), ["stalled"]);
});
