/**
 * uftp: the server pushes by multicast at a fixed rate, the clients are daemons. Which rate is best
 * depends on the link and the machine, so some are tried with a smaller file and the fastest is kept.
 * The first round trip is taken for 10 ms and the least for 1 ms, as on a local network. It proves
 * nothing without encryption, so `openssl dgst` follows.
 */
import { basename } from "@std/path/basename";
import { join } from "@std/path/join";
import type { Host } from "../lab/bed.ts";
import { Daemon } from "../measure/daemon.ts";
import { Run } from "../measure/run.ts";
import { makeFile } from "../lab/files.ts";
import { digest } from "./openssl.ts";
import { type Job, missingOf, type Tool } from "./tool.ts";

const MBIT_UNSHAPED = [400, 800, 1600, 3200];
const SHARES_OF_LINE = [0.88, 0.93, 0.97];
const PROBE_SECONDS_AT_LINE = 1;
const PROBE_MIB_MAX = 64;
const PROBE_BOUND_MS = 20_000;
const BUFFER_BYTES = 4 * 1024 * 1024;
/** With the headers, a packet of 1,500 bytes. */
const BLOCK_BYTES = 1440;
const PORT = 1044;

export const uftp: Tool = {
  name: "uftp + openssl dgst",
  usesTcp: false,
  leavesCopies: true,
  worksOnLoopback: false,
  missing: () => missingOf("uftp", "uftpd", "openssl"),
  async open(job) {
    const { bed, dir, names, workDir } = job;
    await using starting = new AsyncDisposableStack();
    const inboxes = new Map<Host, string>();
    const daemons: Daemon[] = [];
    for (const [index, host] of bed.clients.entries()) {
      const inbox = join(workDir, `inbox-${index}`);
      await Deno.mkdir(inbox);
      inboxes.set(host, inbox);
      const argv = ["uftpd", "-d", "-q", "-D", inbox, "-I", host.device, "-B", `${BUFFER_BYTES}`];
      daemons.push(starting.use(await Daemon.start({ host, argv, ready: { udp: PORT } })));
    }
    // A receiver writes into a folder of its own, and the file is then moved to that of the run.
    const send = async (run: Run, takers: readonly Run[], path: string, kbit: number) => {
      const name = basename(path);
      await run.exec("server", job.servers[0]!, [
        ...["uftp", "-q", "-R", String(kbit), "-b", String(BLOCK_BYTES)],
        ...["-B", String(BUFFER_BYTES), "-r", "0.01:0.001:1"],
        ...["-H", takers.map(({ client }) => client.address).join(",")],
        ...["-I", job.servers[0]!.device, path],
      ]);
      for (const { client, outDir } of takers) {
        await Deno.rename(join(inboxes.get(client)!, name), join(outDir, name));
      }
    };
    const kbit = await fastest(job, (run, path, kbit) => send(run, [run], path, kbit));
    const sendToAll = async (run: Run, takers: readonly Run[]): Promise<void> => {
      await send(run, takers, join(dir, names[0]!), kbit);
      await Promise.all(takers.map((each) => digest(each, each.client, each.outDir, names)));
    };
    const ends = starting.move();
    return {
      daemons: daemons.map((daemon) => ({ side: "client" as const, daemon })),
      note: `uftp -R ${kbit}, the fastest of those tried`,
      fetch: (run) => sendToAll(run, [run]),
      sendToAll,
      [Symbol.asyncDispose]: () => ends.disposeAsync(),
    };
  },
};

async function fastest(
  { bed, lineMbit, sizeBytes, workDir, signal }: Job,
  send: (run: Run, path: string, kbit: number) => Promise<void>,
): Promise<number> {
  const rates = lineMbit === undefined
    ? MBIT_UNSHAPED.map((mbit) => mbit * 1000)
    : SHARES_OF_LINE.map((share) => Math.round(share * lineMbit * 1000));
  const probe = join(workDir, "probe");
  const lineBytesPerS = (lineMbit ?? Infinity) * 1e6 / 8;
  const probeBytes = Math.min(
    sizeBytes,
    PROBE_MIB_MAX * 1024 * 1024,
    PROBE_SECONDS_AT_LINE * lineBytesPerS,
  );
  await makeFile(probe, probeBytes);
  const tried: { readonly kbit: number; readonly seconds: number }[] = [];
  let problem: unknown;
  for (const kbit of rates) {
    const outDir = join(workDir, `probe-${kbit}`);
    await Deno.mkdir(outDir);
    try {
      const options = {
        ...{ outDir, client: bed.client, boundMs: PROBE_BOUND_MS, daemons: [], signal },
      };
      const { seconds } = await Run.measure(options, (run) => send(run, probe, kbit));
      tried.push({ kbit, seconds });
    } catch (error) {
      signal.throwIfAborted();
      problem = error;
    }
    await Deno.remove(outDir, { recursive: true });
  }
  await Deno.remove(probe);
  const [best] = tried.toSorted((a, b) => a.seconds - b.seconds);
  if (best === undefined) throw problem;
  return best.kbit;
}
