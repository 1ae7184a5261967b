/** What only the store in a file has to promise: it outlives its master, and is nobody else's. */
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { DatabaseSync } from "node:sqlite";
import { ShoalError } from "../../../lib/errors.ts";
import { SqliteRegistry } from "../../../lib/io/store/sqlite_registry.ts";
import { fileOf, leaseOf, Master, providerOf, until } from "../../support/registry.ts";

const A = leaseOf(1);
const B = leaseOf(2);

async function withPath(body: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(join(folder, "registry.sqlite"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** What opening says. */
async function problemOf(path: string): Promise<string> {
  return await SqliteRegistry.open(denoRuntime(), path).then(
    () => "none",
    (error: unknown) => error instanceof ShoalError ? error.message : String(error),
  );
}

Deno.test("what a file holds is there for the next master, and goes on from there", () =>
  withPath(async (path) => {
    const first = new Master(await SqliteRegistry.open(denoRuntime(), path));
    await first.register(A, providerOf(1), [fileOf("a", 1), fileOf("c", 3)]);
    await first.register(B, providerOf(2), [fileOf("b", 2)]);
    await first.store.close(B);
    await first.store.end();

    const next = new Master(await SqliteRegistry.open(denoRuntime(), path));
    try {
      assertEquals(await next.names(), ["a", "c"]);
      assertEquals((await next.bySha256(1))[0]?.servers, [providerOf(1)]);
      await next.put(A, [fileOf("b", 4), fileOf("a", 5)]);
      await next.register(B, providerOf(2), [fileOf("d", 1)]);
      assertEquals(await next.names(), ["a", "b", "c", "d"]);
      assertEquals((await next.bySha256(1))[0]?.name, "d");
      await next.remove(A, ["a", "b", "c"]);
      await until(async () => (await next.names()).join() === "d", "only one is left");
    } finally {
      await next.store.end();
    }
  }));

Deno.test("a file that another master uses, or another program made, is refused", () =>
  withPath(async (path) => {
    const first = await SqliteRegistry.open(denoRuntime(), path);
    const locked = await problemOf(path);
    assertMatch(locked, /another master uses it/);
    await first.end();

    await Deno.remove(path);
    const foreign = new DatabaseSync(path);
    foreign.exec("CREATE TABLE files (precious TEXT); INSERT INTO files VALUES ('yes')");
    foreign.close();
    const refused = await problemOf(path);
    assertMatch(refused, /another program/);
    const untouched = new DatabaseSync(path);
    assertEquals(untouched.prepare("SELECT precious FROM files").all().length, 1);
    untouched.close();

    await Deno.writeTextFile(path, "no database at all, but long enough to look like something");
    assertMatch(await problemOf(path), /not a database/);
  }));
