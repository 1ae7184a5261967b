import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { denoRuntime } from "../../lib/io/runtime.ts";
import { openContent } from "../../lib/io/files/content_reader.ts";
import { type Bytes, hashHex, type SafeFileName, serverId } from "../../lib/ids.ts";
import { clockOriginMs, nowMs } from "../../lib/io/system/deno_clock.ts";
import { identityAt } from "../../lib/io/files/regular_file.ts";
import { startWorker } from "../../lib/io/system/deno_workers.ts";
import type { WorkerPort } from "../../lib/io/system/worker_port.ts";
import { BURST_BYTES, CONTROL_BYTES_MAX, MTU_BYTES_MIN } from "../../lib/wire/limits.ts";
import type { SenderReply, SenderRequest } from "../../lib/messages/sender_worker.ts";
import type { ServedFile } from "../../lib/protocol/base/served_file.ts";
import { NO_TOKEN, Tokens } from "../../lib/protocol/base/tokens.ts";
import type { ByteRange, FrameOf } from "../../lib/wire/frames.ts";
import { decodeFrame, encodeFrame } from "../../lib/wire/frames.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { DatagramPeer } from "../support/datagram_peer.ts";
import { withFolder, writeFile } from "../support/folder.ts";
import { canTouchFiles, canUseNetwork } from "../support/permissions.ts";
import { testTransport } from "../support/test_transport.ts";

const ignore = !(await canTouchFiles() && await canUseNetwork());

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);
const NONCE = 0x1122_3344_5566_7788n;
const ROOT = hashHex("ab".repeat(32));
const SERVER = serverId("5e".repeat(16));

function pattern(sizeBytes: number): Bytes {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 7 + (i >> 8)) % 251);
}

/** The real worker, with the test as its main thread. */
const TALLIES: ReadonlySet<string> = new Set(["counts", "sent"]);

class Bench implements AsyncDisposable {
  readonly #port: WorkerPort<SenderReply, SenderRequest> = startWorker("sender.ts");
  readonly #replies: SenderReply[] = [];
  #arrived = Promise.withResolvers<void>();
  readonly token: Bytes = new Tokens(SECRET).issue(nowMs(), "127.0.0.1");
  port = 0;

  static async start(
    options: { readonly tune?: boolean; readonly ports?: readonly number[] } = {},
  ): Promise<Bench> {
    const bench = new Bench();
    bench.post({
      kind: "init",
      transport: testTransport(options),
      rateBytesPerS: 0,
      tokenSecret: SECRET,
      serverId: SERVER,
      clockOriginMs: clockOriginMs(),
    });
    bench.port = (await bench.next("ready")).port;
    return bench;
  }

  private constructor() {
    this.#port.onMessage((reply) => {
      this.#replies.push(reply);
      this.#arrived.resolve();
    });
    this.#port.onError((error) => this.#arrived.reject(error));
  }

  post(request: SenderRequest): void {
    this.#port.post(request);
  }

  /** The next reply of that kind; what was sent, and counts, may come at any time and are passed over. */
  async next<K extends SenderReply["kind"]>(kind: K): Promise<Extract<SenderReply, { kind: K }>> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply === undefined) {
        await this.#arrived.promise;
        this.#arrived = Promise.withResolvers();
      } else if (reply.kind === kind) {
        return reply as Extract<SenderReply, { kind: K }>;
      } else assert(TALLIES.has(reply.kind), `${reply.kind} instead of ${kind}`);
    }
  }

  /** Answers the next `locate`. */
  async locate(file: ServedFile | undefined): Promise<void> {
    const { root, sizeBytes } = await this.next("locate");
    this.post({ kind: "located", root, sizeBytes, ...(file !== undefined && { file }) });
  }

  want(sizeBytes: number, fields: Partial<FrameOf<"want">> = {}): FrameOf<"want"> {
    return {
      kind: "want",
      nonce: NONCE,
      token: this.token,
      number: 1,
      root: ROOT,
      sizeBytes,
      segmentBytes: 1_400,
      withCrc: 0,
      ranges: [{ offset: 0, lengthBytes: sizeBytes }],
      ...fields,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.post({ kind: "stop" });
    await this.next("stopped");
    this.#port.close();
  }
}

