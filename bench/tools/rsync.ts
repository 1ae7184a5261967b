/**
 * rsync from its daemon, without SSH: whole files, since there is nothing to compare with. It checks
 * each file with a hash of its own choice.
 */
import { join } from "@std/path/join";
import { Daemon } from "../measure/daemon.ts";
import { type Job, missingOf, type Session, type Tool } from "./tool.ts";

/** Offers `dir` read-only on the first server; a file's address is `url`, a slash and its name. */
export async function startRsyncDaemon(
  { bed, servers, dir, workDir }: Job,
): Promise<{ daemon: Daemon; url: string }> {
  const host = servers[0]!;
  const port = bed.port();
  const config = join(workDir, "rsyncd.conf");
  const identity = Deno.uid() === 0 ? "uid = root\ngid = root\n" : "";
  await Deno.writeTextFile(
    config,
    `use chroot = no\nreverse lookup = no\n${identity}[files]\npath = ${dir}\nread only = yes\n`,
  );
  const daemon = await Daemon.start({
    host,
    argv: ["rsync", "--daemon", "--no-detach", `--config=${config}`, `--port=${port}`],
    ready: { tcp: port },
  });
  return { daemon, url: `rsync://${host.address}:${port}/files` };
}

export const rsync: Tool = rsyncTool("rsync daemon", []);
export const rsyncZstd: Tool = rsyncTool("rsync -z, zstd 1", [
  ...["--compress", "--compress-choice=zstd", "--compress-level=1"],
]);

function rsyncTool(name: string, options: readonly string[]): Tool {
  return {
    name,
    usesTcp: true,
    leavesCopies: true,
    worksOnLoopback: true,
    missing: () => missingOf("rsync"),
    open: (job) => openRsync(job, options),
  };
}

async function openRsync(job: Job, options: readonly string[]): Promise<Session> {
  const { names, workDir } = job;
  const list = join(workDir, "names");
  await Deno.writeTextFile(list, names.map((name) => `${name}\n`).join(""));
  const { daemon, url } = await startRsyncDaemon(job);
  return {
    daemons: [{ side: "server", daemon }],
    fetch: (run) =>
      run.exec("client", run.client, [
        ...["rsync", "--whole-file", "--times", ...options, `--files-from=${list}`],
        ...[`${url}/`, `${run.outDir}/`],
      ]),
    [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
  };
}
