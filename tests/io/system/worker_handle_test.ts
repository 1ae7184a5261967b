import { assertEquals, assertRejects } from "@std/assert";
import type { ErrorMessage } from "../../../lib/errors.ts";
import { ShoalError } from "../../../lib/errors.ts";
import type { Runtime } from "../../../lib/io/runtime.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { WorkerHandle } from "../../../lib/io/system/worker_handle.ts";
import { openChannel } from "../../../lib/io/system/deno_workers.ts";
import type { WorkerPort } from "../../../lib/io/system/worker_port.ts";

type Request = { kind: "init"; seed: number } | { kind: "ask" } | { kind: "stop" };
type Reply =
  | { kind: "ready"; port: number }
  | { kind: "answer" }
  | { kind: "failed"; error: ErrorMessage }
  | { kind: "stopped"; count: number };

/** A handle whose worker is played by the test. */
class Scripted {
  readonly handle: WorkerHandle<Request, Reply>;
  readonly posted: string[] = [];
  readonly events: string[] = [];
  say = (_reply: Reply): void => {};
  break = (_error: ShoalError): void => {};

  constructor() {
    const port: WorkerPort<Reply, Request> = {
      post: ({ kind }) => this.posted.push(kind),
      onMessage: (handler) => this.say = handler,
      onError: (handler) => this.break = handler,
      close: () => this.events.push("terminated"),
    };
    const start = <In, Out>() => port as unknown as WorkerPort<In, Out>;
    const runtime: Pick<Runtime, "clock" | "workers"> = {
      clock: denoClock,
      workers: { start, channel: openChannel, coreCount: () => 2 },
    };
    this.handle = new WorkerHandle<Request, Reply>(runtime, "scripted.ts", {
      init: { kind: "init", seed: 7 },
      onReady: ({ port }) => this.events.push(`ready ${port}`),
      onReply: ({ kind }) => this.events.push(kind),
      onFailure: ({ message }) => this.events.push(`failed: ${message}`),
    });
  }
}

Deno.test("a worker is told init, asked, and ended with its last words", async () => {
  const worker = new Scripted();
  worker.say({ kind: "ready", port: 9 });
  worker.handle.post({ kind: "ask" });
  worker.say({ kind: "answer" });
  const ended = worker.handle.end();
  worker.say({ kind: "stopped", count: 3 });
  assertEquals(await ended, { kind: "stopped", count: 3 });
  assertEquals((await worker.handle.ready).port, 9);
  assertEquals(worker.posted, ["init", "ask", "stop"]);
  assertEquals(worker.events, ["ready 9", "answer", "terminated"]);
});

Deno.test("a worker that breaks says so once, and nobody waits for it", async () => {
  const worker = new Scripted();
  const error = new ShoalError("port_in_use", "no port is free");
  worker.say({ kind: "failed", error: error.toMessage() });
  worker.break(new ShoalError("internal", "and then this"));
  await assertRejects(() => worker.handle.ready, ShoalError, "no port is free");
  assertEquals(await worker.handle.end(), undefined);
  assertEquals(worker.events, ["failed: no port is free", "terminated"]);
});

Deno.test("a worker that does not stop is ended all the same", async () => {
  const worker = new Scripted();
  assertEquals(await worker.handle.end(20), undefined);
  assertEquals(worker.posted, ["init", "stop"]);
  assertEquals(worker.events, ["terminated"]);
});
