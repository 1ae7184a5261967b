import { assertEquals } from "@std/assert";
import {
  GET_DEFAULTS,
  LIST_DEFAULTS,
  MASTER_DEFAULTS,
  PUT_DEFAULTS,
  resolveGet,
  resolvePut,
  SERVE_DEFAULTS,
} from "../../lib/app/option_defaults.ts";
import type { GetOptions } from "../../lib/app/options.ts";
import { getCommand } from "../../lib/cli/get_command.ts";
import { listCommand } from "../../lib/cli/list_command.ts";
import { masterCommand } from "../../lib/cli/master_command.ts";
import { putCommand } from "../../lib/cli/put_command.ts";
import { serverCommand } from "../../lib/cli/server_command.ts";

const FILES = { names: ["a"], outDir: "out" };

Deno.test("what is given stays, and what is left out or undefined gets its default", () => {
  const given = { ...FILES, jobs: 7, retries: undefined, rateBytesPerS: 0 } as unknown;
  const options = resolveGet(given as GetOptions);
  assertEquals([options.names, options.jobs], [["a"], 7]);
  assertEquals(options.retries, GET_DEFAULTS.retries);
  assertEquals(options.servers, []);
  assertEquals("signal" in options, false);
});

Deno.test("options that were resolved once resolve to themselves", () => {
  const once = resolveGet({ ...FILES, force: true });
  assertEquals(resolveGet(once), once);
});

Deno.test("a put makes ten attempts, whatever the dialect", () => {
  const target = { files: ["a"], server: "127.0.0.1" };
  assertEquals(resolvePut({ ...target, dialect: "json" }).retries, 10);
  assertEquals(resolvePut({ ...target, dialect: "json", retries: 2 }).retries, 2);
  assertEquals(resolvePut({ ...target, dialect: "ascii" }).retries, 10);
  assertEquals(resolvePut(target).retries, 10);
});

Deno.test("the command line has the defaults of the library", () => {
  const fallbacks = (command: { readonly options: object }): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(command.options).map(([flag, option]) => [flag, option.fallback]),
    );
  const get = fallbacks(getCommand);
  assertEquals(
    ["port", "timeout", "retries", "jobs", "mtu", "force"].map((flag) => get[flag]),
    [10_526, 10_000, 10, 16, undefined, false],
  );
  assertEquals(get["timeout"], GET_DEFAULTS.timeoutMs);
  const serve = fallbacks(serverCommand);
  assertEquals(serve["chunk-size"], SERVE_DEFAULTS.classicChunkBytes);
  assertEquals([serve["classic"], serve["hidden"]], [SERVE_DEFAULTS.classic, false]);
  assertEquals(fallbacks(listCommand)["timeout"], LIST_DEFAULTS.timeoutMs);
  assertEquals(fallbacks(putCommand)["retries"], PUT_DEFAULTS.retries);
  assertEquals(fallbacks(masterCommand)["port"], MASTER_DEFAULTS.port);
});
