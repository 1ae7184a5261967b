import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { encodeFrame, type FrameOf } from "../../../lib/wire/frames.ts";
import { assertSameBytes } from "../../support/bytes.ts";
import {
  answer,
  ENDPOINT,
  type Fate,
  hashed,
  mixedFile,
  totals,
  TRANSFER,
  VirtualLink,
} from "../../support/virtual_link.ts";

const MIB = 1024 * 1024;

function joined(link: VirtualLink, file: Bytes): Bytes {
  const whole = new Uint8Array(file.length);
  const chunkBytes = 65536;
  for (const [chunk, bytes] of link.chunks) whole.set(bytes, chunk * chunkBytes);
  return whole;
}

// One byte; around a block; around a segment's payload of 1,368 bytes; around a chunk; several chunks.
for (
  const sizeBytes of [1, 1367, 1368, 1369, 16383, 16384, 16385, 65535, 65536, 65537, 3 * MIB + 7]
) {
  Deno.test(`a receiver brings ${sizeBytes} bytes over a clean link without asking twice`, () => {
    const file = mixedFile(sizeBytes);
    const link = new VirtualLink({ file, oneWayMs: 1 });
    link.lease();
    link.run(10_000, () => link.chunks.size === Math.ceil(sizeBytes / 65536));
    assertSameBytes(joined(link, file), file);
    const { receivedBytes, retransmits } = totals(link.reports);
    assertEquals(receivedBytes, sizeBytes);
    assertEquals(retransmits, 0);
    assertEquals(link.receiver.duplicateBytes, 0);
  });
}

Deno.test("loss, duplication, reordering and corruption cost time and never a wrong byte", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const random = new Random(seed);
    const file = mixedFile(MIB + 4321);
    const fate = (datagram: Bytes): Fate => {
      if (random.chance(0.05)) return [];
      const extraMs = random.chance(0.05) ? 20 * random.fraction() : 0;
      if (random.chance(0.05)) return [{ datagram, extraMs: 0 }, { datagram, extraMs }];
      if (random.chance(0.02)) {
        const corrupt = datagram.slice();
        corrupt[Math.floor(random.fraction() * corrupt.length)]! ^= 1 << (seed % 8);
        return [{ datagram: corrupt, extraMs }];
      }
      return [{ datagram, extraMs }];
    };
    const losesRequest = () => random.chance(0.05);
    const link = new VirtualLink({ file, oneWayMs: 2, fate, losesRequest });
    link.lease();
    let reLeased = 0;
    // What the coordinator would do: a chunk that failed is leased again.
    while (link.chunks.size < 17 && link.nowMs < 60_000) {
      const untilMs = link.nowMs + 50;
      link.run(untilMs, () => link.chunks.size === 17);
      link.nowMs = Math.max(link.nowMs, untilMs);
      const { bad } = totals(link.reports);
      const again = bad.slice(reLeased).map((each) => each.chunk);
      reLeased = bad.length;
      if (again.length > 0) link.lease(again);
    }
    assertSameBytes(joined(link, file), file, `seed ${seed}`);
    assertEquals(
      totals(link.reports).bad.filter((each) => each.isIntegrityFailure),
      [],
      `seed ${seed}`,
    );
  }
});

Deno.test("a lost segment is asked for again within about a round trip, and nothing else is", () => {
  const file = mixedFile(2 * MIB);
  let count = 0;
  const lost: number[] = [];
  const fate = (datagram: Bytes): Fate => {
    count += 1;
    if (count !== 100 && count !== 777) return [{ datagram, extraMs: 0 }];
    lost.push(count);
    return [];
  };
  const link = new VirtualLink({ file, oneWayMs: 5, fate });
  link.lease();
  link.run(10_000, () => link.chunks.size === 32);
  assertEquals(lost.length, 2);
  assertEquals(totals(link.reports).retransmits, 2);
  assertEquals(link.receiver.duplicateBytes, 0);
});

Deno.test("a lost tail is found by the timer", () => {
  const file = mixedFile(5000);
  let count = 0;
  const link = new VirtualLink({
    file,
    oneWayMs: 5,
    fate: (datagram) => (count++ === 3 ? [] : [{ datagram, extraMs: 0 }]),
  });
  link.lease();
  link.run(10_000, () => link.chunks.size === 1);
  assertSameBytes(joined(link, file), file);
  assertLess(link.nowMs, 100);
});

