/** The only server of many files dies in the middle, for good or for a moment. */
import { assert, assertEquals } from "@std/assert";
import { JOBS_DEFAULT } from "../../lib/app/limits.ts";
import { e2e, failures, randomFile } from "../support/e2e.ts";
import {
  freePort,
  type JsonEvent,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const FILES = 1_000;
const ATTEMPTS = 3;
/** So slow that it dies in the middle, however late it is killed beside others at work. */
const RATE = ["--rate", "75kB"];
/** What those say that have waited in vain, each of its file, and then all others: that the server is gone. */
const REASONS_MAX = 3 * JOBS_DEFAULT;

async function scene(way: string): Promise<{
  readonly scratch: Scratch;
  readonly port: number;
  readonly server: ShoalProcess;
  readonly args: readonly string[];
}> {
  const scratch = await Scratch.make();
  for (let i = 0; i < FILES; i++) {
    await scratch.serve(`f${String(i).padStart(4, "0")}`, randomFile(2_000, i));
  }
  const port = freePort();
  const server = await startServer(scratch, port, RATE);
  await server.event(({ event, filesLeft }) => event === "indexing" && filesLeft === 0);
  const tcp = way === "TCP" ? ["--tcp", "--server", `127.0.0.1:${port}`] : [];
  const args = ["get", "*", "--out", scratch.out, "--port", String(port), ...tcp];
  return { scratch, port, server, args: [...args, "--retries", String(ATTEMPTS)] };
}

/** Resolves when all have been offered, and some have come: who is not found yet when it dies fails as not found. */
async function untilUnderWay(get: ShoalProcess): Promise<void> {
  await get.event(() => new Set(namesOf("offer", get.events)).size === FILES);
  await get.event(() => doneOf(get.events).length >= 20);
}

function namesOf(event: string, events: readonly JsonEvent[]): unknown[] {
  return events.filter((each) => each.event === event).map(({ name }) => name);
}

function doneOf(events: readonly JsonEvent[]): readonly JsonEvent[] {
  return events.filter(({ event }) => event === "done");
}

for (const way of ["UDP", "TCP"]) {
  e2e(
    `a server that dies among ${FILES} files over ${way} is found gone once, not once per file`,
    async () => {
      const { scratch, server, args } = await scene(way);
      await using _scratch = scratch;
      await using get = new ShoalProcess([...args, "--timeout", "3"]);
      await untilUnderWay(get);
      await server[Symbol.asyncDispose]();
      assertEquals(await get.exit(), 1, get.description());
      const failed = failures(get.events);
      assertEquals(doneOf(get.events).length + failed.length, FILES);
      assert(failed.length > FILES / 2, "it died too late");
      const reasons = new Set(failed.map(({ code, message }) => `${code} ${message}`));
      assert(reasons.size <= REASONS_MAX, [...reasons].join("\n"));
      // Only those that were under way have waited, and who came in the place of one that had failed: all others
      // would have, one after another.
      const waited = get.events.filter(({ event, message }) =>
        event === "waiting" && message === "nothing arrives"
      );
      const names = new Set(waited.map(({ name }) => name));
      assert(names.size <= 2 * JOBS_DEFAULT, `${names.size} names have waited`);
      const lines = get.stderr.trimEnd().split("\n");
      assert(lines.length <= 2 * REASONS_MAX, get.stderr);
    },
  );

  e2e(
    `a server that is back within the patience brings the rest of ${FILES} files over ${way}`,
    async () => {
      const { scratch, port, server, args } = await scene(way);
      await using _scratch = scratch;
      await using get = new ShoalProcess([...args, "--timeout", "20"]);
      await untilUnderWay(get);
      await server[Symbol.asyncDispose]();
      assert(doneOf(get.events).length < FILES / 2, "it died too late");
      await using _back = await startServer(scratch, port);
      assertEquals(await get.exit(), 0, get.description());
      assertEquals(doneOf(get.events).length, FILES);
    },
  );
}
