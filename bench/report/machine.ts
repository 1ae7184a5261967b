/** What a result depends on besides the tools' merit: the machine, and the versions of everything. */
import { run } from "../lab/command.ts";
import { libtorrentPython } from "../tools/libtorrent.ts";
import { ROOT } from "../tools/shoal.ts";

export async function machine(): Promise<string> {
  const cpuinfo = await Deno.readTextFile("/proc/cpuinfo").catch(() => "");
  const model = /^model name\s*: (.*)$/m.exec(cpuinfo)?.[1] ?? Deno.build.arch;
  const hasSha = /^(?:flags|Features)\s*:.* (?:sha_ni|sha2)\b/m.test(cpuinfo);
  const cores = navigator.hardwareConcurrency;
  const sha = hasSha ? "with SHA instructions" : "without SHA instructions";
  return `${model}, ${cores} cores, ${sha}; ${Deno.build.os} ${Deno.osRelease()}`;
}

/** What of the project a result depends on. */
const MEASURED = ["cli.ts", "mod.ts", "deno.json", "lib", "workers"];

interface Probe {
  readonly name: string;
  readonly argv: readonly string[];
  /** Finds the version in what the program says. */
  readonly pattern: RegExp;
}

const PROBES: readonly Probe[] = [
  { name: "openssl", argv: ["openssl", "version"], pattern: /OpenSSL (\S+)/ },
  { name: "curl", argv: ["curl", "--version"], pattern: /curl (\S+)/ },
  { name: "nginx", argv: ["nginx", "-v"], pattern: /nginx\/(\S+)/ },
  { name: "rsync", argv: ["rsync", "--version"], pattern: /version (\S+)/ },
  { name: "aria2", argv: ["aria2c", "--version"], pattern: /version (\S+)/ },
  // These two do not say themselves.
  { name: "uftp", argv: ["dpkg-query", "-Wf", "v${Version}", "uftp"], pattern: /^v(\S+)/ },
  { name: "udpcast", argv: ["dpkg-query", "-Wf", "v${Version}", "udpcast"], pattern: /^v(\S+)/ },
  { name: "OpenSSH", argv: ["ssh", "-V"], pattern: /OpenSSH_([^\s,]+)/ },
];

/** Of what is installed. */
export async function versions(): Promise<string> {
  const found = [`Deno ${Deno.version.deno}`];
  const commit = await run("git", "-C", ROOT, "rev-parse", "--short", "HEAD");
  const unchanged = await run("git", "-C", ROOT, "diff", "--quiet", "HEAD", "--", ...MEASURED);
  if (commit.ok) found.unshift(`Shoal ${commit.text.trim()}${unchanged.ok ? "" : ", changed"}`);
  for (const { name, argv, pattern } of PROBES) {
    const { text } = await run(...argv);
    const version = pattern.exec(text)?.[1];
    if (version !== undefined) found.push(`${name} ${version}`);
  }
  const python = await libtorrentPython();
  if (python !== undefined) {
    const { text } = await run(python, "-c", "import libtorrent; print(libtorrent.__version__)");
    found.push(`libtorrent ${text.trim()}`);
  }
  return found.join(", ");
}
