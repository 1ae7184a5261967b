/** The stores for a master's registry, by the names that users give them. */
import { join } from "@std/path/join";
import { ShoalError } from "../../errors.ts";
import { cacheFolder } from "../../io/store/cache_folder.ts";
import { RedisRegistry } from "../../io/store/redis_registry.ts";
import { SqliteRegistry } from "../../io/store/sqlite_registry.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { RegistryStore } from "../../protocol/master/registry_store.ts";

/**
 * `memory`, `sqlite:PATH`, `redis://HOST:PORT`; `sqlite:` alone for a file in the user's cache folder.
 *
 * Throws ShoalError `usage` for any other name, and what the store throws.
 *
 * @param port of the master, whose own file that is
 */
export async function openStore(
  runtime: Pick<Runtime, "clock" | "random">,
  name: string,
  port: number,
): Promise<RegistryStore> {
  if (name === "memory") return await SqliteRegistry.open(runtime, ":memory:");
  if (name === "sqlite:") return await SqliteRegistry.openInCache(runtime, cachedFile(port));
  if (name.startsWith("sqlite:")) {
    return await SqliteRegistry.open(runtime, name.slice("sqlite:".length));
  }
  if (name.startsWith("redis://")) return await RedisRegistry.open(runtime, name);
  throw new ShoalError("usage", `${name} is not a store`, {
    hint: "Stores are memory, sqlite:PATH and redis://HOST:PORT.",
  });
}

/** In the user's cache folder. */
function cachedFile(port: number): string {
  return `master-${port}.sqlite`;
}

/** The name of a store as it may be shown: without its user and password, and with the path that it stands for. */
export function shownStore(name: string, port: number): string {
  if (name === "sqlite:") {
    const cache = cacheFolder();
    return cache === undefined ? "memory" : `sqlite:${join(cache, cachedFile(port))}`;
  }
  return name.replace(/^(rediss?:\/\/)[^/]*@/, "$1");
}
