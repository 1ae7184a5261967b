/**
 * What is shipped, in the three ways in which it is installed: the folder, the package for npm, and
 * `deno install`. Each runs on a host of its own without any network, and with nothing that Deno has cached.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };
import { build } from "../../tools/build.ts";
import { type Host, Lab, labObstacle } from "../support/lab.ts";
import {
  canRunProcesses,
  CLI_ENV,
  freePort,
  runShoal,
  ShoalProcess,
} from "../support/shoal_process.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const obstacle = await labObstacle();
const canInstall = canRunProcesses && Deno.build.os !== "windows";
const hasNpm = canInstall && await isThere("npm");
const VERSION = `shoal ${manifest.version}\n`;

let dist = "";
let lab: Lab | undefined;
let host: Host | undefined;

if (canInstall) {
  Deno.test.beforeAll(async () => {
    dist = await Deno.makeTempDir({ prefix: "shoal-dist-" });
    await build(dist);
    if (obstacle !== undefined) return;
    lab = await Lab.build();
    host = await lab.host();
  });
  Deno.test.afterAll(async () => {
    await lab?.[Symbol.asyncDispose]();
    await Deno.remove(dist, { recursive: true });
  });
}

interface Place {
  /** The folder in which everything is typed. */
  readonly folder: string;
  /** A home that holds nothing yet, Deno's cache included. */
  readonly env: Readonly<Record<string, string>>;
}

/** Somebody's home and folder, both new, on a host without a network where one can be made. */
function installing(name: string, isPossible: boolean, fn: (place: Place) => Promise<void>): void {
  Deno.test({
    name: obstacle === undefined ? name : `${name} (with a network: ${obstacle})`,
    ignore: !canInstall || !isPossible,
    async fn() {
      const home = await Deno.makeTempDir({ prefix: "shoal-home-" });
      const folder = join(home, "a folder");
      await Deno.mkdir(folder);
      const caches = {
        XDG_CACHE_HOME: join(home, ".cache"),
        DENO_DIR: join(home, ".cache/deno"),
        npm_config_cache: join(home, ".npm"),
      };
      try {
        await fn({ folder, env: { HOME: home, ...caches } });
      } finally {
        await Deno.remove(home, { recursive: true });
      }
    },
  });
}

const shoal = () => join(dist, "shoal/shoal");

