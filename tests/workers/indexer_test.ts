import { assert, assertEquals, assertGreater } from "@std/assert";
import { createHash } from "node:crypto";
import { join } from "@std/path/join";
import { identityAt } from "../../lib/io/files/regular_file.ts";
import { startWorker } from "../../lib/io/system/deno_workers.ts";
import type { WorkerPort } from "../../lib/io/system/worker_port.ts";
import { MIB } from "../../lib/limits.ts";
import { HASH_READ_BYTES } from "../../lib/io/workers/limits.ts";
import type { IndexerReply, IndexerRequest } from "../../lib/messages/indexer_worker.ts";
import { layerTreeOf } from "../../lib/protocol/merkle/layer_tree.ts";
import { TreeHasher } from "../../lib/protocol/merkle/merkle.ts";
import { withFolder } from "../support/folder.ts";
import { canTouchFiles } from "../support/permissions.ts";

const ignore = !await canTouchFiles();

/** The real worker, and its replies one by one. */
class Bench implements AsyncDisposable {
  readonly #port: WorkerPort<IndexerReply, IndexerRequest> = startWorker("indexer.ts");
  readonly #replies: IndexerReply[] = [];
  #arrived = Promise.withResolvers<void>();

  constructor() {
    this.#port.onMessage((reply) => {
      this.#replies.push(reply);
      this.#arrived.resolve();
    });
    this.#port.onError((error) => this.#arrived.reject(error));
    this.#port.post({ kind: "init" });
  }

  post(request: IndexerRequest): void {
    this.#port.post(request);
  }

  hash(job: number, dir: string, name: string, isUrgent = false): void {
    const identity = identityAt(join(dir, name));
    assert(identity !== undefined);
    this.post({
      kind: "hash",
      job,
      place: { kind: "file", dir, name },
      signature: identity.signature,
      isUrgent,
    });
  }

  async next(): Promise<IndexerReply> {
    for (;;) {
      const reply = this.#replies.shift();
      if (reply !== undefined) return reply;
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
  }

  /** The next reply of that kind; others before it are passed over. */
  async nextOf<K extends IndexerReply["kind"]>(
    kind: K,
  ): Promise<Extract<IndexerReply, { kind: K }>> {
    for (;;) {
      const reply = await this.next();
      if (reply.kind === kind) return reply as Extract<IndexerReply, { kind: K }>;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.post({ kind: "stop" });
    await this.nextOf("stopped");
    this.#port.close();
  }
}

function pattern(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => i % 251);
}

// Empty; one block; one read exactly and a byte more; several chunks.
for (const sizeBytes of [0, 1, 16_385, HASH_READ_BYTES, HASH_READ_BYTES + 1, 3 * MIB + 5]) {
  Deno.test(
    { name: `an indexer hashes ${sizeBytes} bytes as one pass over them would`, ignore },
    () =>
      withFolder({ "file": pattern(sizeBytes) }, async (dir) => {
        await using bench = new Bench();
        assertEquals(await bench.next(), { kind: "ready" });
        bench.hash(7, dir, "file");
        const hashed = await bench.nextOf("hashed");
        const tree = new TreeHasher(sizeBytes);
        tree.update(pattern(sizeBytes));
        const { root, layer } = tree.finish();
        assertEquals(hashed.job, 7);
        assertEquals(hashed.root, root);
        assertEquals(hashed.tree, layerTreeOf(layer, sizeBytes));
        assertEquals(
          String(hashed.sha256),
          createHash("sha256").update(pattern(sizeBytes)).digest("hex"),
        );
      }),
  );
}

Deno.test({
  name: "an indexer says when a file is not what was found, and when it cannot be read",
  ignore,
}, () =>
  withFolder({ "file": "four", "folder/in": "" }, async (dir) => {
    await using bench = new Bench();
    const signature = identityAt(join(dir, "file"))!.signature;
    const other = { ...signature, sizeBytes: 5 };
    bench.post({
      kind: "hash",
      job: 1,
      place: { kind: "file", dir, name: "file" },
      signature: other,
      isUrgent: false,
    });
    assertEquals(await bench.nextOf("changed"), { kind: "changed", job: 1 });
    bench.post({
      kind: "hash",
      job: 2,
      place: { kind: "file", dir, name: "gone" },
      signature,
      isUrgent: false,
    });
    assertEquals(await bench.nextOf("changed"), { kind: "changed", job: 2 });
    bench.post({
      kind: "hash",
      job: 3,
      place: { kind: "file", dir, name: "folder" },
      signature,
      isUrgent: false,
    });
    assertEquals(await bench.nextOf("changed"), { kind: "changed", job: 3 });
  }));

/** Long enough to hash that a message reaches the worker in the middle; without blocks on the disk. */
async function sparseFile(dir: string, name: string): Promise<string> {
  const path = join(dir, name);
  await Deno.writeFile(path, new Uint8Array());
  await Deno.truncate(path, 16 * 1024 * MIB);
  return path;
}

Deno.test({
  name: "a job that is cancelled in the middle ends there, and progress came before",
  ignore,
}, () =>
  withFolder({}, async (dir) => {
    await sparseFile(dir, "long");
    await using bench = new Bench();
    bench.hash(1, dir, "long");
    const progress = await bench.nextOf("progress");
    assertGreater(progress.hashedBytes, 0);
    bench.post({ kind: "cancel", job: 1 });
    assertEquals(await bench.nextOf("cancelled"), { kind: "cancelled", job: 1 });
  }));

Deno.test({
  name: "an urgent file goes first, and what was begun goes on after it",
  ignore,
}, () =>
  withFolder({ "short": "x", "later": "y" }, async (dir) => {
    await sparseFile(dir, "long");
    await using bench = new Bench();
    bench.hash(1, dir, "long");
    const before = await bench.nextOf("progress");
    bench.hash(2, dir, "later");
    bench.hash(3, dir, "short", true);
    assertEquals((await bench.nextOf("hashed")).job, 3);
    const after = await bench.nextOf("progress");
    assertEquals(after.job, 1);
    assertGreater(after.hashedBytes, before.hashedBytes);
  }));

Deno.test(
  { name: "a file that is cut while it is hashed has changed", ignore },
  () =>
    withFolder({}, async (dir) => {
      const path = await sparseFile(dir, "long");
      await using bench = new Bench();
      bench.hash(1, dir, "long");
      await bench.nextOf("progress");
      await Deno.truncate(path, 1);
      assertEquals(await bench.nextOf("changed"), { kind: "changed", job: 1 });
    }),
);
