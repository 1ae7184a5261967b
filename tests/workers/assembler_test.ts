import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import {
  type Bytes,
  type Content,
  hashHex,
  type SafeFileName,
  toHex,
  transferId,
} from "../../lib/ids.ts";
import { startWorker, type WorkerPort } from "../../lib/io/worker_port.ts";
import type { AssemblerReply, AssemblerRequest } from "../../lib/messages/assembler.ts";
import type { ChunkMessage, RecycleMessage } from "../../lib/messages/chunk_feed.ts";
import { sha256 } from "../../lib/protocol/sha256.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { hashed, mixedFile } from "../support/virtual_link.ts";

const CHUNK = 65536;
const ID = transferId(1);
const granted = (await Promise.all(
  (["read", "write", "env"] as const).map((name) => Deno.permissions.query({ name })),
)).every((status) => status.state === "granted");

function contentOf(file: Bytes): Content {
  const { root } = hashed(file);
  return { sizeBytes: file.length, sha256: hashHex(toHex(sha256(file))), root };
}

/** The real worker with one feed, and its replies as they come. */
class Bench implements AsyncDisposable {
  readonly dir: string;
  readonly replies: AssemblerReply[] = [];
  recycled = 0;
  readonly #port: WorkerPort<AssemblerReply, AssemblerRequest>;
  readonly #feed: MessagePort;
  #changed = Promise.withResolvers<void>();

  constructor(dir: string) {
    this.dir = dir;
    this.#port = startWorker<AssemblerReply, AssemblerRequest>("assembler.ts");
    this.#port.onMessage((reply) => {
      this.replies.push(reply);
      this.#notify();
    });
    this.#port.post({ kind: "init" });
    const { port1, port2 } = new MessageChannel();
    this.#port.post({ kind: "feed", port: port1 }, [port1]);
    this.#feed = port2;
    this.#feed.onmessage = (event: MessageEvent<RecycleMessage>) => {
      assert(event.data.buffer.length > 0);
      this.recycled += 1;
      this.#notify();
    };
  }

  post(request: AssemblerRequest): void {
    this.#port.post(request);
  }

  open(file: Bytes, name = "film.bin", force = false): void {
    this.post({
      kind: "open",
      transfer: ID,
      outDir: this.dir,
      name: name as SafeFileName,
      content: contentOf(file),
      mtimeMs: 1_600_000_000_000,
      force,
    });
  }

  chunk(file: Bytes, chunk: number): void {
    const buffer = new Uint8Array(CHUNK);
    const part = file.subarray(chunk * CHUNK, (chunk + 1) * CHUNK);
    buffer.set(part);
    const message: ChunkMessage = {
      kind: "chunk",
      transfer: ID,
      chunk,
      bytes: part.length,
      buffer,
    };
    this.#feed.postMessage(message, [buffer.buffer]);
  }

  async reply<K extends AssemblerReply["kind"]>(
    kind: K,
  ): Promise<Extract<AssemblerReply, { kind: K }>> {
    for (;;) {
      const i = this.replies.findIndex((reply) => reply.kind === kind);
      if (i >= 0) return this.replies.splice(i, 1)[0] as Extract<AssemblerReply, { kind: K }>;
      const failed = this.replies.find((reply) =>
        reply.kind === "failed" || reply.kind === "transferFailed"
      );
      if (failed !== undefined) throw new Error(JSON.stringify(failed));
      await this.#changed.promise;
    }
  }

  async hasRecycled(count: number): Promise<void> {
    while (this.recycled < count) await this.#changed.promise;
  }

  /** As a crash would: nothing is flushed, nobody says goodbye. */
  crash(): void {
    this.#feed.close();
    this.#port.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.post({ kind: "stop" });
    await this.reply("stopped");
    this.crash();
  }

  #notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

