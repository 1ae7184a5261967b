import { assert, assertEquals } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import { hashHex, type SafeFileName } from "../../../lib/ids.ts";
import { MIB } from "../../../lib/limits.ts";
import type { ContentRef, ServedFile } from "../../../lib/protocol/base/served_file.ts";
import {
  PACK_CACHE_BYTES_MAX,
  PACK_SERVING_BYTES_PER_S_MAX,
  PACK_STRUCK_MEMORY_MS,
  PACKS_AT_ONCE,
  PACKS_PER_PARTY_MAX,
} from "../../../lib/protocol/serve/limits.ts";
import {
  type Pack,
  Packs,
  type PacksAction,
  type PacksEvent,
} from "../../../lib/protocol/serve/packs.ts";
import { type ByteRange, decodeFrame, type FrameOf } from "../../../lib/wire/frames.ts";

const A: Endpoint = { address: "192.168.7.20", port: 40_000 };
const B: Endpoint = { address: "192.168.7.21", port: 40_000 };
const CONTENT: ContentRef = { root: hashHex("c0".repeat(32)), sizeBytes: 100 * MIB };
const FILE: ServedFile = {
  name: "a.txt" as SafeFileName,
  place: { kind: "file", dir: "/", name: "a.txt" },
  sizeBytes: CONTENT.sizeBytes,
  mtimeMs: 1,
  ctimeMs: 1,
  inode: 1,
};

class Scene {
  nowMs = 0;
  isHere = true;
  readonly packs = new Packs(() => this.isHere ? FILE : undefined);
  readonly jobs: Extract<PacksAction, { kind: "pack" }>[] = [];
  readonly foreseen: ContentRef[] = [];
  readonly dropped: ContentRef[] = [];
  readonly answers: { to: Endpoint; frame: FrameOf<"packed"> }[] = [];
  #number = 0;

  do(event: PacksEvent): void {
    for (const action of this.packs.handle(this.nowMs, event)) {
      if (action.kind === "pack") this.jobs.push(action);
      else if (action.kind === "drop") this.dropped.push(action);
      else if (action.kind === "foresee") this.foreseen.push(action.content);
      else {
        const frame = decodeFrame(action.datagram);
        assert(frame.kind === "packed");
        this.answers.push({ to: action.to, frame });
      }
    }
  }

  ask(to: Endpoint, ...ranges: ByteRange[]): number {
    const number = ++this.#number;
    const head = { kind: "pack_want", nonce: 5n, token: new Uint8Array(16), number } as const;
    this.do({ kind: "ask", to, want: { ...head, ...CONTENT, ranges } });
    return number;
  }

  packed(job: number, pack?: Pack): void {
    this.do({ kind: "packed", job, ...(pack && { pack }) });
  }
}

function span(index: number): ByteRange {
  return { offset: index * MIB, lengthBytes: MIB };
}

function packOf(index: number, bytes = 1_000): Pack {
  const root = hashHex(index.toString(16).padStart(64, "0"));
  return { root, bytes: new Uint8Array(new SharedArrayBuffer(bytes)) };
}

Deno.test("a range is packed once for all who ask, and each is told when it is", () => {
  const scene = new Scene();
  const [first, second] = [scene.ask(A, span(3)), scene.ask(B, span(3))];
  assertEquals(scene.jobs.length, 1);
  assertEquals(scene.answers, []);
  scene.packed(scene.jobs[0]!.job, packOf(3));
  const told = { kind: "packed", nonce: 5n, offset: 3 * MIB, root: packOf(3).root } as const;
  assertEquals(scene.answers, [
    { to: A, frame: { ...told, number: first, packedBytes: 1_000 } },
    { to: B, frame: { ...told, number: second, packedBytes: 1_000 } },
  ]);
  // Whoever comes later is told at once.
  scene.ask(A, span(3));
  assertEquals(scene.jobs.length, 1);
  assertEquals(scene.answers.length, 3);
});

Deno.test("a pack is found by its root and size, and by nothing else", () => {
  const scene = new Scene();
  scene.ask(A, span(0));
  const { root, bytes } = packOf(7);
  scene.packed(scene.jobs[0]!.job, { root, bytes });
  const found = scene.packs.located({ root, sizeBytes: bytes.length });
  assertEquals(found?.place, { kind: "memory", bytes });
  assertEquals(scene.packs.located({ root, sizeBytes: bytes.length + 1 }), undefined);
  assertEquals(scene.packs.located(CONTENT), undefined);
  assertEquals(scene.foreseen.map((each) => each.root), [root]);
});

Deno.test("what does not pack is answered so, and then not tried for a while", () => {
  const scene = new Scene();
  scene.ask(A, span(0));
  scene.packed(scene.jobs[0]!.job);
  assertEquals(scene.answers.map(({ frame }) => frame.packedBytes), [0]);
  scene.ask(A, span(0), span(1), span(2));
  // One is known, one passed over, one tried.
  assertEquals(scene.answers.length, 3);
  assertEquals(scene.jobs.map(({ range }) => range.offset), [0, 2 * MIB]);
});

Deno.test("where packing came to nothing, that is answered, and tried again when somebody asks", () => {
  const scene = new Scene();
  scene.ask(A, span(0));
  scene.ask(B, span(0));
  scene.do({ kind: "lost", job: scene.jobs[0]!.job });
  assertEquals(scene.answers.map(({ to, frame }) => [to, frame.packedBytes]), [[A, 0], [B, 0]]);
  scene.ask(A, span(0));
  assertEquals(scene.jobs.map(({ range }) => range.offset), [0, 0]);
  scene.packed(scene.jobs[1]!.job, packOf(0));
  assertEquals(scene.answers.at(-1)?.frame.packedBytes, 1_000);
});

