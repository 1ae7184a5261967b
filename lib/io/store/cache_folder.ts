/** The user's cache folder. */
import { isAbsolute, join } from "@std/path";

/** The cache folder for Shoal, which may not exist yet; `undefined` where that cannot be known without a prompt. */
export function cacheFolder(): string | undefined {
  if (Deno.build.os === "windows") return below(variable("LOCALAPPDATA"), "shoal");
  const home = variable("HOME");
  if (Deno.build.os === "darwin") return below(home, "Library", "Caches", "shoal");
  return below(variable("XDG_CACHE_HOME") ?? below(home, ".cache"), "shoal");
}

/** An absolute path from the environment: relative ones are ignored, as the XDG specification asks. */
function variable(name: string): string | undefined {
  if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") {
    return undefined;
  }
  const value = Deno.env.get(name);
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

function below(base: string | undefined, ...parts: string[]): string | undefined {
  return base === undefined ? undefined : join(base, ...parts);
}