function withFolder(name: string, fn: (dir: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !granted,
    async fn() {
      const dir = await Deno.makeTempDir({ prefix: "shoal-test-" });
      try {
        await fn(dir);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

function namesIn(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map((entry) => entry.name).sort();
}

withFolder(
  "chunks in any order, some twice, become the file; every buffer comes back",
  async (dir) => {
    const file = mixedFile(9 * CHUNK + 5);
    await using bench = new Bench(dir);
    bench.open(file);
    const opened = await bench.reply("opened");
    assertEquals(opened.haveBytes, 0);
    bench.post({ kind: "layer", transfer: ID, layer: hashed(file).layer });
    const order = [3, 0, 1, 1, 9, 2, 8, 4, 3, 7, 6, 5];
    for (const chunk of order) bench.chunk(file, chunk);
    const { path } = await bench.reply("finished");
    assertEquals(path, join(dir, "film.bin"));
    assertSameBytes(await Deno.readFile(path), file);
    await bench.hasRecycled(order.length);
    assertEquals(namesIn(dir), ["film.bin"]);
    assertEquals((await Deno.stat(path)).mtime?.getTime(), 1_600_000_000_000);
  },
);

withFolder("an empty file and one of a single chunk leave nothing beside them", async (dir) => {
  await using bench = new Bench(dir);
  bench.open(new Uint8Array(0), "empty");
  await bench.reply("opened");
  await bench.reply("finished");
  const file = mixedFile(10);
  bench.open(file, "sub/folder/small");
  await bench.reply("opened");
  bench.chunk(file, 0);
  await bench.reply("finished");
  assertEquals(namesIn(dir), ["empty", "sub"]);
  assertSameBytes(await Deno.readFile(join(dir, "sub/folder/small")), file);
});

withFolder(
  "what an aborted run marked is taken up, proved, and fetched anew where it is bad",
  async (dir) => {
    const file = mixedFile(6 * CHUNK);
    {
      await using bench = new Bench(dir);
      bench.open(file);
      await bench.reply("opened");
      bench.post({ kind: "layer", transfer: ID, layer: hashed(file).layer });
      for (const chunk of [0, 1, 4]) bench.chunk(file, chunk);
      await bench.hasRecycled(3);
      bench.post({ kind: "abort", transfer: ID, keep: true });
      await bench.reply("aborted");
    }
    const part = namesIn(dir).find((name) => name.endsWith(".part"))!;
    using handle = await Deno.open(join(dir, part), { write: true });
    await handle.seek(CHUNK + 7, Deno.SeekMode.Start);
    await handle.write(new Uint8Array(20));
    await using bench = new Bench(dir);
    bench.open(file);
    const opened = await bench.reply("opened");
    assertEquals(opened.have[0], 0b010011);
    assertEquals(opened.layer, hashed(file).layer);
    bench.post({ kind: "layer", transfer: ID, layer: opened.layer! });
    assertEquals((await bench.reply("unproved")).chunks, [1]);
    for (const chunk of [5, 3, 2, 1]) bench.chunk(file, chunk);
    const { path } = await bench.reply("finished");
    assertSameBytes(await Deno.readFile(path), file);
    assertEquals(namesIn(dir), ["film.bin"]);
  },
);

withFolder(
  "a part file of another content, or with a damaged journal, is begun again",
  async (dir) => {
    const file = mixedFile(3 * CHUNK);
    const tag = contentOf(file).root.slice(0, 8);
    await Deno.writeFile(join(dir, `film.bin.${tag}.part`), new Uint8Array(5 * CHUNK).fill(7));
    await Deno.writeFile(join(dir, `film.bin.${tag}.part.journal`), new Uint8Array(300).fill(1));
    await using bench = new Bench(dir);
    bench.open(file);
    assertEquals((await bench.reply("opened")).haveBytes, 0);
    bench.post({ kind: "layer", transfer: ID, layer: hashed(file).layer });
    for (const chunk of [0, 1, 2]) bench.chunk(file, chunk);
    const { path } = await bench.reply("finished");
    assertSameBytes(await Deno.readFile(path), file);
  },
);

withFolder("chunks that do not add up to the offered SHA-256 leave nothing behind", async (dir) => {
  const file = mixedFile(2 * CHUNK);
  const other = file.slice();
  other[5]! ^= 1;
  await using bench = new Bench(dir);
  bench.open(file);
  await bench.reply("opened");
  bench.post({ kind: "layer", transfer: ID, layer: hashed(file).layer });
  for (const chunk of [0, 1]) bench.chunk(other, chunk);
  await bench.reply("unverified");
  assertEquals(namesIn(dir), []);
});

withFolder(
  "an identical file is present; a different one stays, and the new one gets a number",
  async (dir) => {
    const file = mixedFile(1_000);
    await Deno.writeFile(join(dir, "a.txt"), file);
    await Deno.writeTextFile(join(dir, "b.txt"), "mine");
    await using bench = new Bench(dir);
    bench.open(file, "a.txt");
    assertEquals((await bench.reply("present")).path, join(dir, "a.txt"));
    bench.open(file, "b.txt");
    await bench.reply("opened");
    bench.chunk(file, 0);
    assertEquals((await bench.reply("finished")).path, join(dir, "b (2).txt"));
    assertEquals(await Deno.readTextFile(join(dir, "b.txt")), "mine");
  },
);

withFolder("a part that somebody else writes is left to them", async (dir) => {
  const file = mixedFile(2 * CHUNK);
  await using first = new Bench(dir);
  first.open(file);
  await first.reply("opened");
  await using second = new Bench(dir);
  second.open(file);
  while (second.replies.every((reply) => reply.kind !== "transferFailed")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const failed = second.replies.find((reply) => reply.kind === "transferFailed");
  assert(failed?.kind === "transferFailed" && failed.error.code === "busy_target");
  second.replies.length = 0;
});

for (
  const [what, prepare, code] of [
    [
      "an --out that is a file",
      (dir: string) => Deno.writeTextFileSync(join(dir, "o"), ""),
      "not_writable",
    ],
    [
      "a target that is a folder",
      (dir: string) => Deno.mkdirSync(join(dir, "o/film.bin"), { recursive: true }),
      "not_writable",
    ],
    ["a folder that is a link out of --out", (dir: string) => {
      Deno.mkdirSync(join(dir, "o"));
      Deno.symlinkSync("/tmp", join(dir, "o/sub"));
    }, "not_writable"],
    ["a part name that is a link", (dir: string) => {
      Deno.mkdirSync(join(dir, "o"));
      const tag = contentOf(mixedFile(2 * CHUNK)).root.slice(0, 8);
      Deno.symlinkSync(join(dir, "elsewhere"), join(dir, `o/film.bin.${tag}.part`));
    }, "not_writable"],
  ] as const
) {
  withFolder(`${what} is refused with ${code}`, async (dir) => {
    prepare(dir);
    await using bench = new Bench(join(dir, "o"));
    bench.open(mixedFile(2 * CHUNK), what.includes("link out") ? "sub/film.bin" : "film.bin");
    const error = await bench.reply("opened").catch((thrown: Error) => thrown.message);
    assert(typeof error === "string" && error.includes(code), String(error));
    bench.replies.length = 0;
  });
}

withFolder("a target of 255 bytes works, part and journal included", async (dir) => {
  const file = mixedFile(2 * CHUNK);
  const name = "é".repeat(125) + ".text";
  await using bench = new Bench(dir);
  bench.open(file, name);
  await bench.reply("opened");
  bench.post({ kind: "layer", transfer: ID, layer: hashed(file).layer });
  for (const chunk of [1, 0]) bench.chunk(file, chunk);
  const { path } = await bench.reply("finished");
  assertEquals(path, join(dir, name));
});
