/** What a receiver does with servers that pack, that do not, and that lie about it. */
import { assert, assertEquals } from "@std/assert";
import { type Bytes, hashHex, toHex } from "../../../lib/ids.ts";
import { KIB, MIB } from "../../../lib/limits.ts";
import { pack } from "../../../lib/protocol/base/zstd.ts";
import { PACK_ANSWER_MS_MAX, PACK_VAIN_MAX } from "../../../lib/protocol/download/limits.ts";
import { rootOfBytes } from "../../../lib/protocol/merkle/unit_root.ts";
import { encodeFrame, type FrameOf } from "../../../lib/wire/frames.ts";
import { assertSameBytes } from "../../support/bytes.ts";
import {
  answer,
  hashed,
  type LinkOptions,
  mixedFile,
  totals,
  VirtualLink,
} from "../../support/virtual_link.ts";

const CHUNK_BYTES = 64 * KIB;
const SIZE_BYTES = 6 * MIB - 1_000;
/** Of 16 letters at random: it packs to about half. */
const TEXT = letters(SIZE_BYTES);
const ROOT = hashed(TEXT).root;

function letters(sizeBytes: number): Bytes {
  let state = 1;
  return Uint8Array.from({ length: sizeBytes }, () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7fff_ffff;
    return 0x61 + (state >> 16) % 16;
  });
}

/** A server that packs, over a line of so many bytes a millisecond. */
class PackingServer {
  readonly packs = new Map<string, Bytes>();
  /** What it was asked to send, by root. */
  readonly sentBytes = new Map<string, number>();
  #freeMs = 0;
  readonly #bytesPerMs: number;
  /** What it makes of a range instead of its pack. */
  readonly #make: (range: Bytes) => Bytes | undefined;
  link: VirtualLink | undefined;

  constructor(bytesPerMs: number, make: (range: Bytes) => Bytes | undefined = pack) {
    this.#bytesPerMs = bytesPerMs;
    this.#make = make;
  }

  readonly pack = (want: FrameOf<"pack_want">): Bytes[] => {
    assertEquals([want.root, want.sizeBytes], [ROOT, SIZE_BYTES]);
    return want.ranges.map(({ offset, lengthBytes }) => {
      const made = this.#make(TEXT.subarray(offset, offset + lengthBytes));
      const root = hashHex(made === undefined ? "00".repeat(32) : toHex(rootOfBytes(made)));
      if (made !== undefined) this.packs.set(root, made);
      const { nonce, number } = want;
      const packedBytes = made?.length ?? 0;
      return encodeFrame({ kind: "packed", nonce, number, offset, root, packedBytes });
    });
  };