Deno.test("a chunk that fails makes the receiver ask for checksums; failing again with good ones is an integrity failure", () => {
  const file = mixedFile(65536);
  const lie = file.slice();
  lie[40_000]! ^= 0xff;
  const link = new VirtualLink({ file, oneWayMs: 1, serve: (want) => answer(want, lie) });
  link.lease();
  link.run(1_000, () => totals(link.reports).bad.length === 1);
  assertEquals(totals(link.reports).bad.map((each) => each.isIntegrityFailure), [false]);
  assertEquals(link.strikes.length, 0);
  link.lease([0]);
  link.run(2_000, () => totals(link.reports).bad.length === 2);
  assertEquals(totals(link.reports).bad[1]?.isIntegrityFailure, true);
  assertEquals(link.wants.at(-1)?.withCrc, 1);
  assertEquals(link.strikes.map((strike) => strike.chunk), [0]);
  assertEquals(link.chunks.size, 0);
});

Deno.test("joined datagrams with one corrupt length lose one segment", () => {
  const file = mixedFile(65536);
  let isFirst = true;
  const link = new VirtualLink({
    file,
    oneWayMs: 1,
    serve(want) {
      const datagrams = answer(want, file);
      const full = datagrams.filter((each) => each.length === want.segmentBytes);
      const rest = datagrams.filter((each) => each.length !== want.segmentBytes);
      const buffer = new Uint8Array(full.length * want.segmentBytes);
      full.forEach((each, i) => buffer.set(each, i * want.segmentBytes));
      if (isFirst) buffer[4] = 0x01;
      isFirst = false;
      return [buffer, ...rest].filter((each) => each.length > 0);
    },
  });
  link.lease();
  link.run(5_000, () => link.chunks.size === 1);
  assertSameBytes(joined(link, file), file);
  assertEquals(totals(link.reports).retransmits, 1);
});

Deno.test("segments from another address, with another nonce or for no request are ignored", () => {
  const file = mixedFile(20_000);
  const link = new VirtualLink({ file, oneWayMs: 1, serve: () => [] });
  link.lease();
  const want = link.wants[0]!;
  const [datagram] = answer(want, file);
  link.step({
    kind: "datagrams",
    bytes: datagram!,
    from: { ...ENDPOINT, address: "10.0.0.3" },
    segmentBytes: datagram!.length,
  });
  link.step({
    kind: "datagrams",
    bytes: datagram!,
    from: { ...ENDPOINT, port: 4 },
    segmentBytes: datagram!.length,
  });
  const [foreign] = answer({ ...want, nonce: want.nonce + 1n }, file);
  link.step({ kind: "datagrams", bytes: foreign!, from: ENDPOINT, segmentBytes: foreign!.length });
  const [unasked] = answer({ ...want, number: 999 }, file);
  link.step({ kind: "datagrams", bytes: unasked!, from: ENDPOINT, segmentBytes: unasked!.length });
  assertEquals(link.receiver.ignoredSegments, 4);
  link.step({
    kind: "datagrams",
    bytes: datagram!,
    from: ENDPOINT,
    segmentBytes: datagram!.length,
  });
  link.step({
    kind: "datagrams",
    bytes: datagram!,
    from: ENDPOINT,
    segmentBytes: datagram!.length,
  });
  assertEquals(link.receiver.duplicateBytes, 1368);
});

Deno.test("random bytes are ignored, whatever they are", () => {
  const random = new Random(7);
  const file = mixedFile(100_000);
  const link = new VirtualLink({ file, oneWayMs: 1 });
  link.lease();
  for (let i = 0; i < 3_000; i++) {
    const bytes = new Uint8Array(Math.floor(random.fraction() * 3_000));
    for (let j = 0; j < bytes.length; j++) bytes[j] = random.fraction() * 256;
    bytes.set([0x53, 0x48, 1, 0x11].slice(0, bytes.length));
    link.step({ kind: "datagrams", bytes, from: ENDPOINT, segmentBytes: bytes.length });
  }
  link.run(5_000, () => link.chunks.size === 2);
  assertSameBytes(joined(link, file), file);
});

Deno.test("a path that swallows full-size segments falls back to 1,200 bytes", () => {
  const file = mixedFile(200_000);
  const link = new VirtualLink({
    file,
    oneWayMs: 1,
    fate: (datagram) => (datagram.length > 1_200 ? [] : [{ datagram, extraMs: 0 }]),
  });
  link.lease();
  link.run(10_000, () => link.chunks.size === 4);
  assertSameBytes(joined(link, file), file);
  assertEquals(link.wants.at(-1)?.segmentBytes, 1_200);
});

Deno.test("segments leave room for what the transport adds, the shorter ones too", () => {
  const file = mixedFile(200_000);
  const link = new VirtualLink({
    file,
    oneWayMs: 1,
    overheadBytes: 16,
    fate: (datagram) => (datagram.length > 1_184 ? [] : [{ datagram, extraMs: 0 }]),
  });
  link.lease();
  assertEquals(link.wants[0]?.segmentBytes, 1_384);
  link.run(10_000, () => link.chunks.size === 4);
  assertSameBytes(joined(link, file), file);
  assertEquals(link.wants.at(-1)?.segmentBytes, 1_184);
});

