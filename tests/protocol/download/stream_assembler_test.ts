import { assert, assertEquals } from "@std/assert";
import type { Content, SafeFileName, TransferId } from "../../../lib/ids.ts";
import { hashHex, transferId } from "../../../lib/ids.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { StreamingHash } from "../../../lib/protocol/base/sha256.ts";
import {
  chunkBytesFor,
  chunkCountFor,
  chunkLength,
  TreeHasher,
} from "../../../lib/protocol/merkle/merkle.ts";
import { STREAM_WINDOW_BYTES } from "../../../lib/protocol/download/limits.ts";
import {
  StreamAssembler,
  type StreamAssemblerAction,
} from "../../../lib/protocol/download/stream_assembler.ts";
import type { TargetReply } from "../../../lib/protocol/download/target_messages.ts";

const NAME = "film.bin" as SafeFileName;

function contentOf(file: Uint8Array): Content {
  const tree = new TreeHasher(file.length);
  tree.update(file);
  const sha256 = new StreamingHash();
  sha256.update(file);
  const root = tree.finish().root;
  return { sizeBytes: file.length, sha256: hashHex(sha256.digestHex()), root };
}

/** A stream assembler, the transfer that it has, and a reader who takes one piece when told. */
class Bench {
  readonly machine = new StreamAssembler();
  readonly replies: TargetReply[] = [];
  readonly #pieces: Uint8Array[] = [];
  readonly file: Uint8Array;
  readonly content: Content;
  id: TransferId = transferId(1);
  isWriting = false;

  constructor(file: Uint8Array, content = contentOf(file)) {
    this.file = file;
    this.content = content;
  }

  open(id = 1, mayPublish = true, content = this.content): void {
    this.id = transferId(id);
    this.#perform(this.machine.handle({
      ...{ kind: "open", transfer: this.id, outDir: "", name: NAME, content, mtimeMs: 0 },
      ...{ onTaken: "refuse", supersedes: false, mayPublish },
    }));
  }

  publish(): void {
    this.#perform(this.machine.handle({ kind: "publish", transfer: this.id }));
  }

  abort(): void {
    this.#perform(this.machine.handle({ kind: "abort", transfer: this.id, keep: true }));
  }

  bring(...chunks: readonly number[]): void {
    const chunkBytes = chunkBytesFor(this.file.length);
    this.#perform(this.machine.handle({
      kind: "chunks",
      chunks: chunks.map((chunk) => {
        const bytes = chunkLength(this.file.length, chunk);
        const buffer = new Uint8Array(chunkBytes);
        buffer.set(this.file.subarray(chunk * chunkBytes, chunk * chunkBytes + bytes));
        return { transfer: this.id, chunk, bytes, buffer };
      }),
    }));
  }

  /** The reader takes what it was given; whether there was anything. */
  take(): boolean {
    if (!this.isWriting) return false;
    this.isWriting = false;
    this.#perform(this.machine.handle({ kind: "wrote" }));
    return true;
  }

  takeAll(): void {
    while (this.take());
  }

  fail(): void {
    this.isWriting = false;
    const error = new ShoalError("not_writable", "gone").toMessage();
    this.#perform(this.machine.handle({ kind: "failed", error }));
  }

  /** What the reader was given. */
  get out(): Uint8Array {
    const out = new Uint8Array(this.#pieces.reduce((bytes, { length }) => bytes + length, 0));
    let at = 0;
    for (const piece of this.#pieces) {
      out.set(piece, at);
      at += piece.length;
    }
    return out;
  }

  kinds(): string[] {
    return this.replies.map(({ kind }) => kind);
  }

  /** How many chunks may be asked for, as was told last. */
  get endChunk(): number {
    return this.replies.reduce(
      (end, reply) => "endChunk" in reply && reply.endChunk !== undefined ? reply.endChunk : end,
      0,
    );
  }

  #perform(actions: readonly StreamAssemblerAction[]): void {
    for (const action of actions) {
      if (action.kind === "reply") this.replies.push(action.reply);
      else {
        assert(!this.isWriting, "one piece at a time");
        this.isWriting = true;
        this.#pieces.push(action.bytes.slice());
      }
    }
  }
}

function randomFile(sizeBytes: number): Uint8Array {
  return new Random(sizeBytes + 1).bytes(sizeBytes);
}