Deno.test("what is no range of the content is not answered at all", () => {
  const scene = new Scene();
  const { sizeBytes } = CONTENT;
  scene.ask(
    A,
    { offset: 0, lengthBytes: MIB + 1 },
    { offset: 0, lengthBytes: 0 },
    { offset: sizeBytes - 1, lengthBytes: 2 },
  );
  assertEquals([scene.jobs, scene.answers], [[], []]);
});

Deno.test("one client's questions neither fill the queue nor put off another's", () => {
  const scene = new Scene();
  for (let i = 0; i < 100; i++) scene.ask(A, span(i));
  assertEquals(scene.jobs.length, PACKS_AT_ONCE);
  const refused = scene.answers.filter(({ frame }) => frame.packedBytes === 0).length;
  assertEquals(refused, 100 - PACKS_AT_ONCE - PACKS_PER_PARTY_MAX);
  scene.ask(B, span(99));
  scene.packed(scene.jobs[0]!.job, packOf(0));
  assertEquals(scene.jobs.at(-1)!.range.offset, 99 * MIB);
});

Deno.test("what was asked for longest ago makes room, and the sender is told", () => {
  const scene = new Scene();
  const each = PACK_CACHE_BYTES_MAX / 4;
  for (let i = 0; i < 4; i++) {
    scene.ask(A, span(i));
    scene.packed(scene.jobs.at(-1)!.job, packOf(i, each));
  }
  scene.ask(A, span(0));
  scene.ask(A, span(4));
  scene.packed(scene.jobs.at(-1)!.job, packOf(4, each));
  assertEquals(scene.dropped.map(({ root }) => root), [packOf(1).root]);
  assertEquals(scene.packs.located({ root: packOf(1).root, sizeBytes: each }), undefined);
  assert(scene.packs.located({ root: packOf(0).root, sizeBytes: each }) !== undefined);
});

Deno.test("packs of a content that is lost go with it, those under way included", () => {
  const scene = new Scene();
  scene.ask(A, span(0));
  scene.packed(scene.jobs[0]!.job, packOf(0));
  scene.ask(A, span(1));
  scene.do({ kind: "forget", ...CONTENT });
  assertEquals(scene.dropped.length, 1);
  scene.packed(scene.jobs[1]!.job, packOf(1));
  assertEquals(scene.answers.at(-1)!.frame.packedBytes, 0);
  assertEquals(scene.packs.located({ root: packOf(1).root, sizeBytes: 1_000 }), undefined);
  scene.isHere = false;
  scene.ask(A, span(2));
  assertEquals(scene.jobs.length, 2);
});

Deno.test("a pack that a client found bad is made anew", () => {
  const scene = new Scene();
  scene.ask(A, span(0));
  scene.packed(scene.jobs[0]!.job, packOf(0));
  scene.do({ kind: "struck", root: packOf(0).root, sizeBytes: 1_000 });
  assertEquals(scene.dropped.length, 1);
  scene.ask(A, span(0));
  assertEquals(scene.jobs.length, 2);
  // It is the same again: what the file says, whatever is said of it.
  scene.packed(scene.jobs[1]!.job, packOf(0));
  scene.do({ kind: "struck", root: packOf(0).root, sizeBytes: 1_000 });
  assertEquals(scene.dropped.length, 1);
  scene.nowMs += PACK_STRUCK_MEMORY_MS + 1;
  scene.do({ kind: "struck", root: packOf(0).root, sizeBytes: 1_000 });
  assertEquals(scene.dropped.length, 2);
});

Deno.test("what could not be read says nothing of how it packs", () => {
  const scene = new Scene();
  scene.ask(A, span(0));
  scene.do({ kind: "lost", job: scene.jobs[0]!.job });
  scene.ask(A, span(0));
  assertEquals(scene.jobs.length, 2);
});

Deno.test("equal ranges share a pack, which stays while one of them is kept", () => {
  const scene = new Scene();
  scene.ask(A, span(0), span(1));
  for (const { job } of [...scene.jobs]) scene.packed(job, packOf(9));
  const ref = { root: packOf(9).root, sizeBytes: 1_000 };
  assert(scene.packs.located(ref) !== undefined);
  scene.do({ kind: "struck", ...ref });
  assertEquals(scene.packs.located(ref), undefined);
  assertEquals(scene.dropped.length, 1);
  // None of them is answered with it any more.
  scene.ask(A, span(0), span(1));
  assertEquals(scene.jobs.length, 4);
  for (const { job } of scene.jobs.slice(2)) scene.packed(job, packOf(9));
  // The one that was asked for longest ago makes room, and leaves the pack to the other.
  const large = PACK_CACHE_BYTES_MAX - 1_500;
  for (const kept of [0, 1]) {
    scene.ask(A, span(kept));
    scene.ask(A, span(2 + kept));
    scene.packed(scene.jobs.at(-1)!.job, packOf(2 + kept, large));
    assert(scene.packs.located(ref) !== undefined);
    assertEquals(scene.packs.rangeOf(ref)?.offset, kept * MIB);
    if (kept === 0) {
      scene.ask(A, span(1));
      scene.packed(scene.jobs.at(-1)!.job, packOf(9));
    }
  }
});

Deno.test("a server that sends fast packs nothing, until it has sent slower for a while", () => {
  const scene = new Scene();
  scene.do({ kind: "sent", bytes: PACK_SERVING_BYTES_PER_S_MAX + 1 });
  scene.ask(A, span(0));
  assertEquals(scene.jobs, []);
  assertEquals(scene.answers.length, 1);
  scene.nowMs = 2_000;
  scene.ask(A, span(0));
  assertEquals(scene.jobs.length, 1);
});
