import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { converse } from "../../../lib/app/session/session_retries.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { type ClientDialogue, perform } from "../../../lib/protocol/session/client_dialogue.ts";

const ignore = (await Deno.permissions.query({ name: "net" })).state !== "granted";
const runtime = denoRuntime();

function targetAt(port: number, waits: string[], retries: number) {
  return {
    server: `127.0.0.1:${port}`,
    port,
    layers: [],
    timeoutMs: 5_000,
    retries,
    onWaiting: (attempt: number, attempts: number) => void waits.push(`${attempt}/${attempts}`),
  };
}

function* broken(): ClientDialogue<never> {
  yield* perform("renew", {});
  throw new ShoalError("stalled", "it broke off");
}

/** Accepts every connection, and closes all of them in the end. */
class Accepting implements Disposable {
  readonly #listener: Deno.TcpListener;
  readonly conns: Deno.Conn[] = [];

  constructor(port = 0) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port });
    void this.#run();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  async #run(): Promise<void> {
    for await (const conn of this.#listener) this.conns.push(conn);
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const conn of this.conns) conn.close();
  }
}

Deno.test({ name: "a server that restarts is waited for", ignore }, async () => {
  const first = new Accepting();
  const { port } = first;
  const waits: string[] = [];
  let second: Accepting | undefined;
  let talks = 0;
  const end = await converse(runtime, targetAt(port, waits, 5), function* () {
    talks += 1;
    if (talks === 2) return "done";
    first[Symbol.dispose]();
    // Away for the first attempt after this, and back for the second.
    setTimeout(() => second = new Accepting(port), 1_000);
    return yield* broken();
  });
  assertEquals([end, talks], ["done", 2]);
  assertEquals(waits[0], "1/5");
  second?.[Symbol.dispose]();
});

Deno.test(
  { name: "a server that was there is waited for as long as its timeouts are", ignore },
  async () => {
    const first = new Accepting();
    const { port } = first;
    const waits: string[] = [];
    let second: Accepting | undefined;
    let talks = 0;
    const end = await converse(runtime, targetAt(port, waits, 2), function* () {
      talks += 1;
      if (talks === 2) return "done";
      first[Symbol.dispose]();
      // More than as many refusals as retries, and less than as many timeouts.
      setTimeout(() => second = new Accepting(port), 2_000);
      return yield* broken();
    });
    assertEquals([end, talks], ["done", 2]);
    assertEquals(new Set(waits), new Set(["1/2"]));
    second?.[Symbol.dispose]();
  },
);

Deno.test(
  { name: "a server that was there and does not come back is given up", ignore },
  async () => {
    const first = new Accepting();
    const target = { ...targetAt(first.port, [], 2), timeoutMs: 500 };
    const failing = converse(runtime, target, function* () {
      first[Symbol.dispose]();
      return yield* broken();
    });
    await assertRejects(() => failing, ShoalError);
  },
);

Deno.test({ name: "a server that was never there is not waited for", ignore }, async () => {
  const gone = new Accepting();
  const { port } = gone;
  gone[Symbol.dispose]();
  const waits: string[] = [];
  const error = await assertRejects(
    () => converse(runtime, targetAt(port, waits, 5), broken),
    ShoalError,
  );
  assert(error instanceof ShoalError);
  assertEquals([error.code, waits], ["no_server", []]);
});

Deno.test({ name: "what breaks off each time is given up", ignore }, async () => {
  using server = new Accepting();
  const waits: string[] = [];
  const error = await assertRejects(
    () => converse(runtime, targetAt(server.port, waits, 3), broken),
    ShoalError,
  );
  assert(error instanceof ShoalError);
  // Nothing was ever heard of it.
  assertEquals([error.code, waits], ["no_server", ["1/3", "2/3"]]);
});

Deno.test({ name: "connections that bring something are not counted", ignore }, async () => {
  using server = new Accepting();
  const waits: string[] = [];
  let talks = 0;
  const end = await converse(runtime, targetAt(server.port, waits, 2), function* () {
    talks += 1;
    if (talks === 4) return "done";
    yield* perform("advance", {});
    return yield* broken();
  });
  assertEquals([end, waits], ["done", ["1/2", "1/2", "1/2"]]);
});

Deno.test({ name: "an interrupted client is not tried again", ignore }, async () => {
  using server = new Accepting();
  const ending = new AbortController();
  const waits: string[] = [];
  const target = { ...targetAt(server.port, waits, 3), signal: ending.signal };
  const error = await assertRejects(
    () =>
      converse(runtime, target, function* () {
        ending.abort();
        yield* perform("receive", {});
      }),
    ShoalError,
  );
  assert(error instanceof ShoalError);
  assertEquals([error.code, waits], ["interrupted", []]);
});
