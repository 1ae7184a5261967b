import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Bytes, hashHex, toHex } from "../../../lib/ids.ts";
import {
  CLASSIC_ANSWER_LEAD_MS,
  CLASSIC_BURST_DATAGRAMS,
  CLASSIC_FILE_BYTES_MAX,
  CLASSIC_RATE_BYTES_PER_S,
  CLASSIC_RATE_BYTES_PER_S_MIN,
  CLASSIC_SILENCE_MS,
  CLASSIC_TRANSFERS_MAX,
  CLASSIC_TURN_MS,
} from "../../../lib/protocol/classic/limits.ts";
import {
  ClassicServer,
  type ClassicServerAction,
  type ClassicServerEvent,
} from "../../../lib/protocol/classic/classic_server.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { decodeClassicAnswer, decodeClassicChunk } from "../../../lib/wire/classic.ts";

const SEED = 11;
const ANN: Endpoint = { address: "10.0.0.7", port: 50_001 };
const ANN_TOO: Endpoint = { address: "10.0.0.7", port: 50_002 };

interface Sent {
  readonly atMs: number;
  readonly to: Endpoint;
  readonly datagrams: readonly Bytes[];
}

/** A server machine whose driver is this object: files in memory, a clock that jumps. */
class Bench {
  nowMs = 0;
  readonly sent: Sent[] = [];
  readonly reads: number[] = [];
  readonly open = new Set<number>();
  readonly notices: string[] = [];
  readonly #server: ClassicServer;
  readonly #files: ReadonlyMap<string, Bytes>;
  readonly #byTransfer = new Map<number, Bytes>();
  unreadable = false;
  readonly proved = new Set<string>();

  constructor(files: Readonly<Record<string, Bytes>>, chunkBytes = 1_024, rateBytesPerS = 0) {
    this.#files = new Map(Object.entries(files));
    this.#server = new ClassicServer({
      chunkBytes,
      rateBytesPerS,
      seed: SEED,
      isNeighbour: (address) => address.startsWith("10."),
      hasProved: (address) => this.proved.has(address),
    });
  }

  handle(event: ClassicServerEvent): void {
    for (const action of this.#server.handle(this.nowMs, event)) this.#perform(action);
  }

  request(from: Endpoint, name: string): void {
    this.handle({ kind: "request", from, name });
  }

  get nextWakeupMs(): number {
    return this.#server.nextWakeupMs();
  }

  /** Runs until nothing is due before `untilMs`. */
  run(untilMs = Infinity): void {
    while (this.#server.nextWakeupMs() <= untilMs && this.#server.nextWakeupMs() < Infinity) {
      this.nowMs = Math.max(this.nowMs, this.#server.nextWakeupMs());
      this.handle({ kind: "wakeup" });
    }
    if (untilMs < Infinity) this.nowMs = untilMs;
  }

  #perform(action: ClassicServerAction): void {
    switch (action.kind) {
      case "locate": {
        const bytes = this.#files.get(action.name);
        const { transfer } = action;
        if (bytes === undefined) return this.handle({ kind: "located", transfer });
        this.#byTransfer.set(transfer, bytes);
        this.open.add(transfer);
        const file = { sizeBytes: bytes.length, sha256: hashHex(toHex(sha256(bytes))) };
        return this.handle({ kind: "located", transfer, file });
      }
      case "read": {
        const { transfer } = action;
        if (this.unreadable) return this.handle({ kind: "read", transfer });
        const bytes = this.#byTransfer.get(transfer)!;
        const spans = action.spans.map((span) => {
          this.reads.push(span.offset);
          return bytes.slice(span.offset, span.offset + span.lengthBytes);
        });
        return this.handle({ kind: "read", transfer, spans });
      }
      case "send":
        this.sent.push({ atMs: this.nowMs, to: action.to, datagrams: action.datagrams });
        return;
      case "release":
        this.open.delete(action.transfer);
        return;
      case "notice":
        this.notices.push(action.message);
        return;
      case "requested":
      case "sending":
        return;
    }
  }
}

const fileOf = (sizeBytes: number): Bytes => new Random(sizeBytes).bytes(sizeBytes);

