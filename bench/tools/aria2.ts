/**
 * aria2, as a BitTorrent client and as a downloader from several HTTP mirrors.
 *
 * As BitTorrent it checks the SHA-1 of each piece; peers come from a tracker of ours, clients among them, and everything
 * that searches for others is off. It reads and writes through the page cache, plain connections, no
 * limits. It looks up once a second whether there is somebody to connect to or something to end, so its
 * own seconds, until the last byte was written, are told as well. From mirrors it fetches parts of one file on a connection a mirror, and proves nothing, so
 * `openssl dgst` follows.
 */
import { join } from "@std/path/join";
import { Daemon } from "../measure/daemon.ts";
import { type HttpServer, missingHttpServer, startHttpServer } from "./http_server.ts";
import { digest } from "./openssl.ts";
import { missingOf, type Tool } from "./tool.ts";
import { torrentOf } from "./torrent.ts";

const TRACKER = new URL("tracker.ts", import.meta.url).pathname;
const QUIET = ["--no-conf", "--quiet", "--disable-ipv6", "--file-allocation=none"];
const ALONE = [
  ...["--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false"],
  ...["--enable-peer-exchange=false", "--bt-max-peers=0", "--bt-require-crypto=false"],
  // Its own default caches 16 MiB; pieces are checked before they leave the cache.
  "--disk-cache=64M",
];

export const aria2Torrent: Tool = {
  name: "aria2 (BitTorrent)",
  usesTcp: true,
  leavesCopies: true,
  worksOnLoopback: true,
  missing: () => missingOf("aria2c"),
  async open({ bed, servers, dir, names, workDir }) {
    await using starting = new AsyncDisposableStack();
    const peers = servers.map((host) => ({ host, port: bed.port() }));
    const trackerPort = bed.port();
    const trackerHost = servers[0]!;
    const tracker = `http://${trackerHost.address}:${trackerPort}/announce`;
    const torrent = join(workDir, "aria2.torrent");
    await Deno.writeFile(torrent, await torrentOf(dir, names[0]!, tracker));
    const addresses = peers.map(({ host, port }) => `${host.address}:${port}`);
    starting.use(
      await Daemon.start({
        host: trackerHost,
        argv: [Deno.execPath(), "run", "-A", TRACKER, String(trackerPort), ...addresses],
        ready: { tcp: trackerPort },
      }),
    );
    const seeders: Daemon[] = [];
    for (const { host, port } of peers) {
      const argv = [
        ...["aria2c", ...QUIET, ...ALONE, `--dir=${dir}`, `--listen-port=${port}`],
        ...["--seed-ratio=0", "--bt-seed-unverified=true", "--check-integrity=false", torrent],
      ];
      seeders.push(starting.use(await Daemon.start({ host, argv, ready: { tcp: port } })));
    }
    const clientPort = bed.port();
    const ends = starting.move();
    return {
      daemons: seeders.map((daemon) => ({ side: "server", daemon })),
      async fetch(run) {
        const [startMs, startedAtMs] = [performance.now(), Date.now()];
        await run.exec("client", run.client, [
          ...["aria2c", ...QUIET, ...ALONE, `--dir=${run.outDir}`, "--seed-time=0"],
          ...[`--listen-port=${clientPort}`, torrent],
        ]);
        const { mtime } = await Deno.stat(join(run.outDir, names[0]!));
        run.own = { startMs, endMs: startMs + mtime!.getTime() - startedAtMs };
      },
      [Symbol.asyncDispose]: () => ends.disposeAsync(),
    };
  },
};

export const aria2Mirrors: Tool = {
  name: "aria2 (HTTP mirrors) + openssl dgst",
  usesTcp: true,
  leavesCopies: true,
  worksOnLoopback: true,
  missing: async () => await missingOf("aria2c", "openssl") ?? await missingHttpServer(),
  async open({ bed, servers, dir, names, workDir }) {
    await using starting = new AsyncDisposableStack();
    const mirrors: HttpServer[] = [];
    for (const host of servers) {
      const mirror = await startHttpServer(bed, host, dir, workDir);
      starting.use(mirror.daemon);
      mirrors.push(mirror);
    }
    const ends = starting.move();
    return {
      daemons: mirrors.map(({ daemon }) => ({ side: "server", daemon })),
      async fetch(run) {
        await run.exec("client", run.client, [
          ...["aria2c", ...QUIET, `--dir=${run.outDir}`, `--split=${servers.length}`],
          ...["--min-split-size=1M", "--max-connection-per-server=1", "--uri-selector=inorder"],
          ...mirrors.map(({ url }) => url(names[0]!)),
        ]);
        await digest(run, run.client, run.outDir, names);
      },
      [Symbol.asyncDispose]: () => ends.disposeAsync(),
    };
  },
};
