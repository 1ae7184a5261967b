/** The package for npm: the same program, started by Node, with Deno as what it would like to have beside it. */
import { join } from "@std/path/join";
import { relative } from "@std/path/relative";
import { type Manifest, startPlan } from "./start_plan.ts";
import { type ArchivedFile, tarball } from "./tarball.ts";

const LAUNCHER = "bin/shoal.js";
const MANUAL = "man/shoal.1";
/** What npm names the folder in its archives. */
const TOP = "package";
/** Of the program, only what Node's launcher doesn't stand in for. */
const OTHER_LAUNCHERS = new Set(["shoal", "shoal.cmd"]);

/** `program` is the folder of the bundle; what is in it is packed. */
export async function npmPackage(
  root: string,
  program: string,
  manifest: Manifest,
): Promise<Uint8Array> {
  const text = (path: string, content: string, isExecutable = false): ArchivedFile => ({
    path: `${TOP}/${path}`,
    bytes: new TextEncoder().encode(content),
    isExecutable,
  });
  const own = [
    text("package.json", `${JSON.stringify(packageManifest(manifest), null, 2)}\n`),
    text(LAUNCHER, await Deno.readTextFile(join(root, "tools/npm_launcher.js")), true),
    text("README.md", await Deno.readTextFile(join(root, "README.md"))),
    text("program/start.json", JSON.stringify(startPlan(manifest))),
  ];
  const packed = await Array.fromAsync(filesIn(program), async (path): Promise<ArchivedFile> => {
    const name = relative(program, path).replaceAll("\\", "/");
    const isOwn = name === MANUAL || !name.includes("/") && /^[A-Z]+(\.md)?$/.test(name);
    return {
      path: `${TOP}/${isOwn ? "" : "program/"}${name}`,
      bytes: await Deno.readFile(path),
      isExecutable: false,
    };
  });
  const files = [
    ...own,
    ...packed.filter(({ path }) => !OTHER_LAUNCHERS.has(path.slice(path.lastIndexOf("/") + 1))),
  ];
  return tarball(files.sort((a, b) => a.path < b.path ? -1 : 1));
}

function packageManifest({ name, version, license }: Manifest) {
  return {
    name,
    version,
    license,
    description: "Moves files between the machines of one network",
    type: "module",
    bin: { shoal: LAUNCHER },
    man: [MANUAL],
    // The Deno that this was built and tried with, for who has none in the PATH.
    optionalDependencies: { deno: Deno.version.deno },
  };
}

async function* filesIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* filesIn(path);
    else yield path;
  }
}