/** The file that the chunks in `sent` add up to. */
function rebuilt(sent: readonly Sent[], chunkBytes: number, sizeBytes: number): Bytes {
  const bytes = new Uint8Array(sizeBytes);
  for (const datagram of sent.flatMap((each) => each.datagrams)) {
    const chunk = decodeClassicChunk(datagram);
    if (chunk === undefined) continue;
    assertEquals(chunk.sha256, sha256(chunk.payload));
    bytes.set(chunk.payload, chunk.number * chunkBytes);
  }
  return bytes;
}

const bytesOf = (sent: readonly Sent[]): number =>
  sent.flatMap((each) => each.datagrams).reduce((sum, datagram) => sum + datagram.length, 0);

// A byte, the chunk size and its neighbours, several bursts with a short end.
for (const sizeBytes of [1, 1_023, 1_024, 1_025, 20_000]) {
  Deno.test(`a classic request for ${sizeBytes} bytes is answered, then sent whole`, () => {
    const file = fileOf(sizeBytes);
    const bench = new Bench({ "a b.bin": file });
    bench.request(ANN, "a b.bin");
    assertEquals(bench.sent.length, 1);
    assertEquals(decodeClassicAnswer(bench.sent[0]!.datagrams[0]!), {
      chunkCount: Math.ceil(sizeBytes / 1_024),
      sha256: hashHex(toHex(sha256(file))),
    });
    bench.run();
    assertEquals(bench.sent[1]!.atMs, CLASSIC_ANSWER_LEAD_MS);
    assertEquals(rebuilt(bench.sent, 1_024, sizeBytes), file);
    assertEquals(bench.open.size, 0);
    assertEquals(bench.nextWakeupMs, Infinity);
  });
}

Deno.test("each chunk is told of when it was sent, by its number", () => {
  const bench = new Bench({ film: fileOf(20_000) });
  bench.request(ANN, "film");
  assertEquals(bench.notices, []);
  bench.run();
  const numbers = bench.sent.slice(1).flatMap(({ datagrams }) => datagrams)
    .map((datagram) => decodeClassicChunk(datagram)!.number);
  assertEquals(numbers.length, 20);
  assertEquals(bench.notices, numbers.map((number) => `Sent chunk ${number}`));
});

Deno.test("an empty file is answered and nothing follows", () => {
  const bench = new Bench({ empty: new Uint8Array(0) });
  bench.request(ANN, "empty");
  bench.run();
  assertEquals(bench.sent.length, 1);
  assertEquals(decodeClassicAnswer(bench.sent[0]!.datagrams[0]!)?.chunkCount, 0);
  assertEquals(bench.open.size, 0);
});

Deno.test("classic chunks leave in a random order, once each, in bursts at the classic rate", () => {
  const bench = new Bench({ big: fileOf(400 * 1_024) });
  bench.request(ANN, "big");
  bench.run();
  const order = bench.reads.map((offset) => offset / 1_024);
  const inOrder = Array.from({ length: 400 }, (_, i) => i);
  assertEquals(order.toSorted((a, b) => a - b), inOrder);
  assert(order.filter((number, i) => number === i).length < 20, "the order is not random");
  for (const { datagrams } of bench.sent) assert(datagrams.length <= CLASSIC_BURST_DATAGRAMS);
  const seconds = (bench.nowMs - CLASSIC_ANSWER_LEAD_MS) / 1_000;
  const rate = bytesOf(bench.sent.slice(1, -1)) / seconds;
  assert(Math.abs(rate / CLASSIC_RATE_BYTES_PER_S - 1) < 0.01, `${rate} bytes/s`);
});

Deno.test("a late timer is made up for by one burst, not by a flood", () => {
  const bench = new Bench({ big: fileOf(400 * 1_024) });
  bench.request(ANN, "big");
  bench.run(20);
  bench.sent.length = 0;
  bench.nowMs += 500;
  bench.run(bench.nowMs);
  assertEquals(bench.sent.length, 2);
});