Deno.test("a stale token is replaced by the one that RETRY brings", () => {
  const file = mixedFile(65536);
  const token = new Uint8Array(16).fill(9);
  const { SERVER: server } = { SERVER: "5e".repeat(16) };
  const link = new VirtualLink({
    file,
    oneWayMs: 1,
    serve(want) {
      if (want.token[0] === 9) return answer(want, file);
      const { nonce: echo, number } = want;
      return [encodeFrame({ kind: "retry", echo, number, server: server as never, token })];
    },
  });
  link.lease();
  link.run(1_000, () => link.chunks.size === 1);
  assertSameBytes(joined(link, file), file);
  assertLess(link.nowMs, 50);
});

Deno.test("GONE ends the leases of that file and is told", () => {
  const file = mixedFile(65536);
  const link = new VirtualLink({
    file,
    oneWayMs: 1,
    serve: ({ nonce, number, root }) => [
      encodeFrame({ kind: "gone", nonce, number, root, reason: "changed" }),
    ],
  });
  link.lease();
  link.run(1_000, () => link.gone.length > 0);
  assertEquals(link.gone, ["changed"]);
  const asked = link.wants.length;
  link.run(5_000);
  assertEquals(link.wants.length, asked);
});

Deno.test("no more is in flight than the receive buffer holds", () => {
  const file = mixedFile(8 * MIB);
  const link = new VirtualLink({ file, oneWayMs: 20, receiveBufferBytes: 100_000 });
  link.lease();
  link.run(20_000, () => link.chunks.size === 128);
  assertEquals(link.chunks.size, 128);
  // 60,000 bytes a round trip of 40 ms.
  assertGreater(link.nowMs, 8 * MIB / 60_000 * 40 * 0.9);
});

Deno.test("without buffers nothing new is asked, and a buffer that comes back starts the next chunk", () => {
  const file = mixedFile(10 * 65536);
  const link = new VirtualLink({ file, oneWayMs: 1 });
  link.step({ kind: "allot", windowBytesMax: MIB, bufferBytesMax: 2 * 65536, rateBytesPerS: 0 });
  let highest = 0;
  link.lease();
  link.run(5_000, () => {
    const asked = link.wants.flatMap((want) => want.ranges.map((range) => range.offset));
    highest = Math.max(highest, Math.floor(Math.max(...asked) / 65536) - link.chunks.size);
    return link.chunks.size === 10;
  });
  assertEquals(link.chunks.size, 10);
  assertLess(highest, 2);
});

Deno.test("--rate holds the receiver to its part", () => {
  const file = mixedFile(MIB);
  const link = new VirtualLink({ file, oneWayMs: 1 });
  link.step({ kind: "allot", windowBytesMax: MIB, bufferBytesMax: 8 * MIB, rateBytesPerS: MIB });
  link.lease();
  link.run(5_000, () => link.chunks.size === 16);
  assertEquals(link.chunks.size, 16);
  assertGreater(link.nowMs, 900);
  assertLess(link.nowMs, 1_200);
});

Deno.test("a revoked chunk is not brought, and its buffer serves the next", () => {
  const file = mixedFile(4 * 65536);
  const link = new VirtualLink({ file, oneWayMs: 5 });
  link.lease();
  link.step({ kind: "revoke", transfer: TRANSFER, chunks: [0, 2] });
  link.run(5_000, () => link.chunks.size === 2);
  link.run(link.nowMs + 500);
  assertEquals([...link.chunks.keys()].sort(), [1, 3]);
  assert(hashed(file).layer.length === 4 * 32);
});

Deno.test("silence is reported, and requests grow rare", () => {
  const file = mixedFile(65536);
  const link = new VirtualLink({ file, oneWayMs: 1, serve: () => [] });
  link.lease();
  link.run(5_000);
  assertGreater(link.reports.at(-1)?.silentMs ?? 0, 4_000);
  assertLess(link.wants.length, 15);
});

Deno.test("a chunk that was taken back in a silence and leased again is asked for", () => {
  const file = mixedFile(65536);
  let isUp = false;
  const link = new VirtualLink({
    file,
    oneWayMs: 1,
    serve: (want) => (isUp ? answer(want, file) : []),
  });
  link.lease();
  link.run(150);
  link.step({ kind: "revoke", transfer: TRANSFER, chunks: [0] });
  isUp = true;
  link.lease();
  link.run(5_000, () => link.chunks.size === 1);
  assertSameBytes(joined(link, file), file);
});