for (const sizeBytes of [0, 1, 65_536, 65_537, 400_000]) {
  Deno.test(`${sizeBytes} bytes come out in order, whatever the order they come in`, () => {
    for (let seed = 0; seed < 20; seed++) {
      const bench = new Bench(randomFile(sizeBytes));
      const random = new Random(seed);
      bench.open();
      const chunks = Array.from({ length: chunkCountFor(sizeBytes) }, (_, i) => i);
      for (const chunk of random.shuffle([...chunks, ...chunks])) {
        bench.bring(chunk);
        if (random.u32() % 2 === 0) bench.take();
      }
      bench.takeAll();
      assertEquals(bench.out, bench.file, `seed ${seed}`);
      assertEquals(bench.kinds().filter((kind) => kind !== "window"), ["opened", "finished"]);
    }
  });
}

Deno.test("nothing leaves before it is certain which content is meant", () => {
  const bench = new Bench(randomFile(200_000));
  bench.open(1, false);
  bench.bring(0, 1, 2, 3);
  assertEquals(bench.out.length, 0);
  bench.publish();
  bench.takeAll();
  assertEquals(bench.out, bench.file);
});

Deno.test("what comes early waits in a window that moves with the reader, and nothing beyond it", () => {
  const chunkBytes = chunkBytesFor(5 * STREAM_WINDOW_BYTES);
  const bench = new Bench(
    new Uint8Array(5 * STREAM_WINDOW_BYTES),
    { ...contentOf(new Uint8Array(1)), sizeBytes: 5 * STREAM_WINDOW_BYTES },
  );
  bench.open();
  const windowChunks = STREAM_WINDOW_BYTES / chunkBytes;
  assertEquals(bench.endChunk, windowChunks);
  for (let chunk = bench.endChunk - 1; chunk > 0; chunk--) bench.bring(chunk);
  bench.bring(bench.endChunk);
  assertEquals(bench.replies.at(-1), {
    kind: "unproved",
    transfer: bench.id,
    chunks: [windowChunks],
  });
  assert(bench.machine.earlyBytes <= STREAM_WINDOW_BYTES);
  assertEquals(bench.isWriting, false);
  bench.bring(0);
  for (let taken = 1; taken <= 3; taken++) {
    assert(bench.take());
    assertEquals(bench.endChunk, windowChunks + taken);
  }
});

Deno.test("a wrong whole fails as unverified, its last chunk kept back, and is not tried again", () => {
  const file = randomFile(200_000);
  const bench = new Bench(file, { ...contentOf(file), sha256: hashHex("0".repeat(64)) });
  bench.open();
  bench.bring(3, 2, 1, 0);
  bench.takeAll();
  const last = bench.replies.at(-1)!;
  assert(last.kind === "transferFailed");
  assertEquals(last.error.code, "unverified");
  assertEquals(bench.out.length, 3 * chunkBytesFor(file.length));
  bench.open(2);
  assertEquals(bench.replies.at(-1)!.kind, "transferFailed");
});

Deno.test("a transfer that begins again goes on behind what has left, a chunk on its way included", () => {
  const bench = new Bench(randomFile(400_000));
  bench.open();
  bench.bring(0, 1, 2);
  bench.take();
  bench.abort();
  bench.open(2);
  const opened = bench.replies.at(-1)!;
  assert(opened.kind === "opened");
  assertEquals([opened.have[0], opened.haveBytes], [0b11, 2 * chunkBytesFor(400_000)]);
  bench.take();
  bench.bring(6, 5, 4, 3, 2);
  bench.takeAll();
  assertEquals(bench.out, bench.file);
  assertEquals(bench.kinds().at(-1), "finished");
});

Deno.test("another content is refused once something has left, and taken before", () => {
  const bench = new Bench(randomFile(200_000));
  const other = contentOf(randomFile(300_000));
  bench.open(1, false, other);
  bench.abort();
  bench.open(2);
  bench.bring(0);
  bench.abort();
  bench.open(3, true, other);
  const last = bench.replies.at(-1)!;
  assert(last.kind === "transferFailed");
  assertEquals(last.error.code, "changed");
});

Deno.test("a reader that goes ends the transfer, and every one after it", () => {
  const bench = new Bench(randomFile(200_000));
  bench.open();
  bench.bring(0, 1);
  bench.fail();
  assertEquals(bench.kinds(), ["opened", "transferFailed"]);
  bench.bring(2, 3);
  bench.open(2);
  assertEquals(bench.kinds(), ["opened", "transferFailed", "transferFailed"]);
});
