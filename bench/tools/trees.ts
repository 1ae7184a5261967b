/** Tools that move a folder as it is: its names, times and modes with its bytes. */
import { join } from "@std/path/join";
import { startRsyncDaemon } from "./rsync.ts";
import { installed, missingOf, type Tool } from "./tool.ts";

/** Whole files; what is there already is known by size and time. */
export const rsyncTree: Tool = {
  name: "rsync -a, daemon",
  usesTcp: true,
  leavesCopies: true,
  worksOnLoopback: true,
  missing: () => missingOf("rsync"),
  async open(job) {
    const { names } = job;
    const { daemon, url } = await startRsyncDaemon(job);
    return {
      daemons: [{ side: "server", daemon }],
      async fetch(run) {
        for (const name of names) {
          const to = join(run.outDir, name);
          await run.exec("client", run.client, ["rsync", "-a", `${url}/${name}`, to]);
        }
      },
      [Symbol.asyncDispose]: () => daemon[Symbol.asyncDispose](),
    };
  },
};

/** Nothing is asked, and nothing proved. */
export const tarPipe: Tool = {
  name: "tar | nc",
  usesTcp: true,
  leavesCopies: true,
  worksOnLoopback: true,
  missing: () => missingOf("tar", "nc"),
  async open({ bed, servers, dir, names }) {
    const [host] = servers;
    const nc = await installed("nc");
    return {
      daemons: [],
      async fetch(run) {
        const port = String(bed.port());
        const folders = names.map((name) => `"${name}"`).join(" ");
        const send = `tar -C "${dir}" -c ${folders} | "$0" -N -l ${port}`;
        // Until the other end listens there is nothing to unpack, which tar takes for a failure.
        const receive = `until "$0" ${host!.address} ${port} </dev/null | tar -C "${run.outDir}" -x
          do sleep 0.01; done`;
        await Promise.all([
          run.exec("server", host!, ["sh", "-c", send, nc]),
          run.exec("client", run.client, ["sh", "-c", receive, nc]),
        ]);
      },
      [Symbol.asyncDispose]: async () => {},
    };
  },
};

/** The same, and then all that was written is on the disk for good. */
export function thenSynced(tool: Tool): Tool {
  return {
    ...tool,
    name: `${tool.name}, sync -f`,
    async open(job) {
      const session = await tool.open(job);
      return {
        ...session,
        async fetch(run) {
          await session.fetch(run);
          await run.exec("client", run.client, ["sync", "-f", run.outDir]);
        },
        [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
      };
    },
  };
}
