import { assertEquals } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import type { SafeFileName } from "../../../lib/ids.ts";
import { Digests } from "../../../lib/io/hash/digests.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import type { WorkerPort } from "../../../lib/io/system/worker_port.ts";
import type { DigestReply, DigestRequest } from "../../../lib/messages/digest_worker.ts";
import type { ServedFile } from "../../../lib/protocol/base/served_file.ts";

const FILE: ServedFile = {
  name: "a" as SafeFileName,
  place: { kind: "file", dir: "/", name: "a" },
  sizeBytes: 1,
  ...{ mtimeMs: 1, ctimeMs: 1, inode: 1 },
};
const MD5 = "0cc175b9c0f1b6a831c399e269772661";

/** Digest workers that are played by the test: the first breaks, the next answer. */
class Scene {
  startedCount = 0;
  readonly failures: string[] = [];
  readonly digests: Digests;

  constructor() {
    const platform = denoRuntime();
    const start = <In, Out>() => this.#port() as unknown as WorkerPort<In, Out>;
    const runtime = { ...platform, workers: { ...platform.workers, start } };
    this.digests = new Digests(runtime, ({ message }) => this.failures.push(message));
  }

  #port(): WorkerPort<DigestReply, DigestRequest> {
    const breaks = this.startedCount++ === 0;
    let say = (_reply: DigestReply): void => {};
    return {
      post: (request) => {
        if (!breaks && request.kind === "file") say({ kind: "hashed", job: request.job, md5: MD5 });
      },
      onMessage: (handler) => say = handler,
      onError: (handler) => {
        if (breaks) queueMicrotask(() => handler(new ShoalError("internal", "not started")));
      },
      close() {},
    };
  }
}

Deno.test("where no worker can be started a file has no MD5, and the next question is another attempt", async () => {
  const scene = new Scene();
  assertEquals(await scene.digests.md5Of(FILE), undefined);
  assertEquals(scene.failures, []);
  assertEquals(await scene.digests.md5Of(FILE), MD5);
  assertEquals(scene.startedCount, 2);
});

Deno.test("where uploads are taken, a worker that cannot be started is told", async () => {
  const scene = new Scene();
  scene.digests.warmUp();
  await Promise.resolve();
  assertEquals(scene.failures, ["not started"]);
});
