import { denoRuntime } from "../../../lib/io/runtime.ts";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path/join";
import { ShoalError } from "../../../lib/errors.ts";
import {
  cacheFolder,
  DATABASE_SUFFIXES,
  requirePrivateFolder,
} from "../../../lib/io/store/cache_folder.ts";
import { SqliteRegistry } from "../../../lib/io/store/sqlite_registry.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const mayChangeEnv = (await Deno.permissions.query({ name: "env" })).state === "granted";

/** Runs `body` with these variables, and puts back what was there. */
function withEnv<T>(variables: Readonly<Record<string, string>>, body: () => T): T {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    return body();
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
    await Deno.chown(cache, 0, 0);
    const link = join(dir, "link");
    await Deno.symlink(cache, link);
    requirePrivateFolder(link, []);
    await new Deno.Command("chown", { args: ["-h", "65534:65534", link] }).output();
    assertThrows(() => requirePrivateFolder(link, []), Error, "somebody else");
  }));

Deno.test({
  name: "a master keeps its registry in the cache folder, unless others could have touched it",
  ignore: !mayChangeEnv || !await canTouchFiles() || Deno.build.os !== "linux",
}, () =>
  withFolder({ "elsewhere": "" }, async (dir) => {
    const [cache, name] = [join(dir, "shoal"), "master-1.sqlite"];
    const open = () =>
      withEnv({ XDG_CACHE_HOME: dir }, () => SqliteRegistry.openInCache(denoRuntime(), name));
    await (await open()).end();
    assertEquals(Deno.statSync(cache).mode! & 0o777, 0o700);
    assert(Deno.statSync(join(cache, name)).isFile);
    await Deno.chmod(cache, 0o777);
    const error = await assertRejects(open, ShoalError, "others may write");
    assertEquals((error as ShoalError).code, "disk");
    await Deno.chmod(cache, 0o700);
    for (const suffix of DATABASE_SUFFIXES) {
      const path = join(cache, name + suffix);
      await Deno.remove(path).catch(() => {});
      await Deno.symlink(join(dir, "elsewhere"), path);
      await assertRejects(open, ShoalError, "is a link");
      await Deno.remove(path);
    }
    assertEquals(Deno.readTextFileSync(join(dir, "elsewhere")), "");
  }));
