/**
 * `deno task build [DIR]`: what is shipped, in `dist` or DIR. `shoal/` is a folder that needs a Deno binary
 * and nothing else; `shoal-VERSION.tgz` is the same for npm.
 */
import { join } from "@std/path/join";
import { resolve } from "@std/path/resolve";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { COMPLETION_SCRIPTS } from "../lib/cli/completion_scripts.ts";
import { COMMANDS } from "../lib/cli/main.ts";
import { manualPage } from "../lib/cli/manual_page.ts";
import { bundle } from "./bundle.ts";
import { posixLauncher, windowsLauncher } from "./launchers.ts";
import { notices } from "./notices.ts";
import { npmPackage } from "./npm_package.ts";
import { startPlan } from "./start_plan.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Replaces what an earlier build left in `out`. */
export async function build(out: string): Promise<void> {
  const program = join(out, "shoal");
  const archive = join(out, `shoal-${manifest.version}.tgz`);
  for (const path of [program, archive]) await removed(path);
  await bundle(ROOT, program);
  const plan = startPlan(manifest);
  await Deno.writeTextFile(join(program, "shoal"), posixLauncher(plan), { mode: 0o755 });
  await Deno.writeTextFile(join(program, "shoal.cmd"), windowsLauncher(plan));
  await Deno.mkdir(join(program, "man"));
  await Deno.writeTextFile(join(program, "man/shoal.1"), manualPage(COMMANDS, manifest.version));
  await Deno.mkdir(join(program, "completions"));
  for (const [shell, script] of Object.entries(COMPLETION_SCRIPTS)) {
    await Deno.writeTextFile(join(program, "completions", `shoal.${shell}`), script(COMMANDS));
  }
  await Deno.copyFile(join(ROOT, "LICENSE"), join(program, "LICENSE"));
  await Deno.writeTextFile(
    join(program, "NOTICES.md"),
    await notices(ROOT, await scripts(program)),
  );
  await Deno.writeFile(archive, await npmPackage(ROOT, program, manifest));
}

async function removed(path: string): Promise<void> {
  try {
    await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function scripts(program: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(program));
  return await Promise.all(
    names.filter(({ name }) => name.endsWith(".js")).map(({ name }) =>
      Deno.readTextFile(join(program, name))
    ),
  );
}

if (import.meta.main) {
  const out = resolve(Deno.args[0] ?? join(ROOT, "dist"));
  await build(out);
  console.log(
    `Built ${out}: the folder shoal, and shoal-${manifest.version}.tgz for npm ` +
      "(without a network: npm install --offline)",
  );
}