Deno.test("large chunks leave one a burst, and no pause reaches a client's patience", () => {
  const chunkBytes = 60 * 1_024;
  const bench = new Bench({ big: fileOf(10 * chunkBytes) }, chunkBytes);
  for (let again = 0; again < 12; again++) {
    bench.request(ANN, "big");
    bench.run(bench.nowMs + CLASSIC_ANSWER_LEAD_MS + 50);
  }
  bench.sent.length = 0;
  bench.run();
  const pauses = bench.sent.slice(1).map((each, i) => each.atMs - bench.sent[i]!.atMs);
  assert(Math.max(...pauses) < CLASSIC_SILENCE_MS / 2, `${pauses}`);
  assert(bench.sent.every((each) => each.datagrams.length === 1));
});

Deno.test("asking again starts over at half the rate, down to the smallest", () => {
  const bench = new Bench({ big: fileOf(4_000 * 1_024) });
  const rates: number[] = [];
  for (let again = 0; again < 6; again++) {
    bench.request(ANN, "big");
    bench.run(bench.nowMs + CLASSIC_ANSWER_LEAD_MS);
    bench.sent.length = 0;
    bench.run(bench.nowMs + 400);
    rates.push(bytesOf(bench.sent) / 0.4);
  }
  const wanted = [1, 2, 4, 8, 16, 16].map((part) => CLASSIC_RATE_BYTES_PER_S / part);
  assertEquals(wanted.at(-1), CLASSIC_RATE_BYTES_PER_S_MIN);
  rates.forEach((rate, i) => assert(Math.abs(rate / wanted[i]! - 1) < 0.1, `${rates}`));
  assertEquals(bench.open.size, 1);
});

Deno.test("the same file for a new port after a complete transfer comes at full rate", () => {
  const bench = new Bench({ big: fileOf(100 * 1_024) });
  bench.request(ANN, "big");
  bench.run();
  const firstMs = bench.nowMs;
  bench.nowMs += 5_000;
  const startMs = bench.nowMs;
  bench.request(ANN_TOO, "big");
  bench.run();
  assert(Math.abs(bench.nowMs - startMs - firstMs) < 0.001);
});

Deno.test("a request that the network doubled is one request", () => {
  const bench = new Bench({ "a.txt": fileOf(5_000) });
  bench.request(ANN, "a.txt");
  bench.request(ANN, "a.txt");
  assertEquals(bench.sent.length, 1);
  bench.run();
  assertEquals(bytesOf(bench.sent.slice(1)), 5_000 + 5 * 40);
});

Deno.test("another port of the same address waits, and gets its turn when the first is done", () => {
  const bench = new Bench({ "a.txt": fileOf(5_000), "b.txt": fileOf(3_000) });
  bench.request(ANN, "a.txt");
  bench.request(ANN_TOO, "b.txt");
  assertEquals(bench.sent.map((each) => each.to), [ANN]);
  bench.run();
  const toSecond = bench.sent.filter((each) => each.to === ANN_TOO);
  assertEquals(rebuilt(toSecond, 1_024, 3_000), fileOf(3_000));
  const firstToSecond = bench.sent.findIndex((each) => each.to === ANN_TOO);
  assert(bench.sent.slice(firstToSecond).every((each) => each.to === ANN_TOO));
});

Deno.test("a long transfer gives way to another port of its address after a turn", () => {
  const bench = new Bench({ big: fileOf(12 * 1_024 * 1_024), "b.txt": fileOf(3_000) });
  bench.request(ANN, "big");
  bench.run(1_000);
  bench.request(ANN_TOO, "b.txt");
  bench.run();
  const answer = bench.sent.find((each) => each.to === ANN_TOO)!;
  assertEquals(answer.atMs, 1_000 + CLASSIC_TURN_MS);
  assertEquals(bench.open.size, 0);
});

Deno.test("addresses are served side by side up to a bound", () => {
  const bench = new Bench({ big: fileOf(400_000) });
  const client = (i: number): Endpoint => ({ address: `10.0.1.${i}`, port: 50_000 });
  for (let i = 0; i <= CLASSIC_TRANSFERS_MAX; i++) bench.request(client(i), "big");
  assertEquals(bench.sent.length, CLASSIC_TRANSFERS_MAX);
  assertStringIncludes(bench.notices.join(), "too many");
  bench.run();
  const answered = new Set(bench.sent.map((each) => each.to.address));
  assertEquals(answered.size, CLASSIC_TRANSFERS_MAX);
});

