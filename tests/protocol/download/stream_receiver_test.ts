/** Chunks over TCP: asked for ahead, proved as they come, asked for again where a connection broke off. */
import { assert, assertEquals } from "@std/assert";
import { type Bytes, hashHex, serverId, sourceId, transferId } from "../../../lib/ids.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { chunkHashesOf } from "../../../lib/protocol/download/fetch_list.ts";
import type { Report } from "../../../lib/protocol/download/receiver_report.ts";
import {
  STREAM_NONSENSE_MAX,
  STREAM_REQUESTS_MAX,
  STREAM_SILENT_SHARE,
} from "../../../lib/protocol/download/limits.ts";
import {
  StreamReceiver,
  type StreamReceiverAction,
  type StreamReceiverEvent,
} from "../../../lib/protocol/download/stream_receiver.ts";
import { chunkBytesFor } from "../../../lib/protocol/merkle/merkle.ts";
import {
  encodeMessage,
  type JsonObject,
  lengthPrefix,
  parseMessage,
} from "../../../lib/wire/session_json.ts";
import { hashed, mixedFile, totals } from "../../support/virtual_link.ts";

const TRANSFER = transferId(1);
const SOURCE = sourceId(serverId("5e".repeat(16)), "stream");
const ROUTE = { kind: "stream", endpoint: { address: "10.0.0.2", port: 10526 }, rttMs: 0 } as const;
const FRAME_BYTES = 9_000;

interface Asked {
  /** Says that a chunk was bad. */
  readonly struck?: number;
  readonly offset: number;
  readonly length: number;
}

/** A stream receiver, and a server that a test speaks for. */
class Script {
  readonly asked: Asked[] = [];
  readonly reports: Report[] = [];
  readonly chunks = new Map<number, Bytes>();
  readonly gone: string[] = [];
  readonly struck: number[] = [];
  strikeAnswer: JsonObject = { status: "noted" };
  connects = 0;
  disconnects = 0;
  nowMs = 0;
  readonly file: Bytes;
  readonly #machine: StreamReceiver;
  readonly #random: Random;

  constructor(sizeBytes: number, seed = 1, timeoutMs = 10_000) {
    this.#machine = new StreamReceiver(timeoutMs);
    this.file = mixedFile(sizeBytes);
    this.#random = new Random(seed);
    this.step({
      kind: "allot",
      windowBytesMax: 8 << 20,
      bufferBytesMax: 16 << 20,
      rateBytesPerS: 0,
    });
    this.step({ kind: "assign", source: SOURCE, route: ROUTE });
  }

  get chunkCount(): number {
    return Math.ceil(this.file.length / chunkBytesFor(this.file.length));
  }

  lease(chunks = Array.from({ length: this.chunkCount }, (_, i) => i)): void {
    const { root, layer } = hashed(this.file);
    const content = { sizeBytes: this.file.length, sha256: hashHex("aa".repeat(32)), root };
    const hashes = chunkHashesOf(layer, chunks);
    this.step({ kind: "lease", lease: { transfer: TRANSFER, content, chunks, hashes } });
  }