/** Runs a command where there is no network; returns what it said. */
async function ran({ folder, env }: Place, ...command: string[]) {
  const [program, ...args] = [...host?.via ?? [], ...command];
  const { code, stdout, stderr } = await new Deno.Command(program!, {
    args,
    cwd: folder,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}

async function isThere(program: string): Promise<boolean> {
  try {
    return (await new Deno.Command(program, { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

installing("the folder serves, fetches and keeps a registry", true, async (place) => {
  const { folder, env } = place;
  const options = { program: shoal(), via: host?.via ?? [], cwd: folder, env };
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  await Deno.mkdir(join(folder, "offered"));
  await Deno.writeFile(join(folder, "offered/x.bin"), bytes);
  const ports = ["--port", String(freePort())];
  await using master = new ShoalProcess(["master", "--port", String(freePort())], options);
  const { port, store } = await master.event(({ event }) => event === "mastering");
  assertMatch(String(store), /^sqlite:/);
  const named = ["--master", `127.0.0.1:${port}`];
  await using server = new ShoalProcess(["server", "offered", ...named, ...ports], options);
  await server.event(({ message }) => /registered/i.test(String(message)));
  for (const extra of [[], ["--out", "other"]]) {
    const got = await runShoal(["get", "x.bin", ...named, ...ports, ...extra], options);
    assertEquals(got.code, 0, got.process.description());
    assertEquals(await Deno.readFile(join(folder, extra[1] ?? "downloads", "x.bin")), bytes);
  }
  const listed = await runShoal(["list", ...named, ...ports], options);
  assertEquals(listed.events.map(({ name }) => name), ["x.bin"], listed.process.description());
  for (const process of [server, master]) {
    process.signal("SIGTERM");
    assertEquals(await process.exit(), 0, process.description());
    assertEquals(process.stderr, "");
  }
});

installing("the unit for systemd starts the server, and stops it", true, async (place) => {
  const { folder, env } = place;
  const port = String(freePort());
  const unit = await ran(place, shoal(), "service", ".", "-p", port, "--json");
  assertEquals(unit.code, 0, unit.err);
  const values = (key: string) =>
    unit.out.split("\n").filter((line) => line.startsWith(`${key}=`)).map((line) =>
      line.slice(key.length + 1).replaceAll("%C", env["XDG_CACHE_HOME"]!).replaceAll("%%", "%")
    );
  const words = values("ExecStart")[0]!.match(/"(?:[^"\\]|\\.)*"|\S+/g)!.map((word) =>
    word.startsWith('"') ? JSON.parse(word) as string : word
  );
  const variables = Object.fromEntries(values("Environment").map((pair) => pair.split("=")));
  await using server = new ShoalProcess(words, {
    program: "env",
    via: [...host?.via ?? [], "env", "-C", values("WorkingDirectory")[0]!],
    json: false,
    env: { ...env, ...variables },
  });
  const ready = await server.event(({ event }) => event === "ready");
  assertEquals(ready["dir"], await Deno.realPath(folder));
  server.signal("SIGTERM");
  assertEquals([await server.exit(), server.stderr], [0, ""]);
});

installing(
  "the launcher follows links and calls the program as it was called",
  true,
  async (place) => {
    const { folder } = place;
    await Deno.mkdir(join(folder, "bin"));
    // A link to a link, one of them relative.
    await Deno.symlink(join(dist, "shoal"), join(folder, "there"));
    await Deno.symlink("../there/shoal", join(folder, "bin/shoal"));
    for (const path of [shoal(), "bin/shoal", "./there/shoal"]) {
      assertEquals(await ran(place, path, "--version"), { code: 0, out: VERSION, err: "" });
      const { code, err } = await ran(place, path, "get");
      assertEquals(code, 2);
      assertStringIncludes(err, `Run \`${path} get --help\``);
    }
    const inPath = ["env", `PATH=${join(folder, "bin")}:${Deno.env.get("PATH")}`, "shoal"];
    assertStringIncludes(
      (await ran(place, ...inPath, "get", "--help")).out,
      "\n  shoal get [OPTIONS]",
    );
    const denoless = await ran(place, "env", "PATH=/nowhere", shoal(), "--version");
    assertEquals([denoless.code, denoless.out], [127, ""]);
    assertMatch(denoless.err, /^error: shoal needs Deno/);
  },
);

installing("deno beside the launcher is what runs it", true, async (place) => {
  const copy = join(place.folder, "copy");
  const made = await ran(place, "cp", "-r", join(dist, "shoal"), copy);
  assertEquals(made.code, 0, made.err);
  await Deno.symlink(Deno.execPath(), join(copy, "deno"));
  const run = await ran(
    place,
    "env",
    "PATH=/usr/bin:/bin",
    "sh",
    "-c",
    'PATH= "$0" --version',
    join(copy, "shoal"),
  );
  assertEquals(run, { code: 0, out: VERSION, err: "" });
});

/** What the guide tells to type, where it begins so: its words, without what it says of them. */
function guideLine(start: string): readonly string[] {
  const guide = Deno.readTextFileSync(join(ROOT, "docs/INSTALL.md"));
  const line = guide.split("\n").find((each) => each.startsWith(start));
  assert(line !== undefined, `docs/INSTALL.md has no line that begins with ${start}`);
  return line.replace(/ +#.*$/, "").split(" ");
}

/** Types it in a folder in which dist is, with more in the environment. */
async function typed(place: Place, variables: readonly string[], words: readonly string[]) {
  await Deno.symlink(dist, join(place.folder, "dist"));
  return await ran(place, "env", ...variables, ...words);
}

installing("npm installs the package, and its command runs", hasNpm, async (place) => {
  const prefix = join(place.folder, "prefix");
  const line = guideLine("npm install --global --offline");
  const installed = await typed(place, [`npm_config_prefix=${prefix}`], line);
  assertEquals(installed.code, 0, installed.err);
  const command = join(prefix, "bin/shoal");
  assertEquals(await ran(place, command, "--version"), { code: 0, out: VERSION, err: "" });
  const { code, err } = await ran(place, command, "get");
  assertEquals(code, 2);
  assertStringIncludes(err, "Run `shoal get --help`");
  assert((await Deno.stat(join(prefix, "share/man/man1/shoal.1"))).isFile, "no manual page");
  await using server = new ShoalProcess(["server", ".", "--port", String(freePort())], {
    program: command,
    via: host?.via ?? [],
    cwd: place.folder,
    env: place.env,
  });
  await server.event(({ event }) => event === "ready");
  server.signal("SIGTERM");
  assertEquals([await server.exit(), server.stderr], [0, ""], server.description());
});

installing("npx runs the package, and hints repeat it", hasNpm, async (place) => {
  const words = guideLine("npx --yes file:").slice(0, -1);
  const { code, err } = await typed(place, ["npm_config_offline=true"], words);
  assertEquals(code, 2);
  assertMatch(err, /hint: Run `npx file:\S*shoal-\S*\.tgz get --help` for examples\.\n$/);
});

installing("deno install makes a command of the bundle", true, async (place) => {
  await denoInstalled(place, guideLine("deno install --global -A --no-config"));
});

installing("deno install makes a command of the source", true, async (place) => {
  // Its dependencies have to be in the cache.
  const { DENO_DIR } = CLI_ENV;
  const source = { folder: ROOT, env: { ...place.env, DENO_DIR: DENO_DIR! } };
  await denoInstalled(source, guideLine("deno install --global -A --config"));
});

async function denoInstalled(place: Place, [, ...words]: readonly string[]): Promise<void> {
  const root = join(place.env["HOME"]!, "root");
  const variables = [
    `DENO_INSTALL_ROOT=${root}`,
    `PATH=${join(Deno.execPath(), "..")}:${Deno.env.get("PATH")}`,
  ];
  if (place.folder !== ROOT) await Deno.symlink(dist, join(place.folder, "dist"));
  const installed = await ran(place, "env", ...variables, Deno.execPath(), ...words);
  assertEquals(installed.code, 0, installed.err);
  const command = ["env", ...variables, join(root, "bin/shoal")];
  assertEquals(await ran(place, ...command, "--version"), { code: 0, out: VERSION, err: "" });
  assertStringIncludes((await ran(place, ...command, "get")).err, "Run `shoal get --help`");
}

installing("the library is one that could be published", true, async () => {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    // Types are checked elsewhere.
    args: ["publish", "--dry-run", "--allow-dirty", "--no-check"],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const said = new TextDecoder().decode(stderr);
  assert(success, said);
  assertEquals(
    /warning|slow types? /i.test(said.replace("Checking for slow types", "")),
    false,
    said,
  );
  const files = said.split("\n").filter((line) => line.includes("file:///"));
  assert(files.some((line) => line.includes("/workers/receiver.ts")), said);
  assertEquals(files.filter((line) => /\/(tests|bench|tools|fixtures|dist)\//.test(line)), []);
});