Deno.test("where there is no room, one that proved nothing and had its turn makes some", () => {
  const bench = new Bench({ big: fileOf(40 * 1_024 * 1_024) });
  const client = (i: number): Endpoint => ({ address: `10.0.1.${i}`, port: 50_000 });
  bench.proved.add(client(3).address);
  for (let i = 0; i < CLASSIC_TRANSFERS_MAX; i++) bench.request(client(i), "big");
  const answered = () => new Set(bench.sent.map((each) => each.to.address)).size;
  bench.run(CLASSIC_TURN_MS - 100);
  bench.request(ANN, "big");
  assertEquals(answered(), CLASSIC_TRANSFERS_MAX, "all have only begun");
  bench.run(CLASSIC_TURN_MS + 100);
  for (let i = 0; i < 3 * CLASSIC_TRANSFERS_MAX; i++) bench.request(client(100 + i), "big");
  assertEquals(answered(), 2 * CLASSIC_TRANSFERS_MAX - 1);
  const before = bench.sent.length;
  bench.run(CLASSIC_TURN_MS + 200);
  const still = bench.sent.slice(before).map((each) => each.to.address);
  assert(still.includes(client(3).address), "who proved its address goes on");
  assert(!still.includes(client(4).address));
});

Deno.test("a cap on the rate holds for all classic transfers together", () => {
  const bench = new Bench({ big: fileOf(200_000) }, 1_024, 400_000);
  bench.request(ANN, "big");
  bench.request({ address: "10.0.0.8", port: 50_000 }, "big");
  bench.run();
  const rate = bytesOf(bench.sent) / (bench.nowMs / 1_000);
  assert(rate > 350_000 && rate < 450_000, `${rate} bytes/s`);
});

Deno.test("a peer that has sent a FIND lately is not answered in the classic protocol", () => {
  const bench = new Bench({ "a.txt": fileOf(10) });
  bench.handle({ kind: "searched", from: ANN });
  bench.request(ANN, "a.txt");
  assertEquals(bench.sent, []);
  bench.request(ANN_TOO, "a.txt");
  assertEquals(bench.sent.length, 1);
});

Deno.test("other subnets, unsafe names and missing files get silence", () => {
  const bench = new Bench({ "a.txt": fileOf(10) });
  bench.request({ address: "192.0.2.1", port: 50_000 }, "a.txt");
  for (
    const name of ["../a.txt", "/etc/passwd", "a\0b", "a\nb", "missing.txt", "x".repeat(5_000)]
  ) {
    bench.request(ANN, name);
  }
  assertEquals(bench.sent, []);
  assertEquals(bench.open.size, 0);
  assert(bench.notices.every((notice) => !/[\0\n]/.test(notice)));
});

Deno.test("a file too large for classic clients is refused with a notice and silence", () => {
  const server = new ClassicServer({
    chunkBytes: 1_024,
    rateBytesPerS: 0,
    seed: SEED,
    isNeighbour: () => true,
    hasProved: () => false,
  });
  server.handle(0, { kind: "request", from: ANN, name: "huge" });
  const file = { sizeBytes: CLASSIC_FILE_BYTES_MAX + 1, sha256: hashHex("0".repeat(64)) };
  const actions = server.handle(0, { kind: "located", transfer: 0, file });
  assertEquals(actions.map((action) => action.kind), ["notice", "release"]);
});

Deno.test("a file that cannot be read as indexed ends its transfer with a notice", () => {
  const bench = new Bench({ "a.txt": fileOf(50_000) });
  bench.request(ANN, "a.txt");
  bench.unreadable = true;
  bench.run();
  assertEquals(bench.sent.length, 1);
  assertEquals(bench.open.size, 0);
  assertStringIncludes(bench.notices.join(), "changed");
});

Deno.test("what the disk brings for a transfer that is over is dropped", () => {
  const bench = new Bench({ "a.txt": fileOf(50_000) });
  bench.request(ANN, "a.txt");
  bench.run();
  const sent = bench.sent.length;
  bench.handle({ kind: "read", transfer: 0, spans: [fileOf(1_024)] });
  bench.handle({ kind: "located", transfer: 0 });
  assertEquals(bench.sent.length, sent);
});
