/**
 * rsync from its daemon, without SSH: whole files, since there is nothing to compare with. It checks
 * each file with a hash of its own choice.
 */
import { join } from "node:path";
import { Daemon } from "../measure/daemon.ts";
import { type Job, missingOf, type Tool } from "./tool.ts";

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

export const rsync: Tool = {
  name: "rsync daemon",
  usesTcp: true,
  leavesCopies: true,
  worksOnLoopback: true,
  missing: () => missingOf("rsync"),
  async open(job) {
    const { bed, names, workDir } = job;
    const list = join(workDir, "names");
    await Deno.writeTextFile(list, names.map((name) => `${name}\n`).join(""));
    const { daemon, url } = await startRsyncDaemon(job);
    return {
      daemons: [{ side: "server", daemon }],
      fetch: (run) =>
        run.exec("client", bed.client, [
          ...["rsync", "--whole-file", "--times", `--files-from=${list}`],
          ...[`${url}/`, `${run.outDir}/`],
        ]),
      [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
    };
  },
};
