/** The program as plain JavaScript: its entry, each worker an entry of its own, and the chunks that they share. */
import { join } from "@std/path/join";

/** What the entry is called in the bundle: Deno names what it installs after it. */
export const ENTRY = "shoal.js";

/** Bundles the project in `root` into the folder `out`. Throws when `deno bundle` fails. */
export async function bundle(root: string, out: string): Promise<void> {
  const workers = await Array.fromAsync(Deno.readDir(join(root, "workers")));
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "bundle",
      "--quiet",
      "--platform=deno",
      "--code-splitting",
      `--outdir=${out}`,
      "cli.ts",
      ...workers.map(({ name }) => `workers/${name}`).sort(),
    ],
    cwd: root,
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`deno bundle failed:\n${new TextDecoder().decode(stderr)}`);
  await Deno.rename(join(out, "cli.js"), join(out, ENTRY));
  for await (const path of scriptsIn(out)) {
    await Deno.writeTextFile(path, withoutBuildersPaths(await Deno.readTextFile(path)));
  }
}

/** Modules are named for their packages, and not for where whoever built this keeps them. */
function withoutBuildersPaths(script: string): string {
  return script.replace(
    /(?:\.\.\/)+(?:[^\s"'/]+\/)*npm\/[^\s"'/]+\/((?:@[^\s"'/]+\/)?[^\s"'/]+)\/([^\s"'/]+)\//g,
    "npm:$1@$2/",
  );
}

async function* scriptsIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* scriptsIn(path);
    else if (name.endsWith(".js")) yield path;
  }
}