  step(event: StreamReceiverEvent): void {
    for (const action of [...this.#machine.handle(this.nowMs, event)]) this.#perform(action);
  }

  /** Bytes arrive cut at random, in memory that is used again. */
  arrive(...parts: readonly Bytes[]): void {
    const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let length = 0;
    for (const part of parts) {
      all.set(part, length);
      length += part.length;
    }
    for (let at = 0; at < all.length;) {
      const bytes = all.slice(at, at + 1 + this.#random.below(20_000));
      at += bytes.length;
      this.step({ kind: "arrived", bytes });
      bytes.fill(0xa5);
    }
  }

  /** The true answer to a request, with what `change` makes of its body. */
  answer({ offset, length, struck }: Asked, change: (body: Bytes) => void = () => {}): Bytes[] {
    if (struck !== undefined) return [encodeMessage(this.strikeAnswer)];
    const body = this.file.slice(offset, offset + length);
    change(body);
    const frames: Bytes[] = [];
    for (let at = 0; at < body.length; at += FRAME_BYTES) {
      const frame = body.subarray(at, at + FRAME_BYTES);
      frames.push(lengthPrefix(frame.length), frame);
    }
    const { root } = hashed(this.file);
    const head = encodeMessage({ status: "file", root, offset, length });
    return [head, ...frames, lengthPrefix(0), encodeMessage({ status: "sent" })];
  }

  /** Answers everything that is asked until nothing more is. */
  serve(): void {
    for (let next = this.asked.shift(); next !== undefined; next = this.asked.shift()) {
      this.arrive(...this.answer(next));
    }
  }

  wakeUp(): void {
    this.nowMs = this.#machine.nextWakeupMs(this.nowMs);
    assert(this.nowMs < Infinity, "it waits for something");
    this.step({ kind: "wakeup" });
  }

  assertWhole(): void {
    const chunkBytes = chunkBytesFor(this.file.length);
    assertEquals(this.chunks.size, this.chunkCount);
    for (const [chunk, bytes] of this.chunks) {
      const start = chunk * chunkBytes;
      assertEquals(bytes, this.file.slice(start, start + chunkBytes));
    }
  }

  #perform(action: StreamReceiverAction): void {
    switch (action.kind) {
      case "connect":
        this.connects += 1;
        return;
      case "disconnect":
        this.disconnects += 1;
        this.asked.length = 0;
        return;
      case "transmit": {
        const message = parseMessage(action.bytes.subarray(4)) as JsonObject;
        const { offset, length, command, chunk } = message;
        if (command === "strike") {
          this.struck.push(Number(chunk));
          this.asked.push({ offset: 0, length: 0, struck: Number(chunk) });
          return;
        }
        this.asked.push({ offset: Number(offset), length: Number(length) });
        return;
      }
      case "chunk":
        assert(!this.chunks.has(action.chunk), "a chunk is handed on once");
        this.chunks.set(action.chunk, action.buffer.slice(0, action.bytes));
        return this.step({ kind: "recycle", buffers: [action.buffer] });
      case "report":
        this.reports.push(action.report);
        return;
      case "gone":
        this.gone.push(action.reason);
    }
  }
}

for (const sizeBytes of [1, 16_384, 65_537, 3 << 20]) {
  Deno.test(`${sizeBytes} bytes come over a stream that is cut anywhere, proved`, () => {
    for (let seed = 1; seed <= 10; seed++) {
      const script = new Script(sizeBytes, seed);
      script.lease();
      assertEquals(script.asked, [], "nothing is asked before there is a connection");
      script.step({ kind: "connected" });
      assert(script.asked.length <= STREAM_REQUESTS_MAX);
      script.serve();
      script.assertWhole();
      assertEquals(totals(script.reports).receivedBytes, sizeBytes);
      assertEquals(totals(script.reports).bad, []);
    }
  });
}

Deno.test("a broken connection is opened again, and only what is missing is requested", () => {
  const script = new Script(3 << 20);
  script.lease();
  script.step({ kind: "connected" });
  const parts = script.answer(script.asked[0]!);
  script.arrive(...parts.slice(0, 20));
  const received = totals(script.reports).receivedBytes;
  script.step({ kind: "disconnected" });
  script.asked.length = 0;
  while (script.connects < 2) script.wakeUp();
  script.step({ kind: "connected" });
  script.serve();
  script.assertWhole();
  const total = totals(script.reports).receivedBytes;
  assert(received < total && total === script.file.length, "no byte was asked for twice");
});

Deno.test("a chunk that proves itself wrong is told as the server's fault, and the rest comes", () => {
  const script = new Script(300_000);
  script.lease();
  script.step({ kind: "connected" });
  script.arrive(...script.answer(script.asked.shift()!, (body) => body[70_000]! ^= 1));
  script.serve();
  const { bad, verified } = totals(script.reports);
  assertEquals(bad.map(({ chunk, isIntegrityFailure }) => [chunk, isIntegrityFailure]), [[
    1,
    true,
  ]]);
  assertEquals(verified, [0, 2, 3, 4]);
  assert(!script.chunks.has(1));
});

for (
  const strikeAnswer of [{ status: "noted" }, { status: "error", code: "unknown_command" }]
) {
  Deno.test(`a server that says ${JSON.stringify(strikeAnswer)} to a strike continues`, () => {
    const script = new Script(300_000);
    script.strikeAnswer = strikeAnswer;
    script.lease();
    script.step({ kind: "connected" });
    script.arrive(...script.answer(script.asked.shift()!, (body) => body[70_000]! ^= 1));
    script.serve();
    assertEquals(script.struck, [1]);
    script.lease([1]);
    script.serve();
    assertEquals([script.gone, script.disconnects], [[], 0]);
    assert(script.chunks.has(1));
  });
}

Deno.test("what was revoked on the way is let pass by", () => {
  const script = new Script(300_000);
  script.lease();
  script.step({ kind: "connected" });
  script.step({ kind: "revoke", transfer: TRANSFER, chunks: [2] });
  script.serve();
  assertEquals([...script.chunks.keys()], [0, 1, 3, 4]);
});

Deno.test("a server that has it no more, or another one, is told of as gone", () => {
  for (const [code, reason] of [["not_found", "unknown"], ["changed", "changed"]] as const) {
    const script = new Script(300_000);
    script.lease();
    script.step({ kind: "connected" });
    script.arrive(encodeMessage({ status: "error", code, message: "" }));
    assertEquals(script.gone, [reason]);
    assertEquals(script.disconnects, 0);
  }
  const script = new Script(300_000);
  script.lease();
  script.step({ kind: "connected" });
  const parts = script.answer(script.asked[0]!);
  const end = encodeMessage({ status: "error", code: "changed", message: "" });
  script.arrive(...parts.slice(0, 5), lengthPrefix(0), end);
  assertEquals(script.gone, ["changed"]);
});

Deno.test("what makes no sense ends the connection, and it is tried again later", () => {
  const nonsense: readonly (readonly Bytes[])[] = [
    [encodeMessage({ status: "file", offset: 5, length: 5 })],
    [new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n")],
    [encodeMessage({ status: "error", code: "pending", message: "" })],
    [encodeMessage([1, 2])],
  ];
  for (const bytes of nonsense) {
    const script = new Script(300_000);
    script.lease();
    script.step({ kind: "connected" });
    script.arrive(...bytes);
    assertEquals(script.disconnects, 1);
    while (script.connects < 2) script.wakeUp();
    script.step({ kind: "connected" });
    script.serve();
    script.assertWhole();
  }
});

Deno.test("what is refused for good is told as gone, and asked for no more", () => {
  for (const code of ["refused", "bad_request", "unknown_command", "too_many", "no such code"]) {
    const script = new Script(300_000);
    script.lease();
    script.step({ kind: "connected" });
    script.arrive(encodeMessage({ status: "error", code, message: "" }));
    assertEquals(script.gone, ["unknown"], code);
    script.asked.length = 0;
    script.step({ kind: "wakeup" });
    assertEquals(script.asked, []);
  }
});

Deno.test("whoever answers nothing but nonsense is given up after a few connections", () => {
  const script = new Script(300_000);
  script.lease();
  for (let count = 1; count <= STREAM_NONSENSE_MAX; count++) {
    assertEquals(script.gone, []);
    while (script.connects < count) script.wakeUp();
    script.step({ kind: "connected" });
    script.arrive(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n"));
  }
  assertEquals(script.gone, ["unknown"]);
});

Deno.test("nonsense after something of use is forgiven", () => {
  const script = new Script(3 << 20);
  script.lease();
  for (let count = 1; count <= 2 * STREAM_NONSENSE_MAX; count++) {
    while (script.connects < count) script.wakeUp();
    script.step({ kind: "connected" });
    script.arrive(...script.answer(script.asked[0]!).slice(0, 4));
    script.arrive(encodeMessage([1]), new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n"));
  }
  assertEquals(script.gone, []);
});

Deno.test("the silence that a connection is allowed follows the timeout", () => {
  for (const timeoutMs of [2_000, 10_000, 60_000]) {
    const script = new Script(300_000, 1, timeoutMs);
    script.lease();
    script.step({ kind: "connected" });
    while (script.disconnects === 0) script.wakeUp();
    assertEquals(script.nowMs, timeoutMs * STREAM_SILENT_SHARE);
  }
});

Deno.test("a silent server is reported as silent, and its connection opened again", () => {
  const script = new Script(300_000);
  script.lease();
  script.step({ kind: "connected" });
  while (script.connects < 2) script.wakeUp();
  assert(script.reports.some(({ silentMs }) => silentMs > 2_000));
  script.step({ kind: "connected" });
  script.serve();
  script.assertWhole();
});

Deno.test("when released, it drops everything; when assigned again, it starts over", () => {
  const script = new Script(300_000);
  script.lease();
  script.step({ kind: "connected" });
  script.step({ kind: "release" });
  assertEquals(script.disconnects, 1);
  script.step({ kind: "assign", source: SOURCE, route: ROUTE });
  script.lease();
  script.step({ kind: "connected" });
  script.serve();
  script.assertWhole();
});
