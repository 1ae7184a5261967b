/**
 * Files that are written to all the time: nobody waits for them for ever, and nobody else waits for them at all. One that
 * is only appended to is given as what it was at one moment.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { e2e, failures } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

const WRITE_INTERVAL_MS = 100;
const PATIENCE = ["--timeout", "2", "--retries", "2"];

/** Writes to a file until it is disposed. */
class Writer implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(write: () => void) {
    write();
    this.#timer = setInterval(write, WRITE_INTERVAL_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Lines that all differ, so that no two parts of the file are the same. */
function appendTo(path: string): Writer {
  let count = 0;
  return new Writer(() => Deno.writeTextFileSync(path, `line ${count++}\n`, { append: true }));
}

/** Another content each time, and never a longer one. */
function rewrite(path: string): Writer {
  let left = 5_000;
  return new Writer(() => Deno.writeTextFileSync(path, "x".repeat(left--)));
}

for (const way of ["UDP", "TCP"]) {
  e2e(`over ${way}, a log comes as what it was at one moment, and that is said`, async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("other", new TextEncoder().encode("at rest"));
    const path = join(scratch.served, "app.log");
    using _writer = appendTo(path);
    const port = freePort();
    await using server = await startServer(scratch, port);
    const { tcpPort } = await server.event(({ event }) => event === "ready");
    const tcp = way === "TCP" ? ["--tcp", "--server", `127.0.0.1:${tcpPort}`] : [];
    const options = ["--out", scratch.out, "--port", String(port), ...PATIENCE, ...tcp];
    for (const wanted of ["app.log", "**"]) {
      const run = await runShoal(["get", wanted, ...options, "--force"]);
      assertEquals(run.code, 0, run.process.description());
      const done = run.events.find(({ event, name }) => event === "done" && name === "app.log");
      assertEquals(done?.["growing"], true, run.process.description());
      const [come, whole] = [join(scratch.out, "app.log"), path].map((each) =>
        Deno.readTextFileSync(each)
      ) as [string, string];
      assertEquals(come.length, done?.["size"]);
      assert(come.length > 0 && whole.length > come.length, "it goes on growing");
      assertEquals(whole.slice(0, come.length), come);
    }
    const person = await runShoal(["get", "app.log", ...options, "--force"], { json: false });
    assertStringIncludes(person.stdout, "bytes of a growing file");
  });

  e2e(
    `over ${way}, a file that changes inside fails with the reason, and the others come`,
    async () => {
      await using scratch = await Scratch.make();
      await scratch.serve("other", new TextEncoder().encode("at rest"));
      using _writer = rewrite(join(scratch.served, "state"));
      const port = freePort();
      await using server = await startServer(scratch, port);
      const { tcpPort } = await server.event(({ event }) => event === "ready");
      const tcp = way === "TCP" ? ["--tcp", "--server", `127.0.0.1:${tcpPort}`] : [];
      const run = await runShoal(
        ["get", "**", "--out", scratch.out, "--port", String(port), ...PATIENCE, ...tcp],
      );
      assertEquals(run.code, 1, run.process.description());
      assertEquals(
        failures(run.events).map(({ name, code }) => [name, code]),
        [["state", "changed"]],
        run.process.description(),
      );
      const order = run.events.filter(({ event }) => event === "done" || event === "failed");
      assertEquals(order.map(({ name }) => name), ["other", "state"]);
    },
  );
}
