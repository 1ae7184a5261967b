import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { cacheFolder, requirePrivateFolder } from "../../../lib/io/store/cache_folder.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

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

Deno.test({
  name: "a cache folder that others could have written to is not used, nor a link in it",
  ignore: !await canTouchFiles() || Deno.build.os === "windows",
}, () =>
  withFolder({ "elsewhere": "" }, async (dir) => {
    const cache = join(dir, "new", "cache");
    requirePrivateFolder(cache, ["index.sqlite"]);
    assertEquals((Deno.statSync(cache).mode ?? 0) & 0o777, 0o700);
    for (const mode of [0o770, 0o702, 0o720]) {
      await Deno.chmod(cache, mode);
      assertThrows(() => requirePrivateFolder(cache, []), Error, "others may write");
    }
    await Deno.chmod(cache, 0o755);
    requirePrivateFolder(cache, ["index.sqlite"]);
    await Deno.symlink(join(dir, "elsewhere"), join(cache, "index.sqlite"));
    assertThrows(() => requirePrivateFolder(cache, ["index.sqlite"]), Error, "is a link");
    if (Deno.uid() !== 0) return;
    await Deno.chown(cache, 65_534, 65_534);
    assertThrows(() => requirePrivateFolder(cache, []), Error, "somebody else");
  }));