function located(dir: string, name: string): ServedFile {
  const identity = identityAt(join(dir, name));
  assert(identity !== undefined);
  return { name: name as SafeFileName, place: { kind: "file", dir, name }, ...identity.signature };
}

/** Receives until every byte of the ranges has come, and compares it with the file. */
async function assertServed(peer: DatagramPeer, want: FrameOf<"want">, file: Bytes): Promise<void> {
  const missing = new Set<number>();
  for (const { offset, lengthBytes } of want.ranges) {
    for (let i = 0; i < lengthBytes; i++) missing.add(offset + i);
  }
  while (missing.size > 0) {
    const { number, offset, payload, hasCrc, datagramBytes } = await peer.segment(want.nonce);
    assertEquals([number, hasCrc], [want.number, want.withCrc === 1]);
    assert(datagramBytes <= want.segmentBytes);
    assertSameBytes(payload, file.subarray(offset, offset + payload.length));
    for (let i = 0; i < payload.length; i++) assert(missing.delete(offset + i), "sent once");
  }
}

const SHAPES: readonly (readonly [string, Partial<FrameOf<"want">>])[] = [
  ["one byte", { ranges: [{ offset: 69_999, lengthBytes: 1 }] }],
  ["more than one burst", { ranges: [{ offset: 3, lengthBytes: 69_997 }] }],
  ["more segments than one send is cut into", {
    segmentBytes: MTU_BYTES_MIN,
    ranges: [{ offset: 0, lengthBytes: BURST_BYTES }],
  }],
  ["ranges of whole segments, which share a send", {
    ranges: Array.from({ length: 20 }, (_, i) => ({ offset: i * 3_000, lengthBytes: 1_368 })),
  }],
  ["ranges that end in short segments, with checksums", {
    withCrc: 1,
    ranges: [{ offset: 1, lengthBytes: 1_369 }, { offset: 5_000, lengthBytes: 1 }, {
      offset: 6_000,
      lengthBytes: 4_104,
    }],
  }],
];

for (const tune of [true, false]) {
  Deno.test(
    { name: `every shape of request is answered to the byte, ${tune ? "tuned" : "plain"}`, ignore },
    () =>
      withFolder({ "f": pattern(70_000) }, async (dir) => {
        await using bench = await Bench.start({ tune });
        using peer = new DatagramPeer();
        const file = pattern(70_000);
        await peer.send(
          bench.want(70_000, { ranges: [{ offset: 5, lengthBytes: 5 }] }),
          bench.port,
        );
        await bench.locate(located(dir, "f"));
        assertEquals((await peer.segment(NONCE)).payload, file.slice(5, 10));
        assertEquals((await bench.next("flow")).to, peer.endpoint);
        for (const [i, [, fields]] of SHAPES.entries()) {
          const want = bench.want(70_000, { number: 2 + i, ...fields });
          await peer.send(want, bench.port);
          await assertServed(peer, want, file);
        }
      }),
  );
}

Deno.test(
  { name: "a stale token is answered with a fresh one, which is good", ignore },
  () =>
    withFolder({ "f": pattern(10) }, async (dir) => {
      await using bench = await Bench.start();
      using peer = new DatagramPeer();
      for (const token of [NO_TOKEN, bench.token.map((byte) => byte ^ 1)]) {
        await peer.send(bench.want(10, { token, number: 9 }), bench.port);
        const retry = await peer.frame("retry");
        assertEquals([retry.echo, retry.number, retry.server], [NONCE, 9, SERVER]);
        assertEquals(retry.token, bench.token);
      }
      await peer.send(bench.want(10), bench.port);
      await bench.locate(located(dir, "f"));
      assertEquals((await peer.segment(NONCE)).payload, pattern(10));
      await bench.next("flow");
    }),
);

