/** Every store that a master can have, for tests of what all of them promise. */
import { denoRuntime } from "../../lib/io/runtime.ts";
import { RedisRegistry } from "../../lib/io/store/redis_registry.ts";
import { SqliteRegistry } from "../../lib/io/store/sqlite_registry.ts";
import type { RegistryStore } from "../../lib/protocol/master/registry_store.ts";
import { hasRedisServer, RedisServer } from "./redis.ts";
import { Master } from "./registry.ts";

/** Registers a test with a name of its own. */
export type TestOfStore = (sentence: string, body: (master: Master) => Promise<void>) => void;

/** Runs `body` with a function that opens an empty store. */
type WithStores = (body: (open: () => Promise<RegistryStore>) => Promise<void>) => Promise<void>;

/** Lets `define` register its tests for each of them; a store that cannot be had here is skipped. */
export function testEveryStore(define: (test: TestOfStore) => void): void {
  define(
    testsOf(
      "SqliteRegistry",
      false,
      (body) => body(() => SqliteRegistry.open(denoRuntime(), ":memory:")),
    ),
  );
  const redis = hasRedisServer ? "" : " (skipped: there is no redis-server here)";
  define(testsOf(`RedisRegistry${redis}`, !hasRedisServer, async (body) => {
    await using server = await RedisServer.start();
    await body(() => RedisRegistry.open(denoRuntime(), server.url));
  }));
}

function testsOf(title: string, ignore: boolean, withStores: WithStores): TestOfStore {
  return (sentence, body) =>
    Deno.test({
      name: `${title}: ${sentence}`,
      ignore,
      fn: () =>
        withStores(async (open) => {
          const store = await open();
          try {
            await body(new Master(store));
          } finally {
            await store.end();
          }
        }),
    });
}
