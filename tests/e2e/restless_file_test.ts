/** A log that is written to all the time: nobody waits for it for ever, and nobody else waits for it at all. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { e2e, failures } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

const WRITE_INTERVAL_MS = 100;

/** Appends to a file until it is disposed. */
class Writer implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(path: string) {
    const write = (): void => Deno.writeTextFileSync(path, "one more line\n", { append: true });
    write();
    this.#timer = setInterval(write, WRITE_INTERVAL_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

for (const way of ["UDP", "TCP"]) {
  e2e(
    `over ${way}, a file that never rests fails with the reason, and the others come`,
    async () => {
      await using scratch = await Scratch.make();
      await scratch.serve("other", new TextEncoder().encode("at rest"));
      using _writer = new Writer(join(scratch.served, "app.log"));
      const port = freePort();
      await using _server = await startServer(scratch, port);
      const tcp = way === "TCP" ? ["--tcp", "--server", `127.0.0.1:${port}`] : [];
      const patience = ["--timeout", "2", "--retries", "2"];
      const run = await runShoal(
        ["get", "**", "--out", scratch.out, "--port", String(port), ...patience, ...tcp],
      );
      assertEquals(run.code, 1, run.process.description());
      assertEquals(
        failures(run.events).map(({ name, code }) => [name, code]),
        [["app.log", "changed"]],
        run.process.description(),
      );
      const order = run.events.filter(({ event }) => event === "done" || event === "failed");
      assertEquals(order.map(({ name }) => name), ["other", "app.log"]);
      assert(/is being written to all the time/.test(run.stderr), run.stderr);
    },
  );
}