Deno.test(
  {
    name: "of a file that is still being written, what is there is sent, and more as it comes",
    ignore,
  },
  () =>
    withFolder({ "f": pattern(200_000) }, async (dir) => {
      await using bench = await Bench.start();
      using peer = new DatagramPeer();
      const path = join(dir, "f");
      const file = pattern(200_000);
      const { device, signature } = identityAt(path)!;
      const held = new Uint8Array(new SharedArrayBuffer(1));
      held[0] = 0b1001;
      const place = { kind: "part", path, device, inode: signature.inode, held } as const;
      const range = (offset: number, lengthBytes: number) => [{ offset, lengthBytes }];
      const ask = async (number: number, ranges: readonly ByteRange[]) => {
        const want = bench.want(200_000, { number, ranges });
        await peer.send(want, bench.port);
        return want;
      };
      const first = await ask(1, range(0, 65_536));
      await bench.locate({ name: "f" as SafeFileName, place, ...signature });
      await assertServed(peer, first, file);
      await bench.next("flow");
      for (const lacking of [range(65_536, 1), range(65_535, 2), range(130_000, 70_000)]) {
        await ask(2, lacking);
        assertEquals((await peer.frame("gone")).reason, "unknown");
      }
      // What is written meanwhile is no change.
      using written = await Deno.open(path, { write: true });
      await written.seek(65_536, Deno.SeekMode.Start);
      await written.write(file.subarray(65_536, 131_072));
      held[0] = 0b1011;
      await assertServed(peer, await ask(3, range(65_535, 2)), file);
      await assertServed(peer, await ask(4, range(199_000, 1_000)), file);
      await Deno.remove(path);
      await writeFile(dir, "f", file);
      await Deno.writeFile(join(dir, "g"), file);
      await Deno.rename(join(dir, "g"), path);
      const reader = openContent(denoRuntime().disk, place, signature);
      assertEquals(reader.ok ? undefined : reader.reason, "changed");
    }),
);

Deno.test({ name: "a request for what nobody has is answered with GONE", ignore }, async () => {
  await using bench = await Bench.start();
  using peer = new DatagramPeer();
  await peer.send(bench.want(10, { number: 3 }), bench.port);
  await bench.locate(undefined);
  const gone = await peer.frame("gone");
  assertEquals([gone.nonce, gone.number, gone.root], [NONCE, 3, ROOT]);
  assertEquals(gone.reason, "unknown");
});

for (
  const [how, change] of [
    ["grew", (dir: string) => writeFile(dir, "f", pattern(11))],
    ["is gone", (dir: string) => Deno.remove(join(dir, "f"))],
    ["is another one of that name", async (dir: string) => {
      await writeFile(dir, "g", pattern(10));
      await Deno.rename(join(dir, "g"), join(dir, "f"));
    }],
  ] as const
) {
  Deno.test(
    { name: `a file that ${how} since it was indexed is not sent`, ignore },
    () =>
      withFolder({ "f": pattern(10) }, async (dir) => {
        await using bench = await Bench.start();
        using peer = new DatagramPeer();
        const file = located(dir, "f");
        await change(dir);
        await peer.send(bench.want(10), bench.port);
        await bench.locate(file);
        assertEquals((await peer.frame("gone")).reason, "changed");
        assertEquals((await bench.next("changed")).root, ROOT);
      }),
  );
}

Deno.test(
  { name: "a file that shrinks while it is served is told at the next read", ignore },
  () =>
    withFolder({ "f": pattern(70_000) }, async (dir) => {
      await using bench = await Bench.start();
      using peer = new DatagramPeer();
      const tail = { ranges: [{ offset: 69_000, lengthBytes: 1_000 }] };
      await peer.send(bench.want(70_000, tail), bench.port);
      await bench.locate(located(dir, "f"));
      assertEquals((await peer.segment(NONCE)).payload.length, 1_000);
      await bench.next("flow");
      await Deno.truncate(join(dir, "f"), 100);
      await peer.send(bench.want(70_000, { ...tail, number: 2 }), bench.port);
      const gone = await peer.frame("gone");
      assertEquals([gone.number, gone.reason], [2, "changed"]);
      await bench.next("changed");
    }),
);

