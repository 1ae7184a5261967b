/** libtorrent 2 through its Python module, one seeder a server; see libtorrent_peer.py. */
import { join } from "@std/path/join";
import type { Host } from "../lab/bed.ts";
import { run } from "../lab/command.ts";
import { Daemon } from "../measure/daemon.ts";
import { installed, type Tool } from "./tool.ts";

const PEER = new URL("libtorrent_peer.py", import.meta.url).pathname;

/** The Python that has the module: a system package serves the system's Python only. */
export async function libtorrentPython(): Promise<string | undefined> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    const check = "import libtorrent; assert libtorrent.__version__ >= '2'";
    if ((await run(python, "-c", check)).ok) return python;
  }
  return undefined;
}

export const libtorrent: Tool = {
  name: "libtorrent (BitTorrent v2)",
  usesTcp: true,
  leavesCopies: true,
  worksOnLoopback: true,
  missing: async () =>
    await libtorrentPython() === undefined ? "libtorrent 2 for python3" : undefined,
  async open({ bed, servers, dir, names, workDir }) {
    const python = await libtorrentPython() ?? await installed("python3");
    const torrent = join(workDir, "libtorrent.torrent");
    const made = await run(python, PEER, "make", join(dir, names[0]!), torrent);
    if (!made.ok) throw new Error(made.text.trim());
    await using starting = new AsyncDisposableStack();
    const seeders: { readonly daemon: Daemon; readonly address: string }[] = [];
    for (const host of servers) {
      const port = bed.port();
      const daemon = await Daemon.start({
        host,
        argv: [python, PEER, "seed", torrent, dir, String(port)],
        ready: { tcp: port },
      });
      starting.use(daemon);
      seeders.push({ daemon, address: `${host.address}:${port}` });
    }
    const clientPort = bed.port();
    const ends = starting.move();
    return {
      daemons: seeders.map(({ daemon }) => ({ side: "server", daemon })),
      fetch: (run) =>
        run.exec("client", run.client, [
          ...[python, PEER, "fetch", torrent, run.outDir, String(clientPort)],
          ...seeders.map(({ address }) => address),
          ...others(bed.clients, run.client, clientPort),
        ]),
      [Symbol.asyncDispose]: () => ends.disposeAsync(),
    };
  },
};

/** Whoever else may fetch at the same time: whoever comes later finds those who are there. */
function others(clients: readonly Host[], own: Host, port: number): string[] {
  return clients.filter((each) => each !== own).map(({ address }) => `${address}:${port}`);
}
