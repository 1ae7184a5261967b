/** What the licenses of bundled packages ask for: their names, their authors and their texts. */
import { join } from "@std/path/join";

interface PackageInfo {
  readonly name: string;
  readonly version: string;
  readonly localPath: string;
}

interface PackageManifest {
  readonly license?: string;
  readonly author?: string | { readonly name?: string };
  readonly homepage?: string;
}

const LICENSE_NAMES = ["LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE"];

/** `bundledScripts` say in their comments which packages they hold. */
export async function notices(root: string, bundledScripts: readonly string[]): Promise<string> {
  const held = new Set(
    bundledScripts.flatMap((script) =>
      [...script.matchAll(/^\/\/ npm:((?:@[^/\s]+\/)?[^@\s]+@[^/\s]+)\//gm)].map(([, name]) =>
        name!
      )
    ),
  );
  const all = await packagesOf(root);
  const sections = await Promise.all([...held].sort().map((name) => section(name, all.get(name))));
  return ["# Packages in this bundle\n", ...sections].join("\n");
}

async function packagesOf(root: string): Promise<ReadonlyMap<string, PackageInfo>> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", "cli.ts"],
    cwd: root,
    stderr: "null",
  }).output();
  const { npmPackages } = JSON.parse(new TextDecoder().decode(stdout)) as {
    readonly npmPackages: Readonly<Record<string, PackageInfo>>;
  };
  return new Map(Object.values(npmPackages).map((each) => [`${each.name}@${each.version}`, each]));
}

/** Throws where nothing is known of a package that is in the bundle. */
async function section(name: string, found: PackageInfo | undefined): Promise<string> {
  if (found === undefined) throw new Error(`${name} is bundled, and deno info does not know it`);
  const manifest = JSON.parse(
    await Deno.readTextFile(join(found.localPath, "package.json")),
  ) as PackageManifest;
  const { license, author, homepage } = manifest;
  if (license === undefined) throw new Error(`${name} does not say its license`);
  const by = typeof author === "string" ? author : author?.name;
  const about = [license, ...(by === undefined ? [] : [by]), ...(homepage ? [homepage] : [])];
  const text = await licenseText(found.localPath);
  return `## ${name}\n\n${about.join(", ")}\n${text === undefined ? "" : `\n${text.trim()}\n`}`;
}

async function licenseText(folder: string): Promise<string | undefined> {
  for (const name of LICENSE_NAMES) {
    try {
      return await Deno.readTextFile(join(folder, name));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}
