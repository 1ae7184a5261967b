#!/usr/bin/env node
/**
 * `shoal` as npm installs it: starts the program with a Deno from the PATH, or with the one that came as a
 * dependency of this package. Node is gone then where it can be, and hands signals on where it cannot.
 */
import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const isWindows = process.platform === "win32";
const binary = isWindows ? "deno.exe" : "deno";
const program = fileURLToPath(new URL("../program/", import.meta.url));
const plan = JSON.parse(readFileSync(join(program, "start.json"), "utf8"));

const deno = process.env.SHOAL_DENO || inPath() || asDependency();
if (deno === undefined) {
  console.error("error: shoal needs Deno, in the PATH or as its dependency: npm install -g deno");
  process.exit(127);
}

const args = process.argv.slice(2);
const heap = plan.heapFlags[args[0]];
const words = [
  "run",
  ...plan.flags,
  ...(heap === undefined ? [] : [heap]),
  join(program, "shoal.js"),
  ...args,
];
const env = { ...process.env, ...plan.environment, SHOAL_STARTED_AS: startedAs() };
if (typeof process.execve === "function" && !isWindows) {
  process.execve(deno, [deno, ...words], env);
} else {
  runBeside();
}

/** What somebody types to get here. */
function startedAs() {
  if (process.env.npm_command !== "exec") return "shoal";
  const asked = process.env.npm_config_package;
  if (asked) return `npx --package ${asked} shoal`;
  const [cache] = /^.*[\\/]_npx[\\/][^\\/]+(?=[\\/])/.exec(program) ?? [];
  return cache === undefined ? "npx shoal" : `npx ${fetchedAs(cache)}`;
}

/** What npx was asked for: it notes that beside what it fetched. */
function fetchedAs(cache) {
  try {
    const { _npx } = JSON.parse(readFileSync(join(cache, "package.json"), "utf8"));
    return _npx.packages[0];
  } catch {
    return "shoal";
  }
}

function inPath() {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    // The commands of other packages are no programs that could be started as such.
    if (folder === "" || /[\\/]node_modules[\\/]\.bin[\\/]?$/.test(folder)) continue;
    const path = join(folder, binary);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The next folder may have it.
    }
  }
  return undefined;
}

function asDependency() {
  try {
    const requireHere = createRequire(import.meta.url);
    const manifest = requireHere.resolve("deno/package.json");
    // The package gets its binary from one for the platform, when its script is allowed to run.
    const libc = process.platform === "linux" ? "-glibc" : "";
    const platform = `@deno/${process.platform}-${process.arch}${libc}/package.json`;
    const paths = [manifest, createRequire(manifest).resolve(platform)];
    return paths.map((path) => join(dirname(path), binary)).find(existsSync);
  } catch {
    return undefined;
  }
}

function runBeside() {
  const child = spawn(deno, words, { env, stdio: "inherit" });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", ({ message }) => {
    console.error(`error: ${deno} could not be started: ${message}`);
    process.exit(127);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
