import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { withConnections } from "../../../lib/app/session/session_retries.ts";

const ignore = (await Deno.permissions.query({ name: "net" })).state !== "granted";

function targetAt(port: number, waits: string[], retries: number) {
  return {
    server: `127.0.0.1:${port}`,
    port,
    timeoutMs: 5_000,
    retries,
    onWaiting: (attempt: number, attempts: number) => void waits.push(`${attempt}/${attempts}`),
  };
}

function broken(): never {
  throw new ShoalError("stalled", "it broke off");
}

Deno.test({ name: "a server that restarts is waited for", ignore }, async () => {
  let listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const conns: Deno.Conn[] = [];
  const accepting = listener.accept().then((conn) => conns.push(conn));
  const waits: string[] = [];
  let talks = 0;
  const end = await withConnections(targetAt(port, waits, 5), async () => {
    talks += 1;
    if (talks === 2) return "done";
    await accepting;
    // Away for the first attempt after this, and back for the second.
    listener.close();
    setTimeout(() => {
      listener = Deno.listen({ hostname: "127.0.0.1", port });
      listener.accept().then((conn) => conns.push(conn), () => {});
    }, 1_000);
    return broken();
  });
  assertEquals([end, talks], ["done", 2]);
  assertEquals(waits[0], "1/5");
  listener.close();
  for (const conn of conns) conn.close();
});

Deno.test({ name: "a server that was never there is not waited for", ignore }, async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const waits: string[] = [];
  const talk = () => Promise.resolve();
  const error = await assertRejects(
    () => withConnections(targetAt(port, waits, 5), talk),
    ShoalError,
  );
  assert(error instanceof ShoalError);
  assertEquals([error.code, waits], ["no_server", []]);
});

Deno.test({ name: "what breaks off each time is given up", ignore }, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.Conn[] = [];
  const accepting = (async () => {
    while (conns.length < 3) conns.push(await listener.accept());
  })();
  const waits: string[] = [];
  const error = await assertRejects(
    () => withConnections(targetAt(listener.addr.port, waits, 3), () => Promise.resolve(broken())),
    ShoalError,
  );
  assert(error instanceof ShoalError);
  assertEquals([error.code, waits], ["stalled", ["1/3", "2/3"]]);
  await accepting;
  for (const conn of conns) conn.close();
});