Deno.test(
  { name: "what is forgotten is located anew", ignore },
  () =>
    withFolder({ "f": pattern(10), "copy": pattern(10) }, async (dir) => {
      await using bench = await Bench.start();
      using peer = new DatagramPeer();
      await peer.send(bench.want(10), bench.port);
      await bench.locate(located(dir, "f"));
      await peer.segment(NONCE);
      await bench.next("flow");
      bench.post({ kind: "forget", root: ROOT, sizeBytes: 10 });
      await peer.send(bench.want(10, { number: 2 }), bench.port);
      await bench.locate(located(dir, "copy"));
      assertEquals((await peer.segment(NONCE)).number, 2);
    }),
);

Deno.test(
  { name: "what is malformed or out of bounds gets no answer and is counted", ignore },
  () =>
    withFolder({ "f": pattern(10) }, async (dir) => {
      await using bench = await Bench.start();
      using peer = new DatagramPeer();
      const good = encodeFrame(bench.want(10));
      const damaged = good.with(30, 0xff) as Bytes;
      const bad: readonly Bytes[] = [
        Uint8Array.of(1),
        pattern(9_000),
        good.slice(0, -1),
        damaged,
        encodeFrame({ kind: "retry", echo: 1n, number: 0, server: SERVER, token: NO_TOKEN }),
      ];
      const outOfBounds: readonly Partial<FrameOf<"want">>[] = [
        { ranges: [] },
        { ranges: [{ offset: 0, lengthBytes: 0 }] },
        { ranges: [{ offset: 9, lengthBytes: 2 }] },
        { segmentBytes: MTU_BYTES_MIN - 1 },
      ];
      for (const bytes of bad) await peer.send(bytes, bench.port);
      for (const fields of outOfBounds) await peer.send(bench.want(10, fields), bench.port);
      await peer.send(bench.want(10), bench.port);
      await bench.locate(located(dir, "f"));
      // The first answer of all is to the only good request.
      assertEquals((await peer.segment(NONCE)).payload, pattern(10));
      await bench.next("flow");
      const served = await bench.next("counts");
      assertEquals(served.malformed, bad.length);
      assertEquals(served.dropped, outOfBounds.length);
    }),
);

Deno.test({
  name: "questions go to the main thread, decoded, and its answers leave whole",
  ignore,
}, () =>
  withFolder({ "f": pattern(70_000) }, async (dir) => {
    await using bench = await Bench.start();
    using peer = new DatagramPeer();
    const find = encodeFrame({
      kind: "find",
      queryId: 7n,
      token: NO_TOKEN,
      round: 0,
      known: [],
      queries: [],
    });
    const list = encodeFrame({
      kind: "list",
      queryId: 8n,
      token: NO_TOKEN,
      number: 1,
      pagesMax: 1,
      after: undefined,
    });
    const both = new Uint8Array([...find, ...list]);
    await peer.send(both.subarray(0, CONTROL_BYTES_MAX), bench.port);
    const first = await bench.next("question");
    assertEquals([first.frame, first.frameBytes], [decodeFrame(find), find.length]);
    const second = await bench.next("question");
    assertEquals([second.frame, second.from], [decodeFrame(list), peer.endpoint]);

    // After a send that the kernel cut into small datagrams, a long answer is not cut.
    const cut = { segmentBytes: MTU_BYTES_MIN, ranges: [{ offset: 0, lengthBytes: 5_440 }] };
    await peer.send(bench.want(70_000, cut), bench.port);
    await bench.locate(located(dir, "f"));
    await assertServed(peer, bench.want(70_000, cut), pattern(70_000));
    bench.post({ kind: "send", to: peer.endpoint, datagrams: [pattern(CONTROL_BYTES_MAX)] });
    assertEquals(await peer.receive(), pattern(CONTROL_BYTES_MAX));
    assertEquals(peer.lastFrom?.port, bench.port);
    await bench.next("flow");
  }));

Deno.test(
  { name: "the data port is the first of those offered that is free", ignore },
  async () => {
    await using first = await Bench.start();
    await using second = await Bench.start({ ports: [first.port, 0] });
    assert(second.port !== first.port && second.port > 0);
  },
);