// — Length of segments ——————————————————————————————————————————————————————————————————————

/** The lengths that segments were asked to have, each once, in order. */
function lengthsAsked({ wants }: VirtualLink): number[] {
  return [...new Set(wants.map(({ segmentBytes }) => segmentBytes))];
}

Deno.test("segments get as long as the route takes, whole, and no shorter than usual", () => {
  const file = mixedFile(4 * MIB);
  for (
    const [routeBytes, lengths] of [
      [8_972, [1_400, 4_000, 8_900]],
      [3_972, [1_400, 3_972]],
      [65_508, [1_400, 4_000, 8_900]],
      [1_472, [1_400, 1_472]],
      [1_452, [1_400, 1_452]],
      [572, [1_400]],
    ] as const
  ) {
    const link = new VirtualLink({ file, oneWayMs: 1, routeBytes });
    link.lease();
    link.run(60_000, () => link.chunks.size === Math.ceil(file.length / 65536));
    assertSameBytes(joined(link, file), file);
    assertEquals(lengthsAsked(link), [...lengths], `${routeBytes} bytes`);
    for (const { segmentBytes, isWhole } of link.wants) {
      assertEquals(isWhole ?? false, segmentBytes > 1_400);
    }
  }
});

Deno.test("a server that answers in shorter segments than were tried costs nothing", () => {
  const file = mixedFile(2 * MIB);
  const serve = (want: FrameOf<"want">) =>
    answer({ ...want, segmentBytes: Math.min(want.segmentBytes, 1_400) }, file);
  const link = new VirtualLink({ file, oneWayMs: 1, routeBytes: 8_972, serve });
  link.lease();
  link.run(60_000, () => link.chunks.size === Math.ceil(file.length / 65536));
  assertSameBytes(joined(link, file), file);
  assertEquals(link.wants.filter(({ segmentBytes }) => segmentBytes > 1_400).length, 1);
  assertEquals(totals(link.reports).retransmits, 0);
});

Deno.test("longer segments than usual are not tried for what is soon over, nor on a slow path", () => {
  const small = mixedFile(60_000);
  const link = new VirtualLink({ file: small, oneWayMs: 1, routeBytes: 8_972 });
  link.lease();
  link.run(60_000, () => link.chunks.size === 1);
  assertEquals(lengthsAsked(link), [1_400]);
  // 125 bytes per millisecond.
  let freeMs = 0;
  const fate = (datagram: Uint8Array<ArrayBuffer>) => {
    freeMs = Math.max(freeMs, slow.nowMs) + datagram.length / 125;
    return [{ datagram, extraMs: freeMs - slow.nowMs }];
  };
  const slow = new VirtualLink({
    file: mixedFile(8 * 65_536),
    oneWayMs: 5,
    routeBytes: 8_972,
    fate,
  });
  slow.lease();
  slow.run(60_000, () => slow.chunks.size === 8);
  assertEquals(slow.chunks.size, 8);
  assertEquals(lengthsAsked(slow), [1_400]);
});

Deno.test("longer segments than the path carries cost one request now and then", () => {
  const file = mixedFile(4 * MIB);
  const fate = (datagram: Uint8Array<ArrayBuffer>) =>
    datagram.length > 1_472 ? [] : [{ datagram, extraMs: 0 }];
  const link = new VirtualLink({ file, oneWayMs: 1, routeBytes: 8_972, fate });
  link.lease();
  link.run(60_000, () => link.chunks.size === Math.ceil(file.length / 65536));
  assertSameBytes(joined(link, file), file);
  const tried = link.wants.filter(({ segmentBytes }) => segmentBytes > 1_400);
  assertGreater(tried.length, 0);
  assertLess(tried.length, 4);
  assertEquals(link.wants.at(-1)?.segmentBytes, 1_400);
});

Deno.test("on a path that carries short datagrams alone no request is longer than those", () => {
  const file = mixedFile(MIB);
  let count = 0;
  // Every third one is lost, so that much is asked for again in pieces.
  const fate = (datagram: Uint8Array<ArrayBuffer>) =>
    datagram.length > 572 || count++ % 3 === 0 ? [] : [{ datagram, extraMs: 0 }];
  const link = new VirtualLink({ file, oneWayMs: 1, fate });
  link.lease();
  link.run(60_000, () => link.chunks.size === Math.ceil(file.length / 65536));
  assertSameBytes(joined(link, file), file);
  const short = link.wants.filter(({ segmentBytes }) => segmentBytes === 512);
  assertGreater(Math.max(...short.map(({ ranges }) => ranges.length)), 4);
  for (const want of short) assertLess(encodeFrame(want).length, 513);
});