  /** Sends what its line takes, in its time. */
  readonly serve = (want: FrameOf<"want">, nowMs: number): Bytes[] => {
    const bytes = want.root === ROOT ? TEXT : this.packs.get(want.root);
    const { nonce, number, root } = want;
    if (bytes === undefined) {
      return [encodeFrame({ kind: "gone", nonce, number, root, reason: "unknown" })];
    }
    for (const segment of answer(want, bytes)) {
      this.#freeMs = Math.max(nowMs, this.#freeMs) + segment.length / this.#bytesPerMs;
      this.link!.deliver(segment, this.#freeMs + 1);
    }
    const sent = want.ranges.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    this.sentBytes.set(root, (this.sentBytes.get(root) ?? 0) + sent);
    return [];
  };

  get plainBytes(): number {
    return this.sentBytes.get(ROOT) ?? 0;
  }
}

function fetched(server: PackingServer, more: Partial<LinkOptions> = {}): VirtualLink {
  const { serve, pack } = server;
  const link = new VirtualLink({ file: TEXT, oneWayMs: 1, serve, pack, ...more });
  server.link = link;
  link.lease();
  link.run(60_000, () => link.chunks.size === Math.ceil(SIZE_BYTES / CHUNK_BYTES));
  return link;
}

function assertWhole({ chunks }: VirtualLink): void {
  const whole = new Uint8Array(SIZE_BYTES);
  for (const [chunk, bytes] of chunks) whole.set(bytes, chunk * CHUNK_BYTES);
  assertSameBytes(whole, TEXT);
}

function savedBytes({ reports }: VirtualLink): number {
  return reports.flatMap(({ verified }) => verified)
    .reduce((sum, { savedBytes = 0 }) => sum + savedBytes, 0);
}

Deno.test("over a slow line text comes packed, is what it was, and what was saved is told", () => {
  const server = new PackingServer(1_000);
  const link = fetched(server);
  assertWhole(link);
  assert(server.plainBytes < SIZE_BYTES / 4, `${server.plainBytes}`);
  const wire = [...server.sentBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
  // Each pack's share is told in whole bytes per chunk.
  assert(Math.abs(SIZE_BYTES - wire - savedBytes(link)) < 200);
  assertEquals(totals(link.reports).receivedBytes, SIZE_BYTES);
  assertEquals(totals(link.reports).bad, []);
});

Deno.test("over a fast line nobody is asked for packs", () => {
  const server = new PackingServer(400_000);
  const link = fetched(server);
  assertWhole(link);
  assertEquals([link.packWants.length, server.plainBytes], [0, SIZE_BYTES]);
});

Deno.test("a server that knows no packs is asked a few times, and all comes as it is", () => {
  const server = new PackingServer(1_000);
  const link = fetched(server, { pack: () => [] });
  assertWhole(link);
  assertEquals(server.plainBytes, SIZE_BYTES);
  assert(link.packWants.length > 0);
});

Deno.test("one that never answers is not asked for ever", () => {
  const server = new PackingServer(200);
  const link = fetched(server, { pack: () => [] });
  assertWhole(link);
  const rounds = new Set(link.packWants.map(({ number }) => number));
  // What was asked before the first of them had expired is asked; then it is over.
  const endMs = link.nowMs;
  assert(endMs > 10 * PACK_ANSWER_MS_MAX, `${endMs}`);
  assert(rounds.size >= PACK_VAIN_MAX && rounds.size < 2 * PACK_VAIN_MAX, `${rounds.size}`);
});

Deno.test("what does not pack is asked for less and less", () => {
  const server = new PackingServer(1_000, () => undefined);
  const link = fetched(server);
  assertWhole(link);
  assertEquals(server.plainBytes, SIZE_BYTES);
  const ranges = link.packWants.reduce((sum, { ranges }) => sum + ranges.length, 0);
  assert(ranges < 12, `${ranges}`);
  assertEquals(savedBytes(link), 0);
});

Deno.test("a pack that is gone costs nothing but its question: its chunks come as they are", () => {
  const server = new PackingServer(1_000);
  const { serve } = server;
  let goneCount = 0;
  const link = fetched(server, {
    serve(want, nowMs) {
      // Each pack is evicted before it is fetched, at first.
      if (goneCount < 3 && server.packs.delete(want.root)) goneCount += 1;
      return serve(want, nowMs);
    },
  });
  assertWhole(link);
  assert(goneCount > 0);
  assertEquals(link.gone, [], "the file itself is not gone");
  assert(savedBytes(link) > SIZE_BYTES / 4);
});

Deno.test("loss and corruption on the way of a pack cost time and nothing else", () => {
  for (let seed = 1; seed <= 5; seed++) {
    let state = seed;
    const server = new PackingServer(1_000);
    const { serve } = server;
    const link = fetched(server, {
      serve(want, nowMs) {
        state = (state * 48_271) % 0x7fff_ffff;
        return state % 10 === 0 ? [] : serve(want, nowMs);
      },
    });
    assertWhole(link);
    assert(savedBytes(link) > SIZE_BYTES / 4);
    assertEquals(totals(link.reports).bad, []);
  }
});

const BOMB = pack(new Uint8Array(64 * MIB));
/** Packs that have the root that was named for them, and are no good. */
const LIES: Readonly<Record<string, (range: Bytes) => Bytes>> = {
  "of other bytes": (range) => pack(range.map((byte) => byte ^ 1)),
  "of more bytes than the range has": (range) => {
    const more = new Uint8Array(range.length + 1);
    more.set(range);
    return pack(more);
  },
  "that is a bomb": () => BOMB,
  "of fewer bytes than the range has": (range) => pack(range.subarray(1)),
  "that is no pack": () => mixedFile(1_000),
};

for (const [what, make] of Object.entries(LIES)) {
  Deno.test(`a pack ${what} is one failure of its server, struck, and the last one asked for`, () => {
    const server = new PackingServer(1_000, make);
    const { serve, pack } = server;
    const link = new VirtualLink({ file: TEXT, oneWayMs: 1, serve, pack });
    server.link = link;
    link.lease();
    let leased = 0;
    link.run(60_000, () => {
      // As the coordinator does: what was bad is leased again.
      const { bad } = totals(link.reports);
      if (bad.length > leased) {
        link.lease(bad.slice(leased).map(({ chunk }) => chunk));
        leased = bad.length;
      }
      return link.chunks.size === Math.ceil(SIZE_BYTES / CHUNK_BYTES);
    });
    assertWhole(link);
    const { bad } = totals(link.reports);
    assertEquals(bad.filter(({ isIntegrityFailure }) => isIntegrityFailure).length, 1);
    const struck = new Set(link.strikes.map(({ root }) => root));
    assertEquals(struck.size, 1);
    assert(server.packs.has([...struck][0]!));
    assertEquals(savedBytes(link), 0);
  });
}

Deno.test("a pack whose bytes are not those of its root is asked for again with checksums, then blamed", () => {
  const server = new PackingServer(1_000);
  const { serve } = server;
  const link = fetched(server, {
    serve(want, nowMs) {
      const good = server.packs.get(want.root);
      if (good === undefined) return serve(want, nowMs);
      const rotten = good.slice();
      rotten[rotten.length >> 1]! ^= 1;
      server.packs.set(want.root, rotten);
      const sent = serve(want, nowMs);
      server.packs.set(want.root, good);
      return sent;
    },
  });
  const { bad } = totals(link.reports);
  assert(bad.length > 0);
  assertEquals(bad[0]!.isIntegrityFailure, false, "it may have been the way here");
  assertEquals(bad.filter(({ isIntegrityFailure }) => isIntegrityFailure).length, 1);
});

Deno.test("a chunk that is revoked while its pack is on the way is not brought, the others are", () => {
  const server = new PackingServer(100);
  const { serve, pack } = server;
  const link = new VirtualLink({ file: TEXT, oneWayMs: 1, serve, pack });
  server.link = link;
  link.lease();
  const isUnderWay = (): boolean => link.wants.some(({ root }) => root !== ROOT);
  link.run(60_000, isUnderWay);
  const before = link.chunks.size;
  const left = Array.from({ length: SIZE_BYTES / CHUNK_BYTES + 1 | 0 }, (_, i) => i)
    .filter((chunk) => !link.chunks.has(chunk));
  const revoked = left.filter((chunk) => chunk % 3 === 0);
  link.step({ kind: "revoke", transfer: 1 as never, chunks: revoked });
  link.run(120_000, () => link.chunks.size === before + left.length - revoked.length);
  assertEquals(link.chunks.size, before + left.length - revoked.length);
  for (const chunk of revoked) assert(!link.chunks.has(chunk));
});
