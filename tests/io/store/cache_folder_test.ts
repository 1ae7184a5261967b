import { assertEquals } from "@std/assert";
import { cacheFolder } from "../../../lib/io/store/cache_folder.ts";

const mayChangeEnv = (await Deno.permissions.query({ name: "env" })).state === "granted";

/** Runs `body` with these variables, and puts back what was there. */
function withEnv(variables: Readonly<Record<string, string>>, body: () => void): void {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
}

Deno.test({
  name: "the cache folder is the one that XDG names, unless its path is relative",
  ignore: !mayChangeEnv || Deno.build.os !== "linux",
}, () => {
  withEnv({ HOME: "/home/somebody", XDG_CACHE_HOME: "/var/caches" }, () => {
    assertEquals(cacheFolder(), "/var/caches/shoal");
  });
  withEnv({ HOME: "/home/somebody", XDG_CACHE_HOME: "caches" }, () => {
    assertEquals(cacheFolder(), "/home/somebody/.cache/shoal");
  });
  withEnv({ HOME: "", XDG_CACHE_HOME: "" }, () => {
    assertEquals(cacheFolder(), undefined);
  });
});

Deno.test({
  name: "without permission to read the environment there is no cache folder, and no prompt",
  permissions: "none",
}, () => {
  assertEquals(cacheFolder(), undefined);
});
