/** Which workers there are, and what each is told: the coordinator's orders reach the worker of their source. */
import { assertEquals } from "@std/assert";
import { WorkerPool } from "../../../lib/app/client/worker_pool.ts";
import { hashHex, type ServerId, serverId, sourceId, transferId } from "../../../lib/ids.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import type { WorkerPort } from "../../../lib/io/system/worker_port.ts";
import { chunkBytesFor } from "../../../lib/protocol/merkle/merkle.ts";

const CHUNKS = 16;
const CONTENT = {
  sizeBytes: CHUNKS * chunkBytesFor(1),
  sha256: hashHex("aa".repeat(32)),
  root: hashHex("bb".repeat(32)),
};

interface Message {
  readonly kind: string;
  readonly source?: string;
}

/** A worker that takes down what it is told, and stops when it is told to. */
class FakeWorker {
  readonly told: Message[] = [];
  readonly file: string;
  reply: (message: Message) => void = () => {};

  constructor(file: string) {
    this.file = file;
  }

  port<In, Out>(): WorkerPort<In, Out> {
    return {
      post: (message) => {
        const said = message as Message;
        this.told.push(said);
        if (said.kind === "stop") this.reply({ kind: "stopped", times: { waitMs: 0 } } as Message);
      },
      onMessage: (handler) => {
        this.reply = (message) => handler(message as In);
      },
      onError: () => {},
      close: () => {},
    };
  }

  /** For which sources it was put to work, in order. */
  get assigned(): string[] {
    return this.told.flatMap(({ kind, source }) => kind === "assign" ? [source!] : []);
  }
}

class Scene {
  readonly workers: FakeWorker[] = [];
  readonly bytes: [ServerId, number][] = [];
  readonly pool: WorkerPool;

  constructor() {
    const real = denoRuntime();
    const start = <In, Out>(file: string): WorkerPort<In, Out> => {
      const worker = new FakeWorker(file);
      this.workers.push(worker);
      return worker.port();
    };
    const end = { onmessage: null, postMessage: () => {}, close: () => {} };
    this.pool = new WorkerPool({
      runtime: { ...real, workers: { start, channel: () => [end, end], coreCount: () => 2 } },
      kinds: {
        one: { worker: "one.ts", config: 1 },
        other: { worker: "other.ts", config: 2 },
      },
      firstKind: "one",
      timeoutMs: 10_000,
      rateBytesPerS: 0,
      files: { sparse: true, portableNames: false },
      onAssembler: () => {},
      onNews: () => {},
      onReport: (server, { receivedBytes }) => this.bytes.push([server, receivedBytes]),
      onRefused: () => {},
      onFailure: () => {},
      onDetail: () => {},
    });
  }

  begin(id: number): void {
    this.pool.step({
      kind: "transfer",
      transfer: transferId(id),
      content: CONTENT,
      layer: new Uint8Array(32 * CHUNKS),
      isVerified: () => false,
    });
  }

  provide(host: number, kind: "one" | "other", transfer: number) {
    const server = serverId(host.toString(16).padStart(32, "0"));
    const source = sourceId(server, kind);
    const routes = [{ kind, endpoint: { address: "10.0.0.1", port: host }, rttMs: 0 }];
    const id = transferId(transfer);
    this.pool.step({ kind: "provider", source, server, party: server, routes, transfer: id });
    return source;
  }

  of(file: string): FakeWorker[] {
    return this.workers.filter((worker) => worker.file === file);
  }
}

Deno.test("no worker is started before one is needed, or told to be", async () => {
  const idle = new Scene();
  await idle.pool.close();
  assertEquals(idle.workers, []);
  const warm = new Scene();
  warm.pool.warmUp(1);
  assertEquals(warm.workers.map(({ file }) => file), ["assembler.ts", "one.ts"]);
  await warm.pool.close();
});

Deno.test("the worker of a source that was released works for the next one of its kind", async () => {
  const scene = new Scene();
  scene.begin(1);
  // Eight have all places; each that comes later has the place of one with nothing to give.
  const first = Array.from({ length: 8 }, (_, i) => scene.provide(i, "one", 1));
  assertEquals(scene.of("one.ts").length, 8);
  scene.pool.step({ kind: "forget", transfer: transferId(1) });
  scene.begin(2);
  const next = Array.from({ length: 8 }, (_, i) => scene.provide(100 + i, "one", 2));
  assertEquals(scene.of("one.ts").length, 8, "no worker more");
  const assigned = scene.of("one.ts").map((worker) => worker.assigned);
  assertEquals(assigned.map(([source]) => source), first);
  assertEquals(assigned.map(([, source]) => source).sort(), [...next].sort());
  await scene.pool.close();
});

Deno.test("each kind has workers of its own, and each worker hears of its source alone", async () => {
  const scene = new Scene();
  scene.begin(1);
  const sources = [scene.provide(1, "one", 1), scene.provide(1, "other", 1)];
  for (const [i, file] of ["one.ts", "other.ts"].entries()) {
    const [worker, ...more] = scene.of(file);
    assertEquals(more, []);
    const init = worker!.told[0] as Message & { readonly config: unknown };
    assertEquals([init.kind, init.config], ["init", i + 1]);
    const heard = new Set(worker!.told.flatMap(({ source }) => source ?? []));
    assertEquals([...heard], [sources[i]!]);
    assertEquals(worker!.told.some(({ kind }) => kind === "lease"), true);
  }
  await scene.pool.close();
});

Deno.test("what a source brings counts for its server, whichever worker brings it", async () => {
  const scene = new Scene();
  scene.begin(1);
  const source = scene.provide(7, "other", 1);
  const [worker] = scene.of("other.ts");
  const report = {
    source,
    verified: [{ transfer: transferId(1), chunk: 0, bytes: 65_536 }],
    bad: [],
    receivedBytes: 65_536,
    retransmits: 0,
    rateBytesPerS: 1e6,
    rttMs: 1,
    leasedBytes: 0,
    silentMs: 0,
  };
  worker!.reply({ kind: "report", report } as Message);
  const server = serverId("7".padStart(32, "0"));
  assertEquals(scene.bytes, [[server, 65_536]]);
  assertEquals(scene.pool.coordinator.tallies(transferId(1)).get(server)?.chunks, 1);
  await scene.pool.close();
});
