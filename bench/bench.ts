/**
 * How long a file takes, beside what the same machine needs for the hash alone and for an unverified
 * copy over HTTP; in turns, in one run, on loopback. Prints medians and ratios and writes
 * bench/RESULTS.md. Machines drift: only figures of one run may be compared.
 *
 * `deno task bench [--size MIB] [--runs N]`
 */
import { parseArgs } from "@std/cli/parse-args";
import { join } from "@std/path";

const MIB = 1024 * 1024;
const CLI = new URL("../cli.ts", import.meta.url).pathname;
const RESULTS = new URL("RESULTS.md", import.meta.url);
const RUN_TIMEOUT_MS = 120_000;

interface Contender {
  readonly name: string;
  /** Seconds that one transfer took. */
  readonly run: (out: string) => Promise<number>;
}

const args = parseArgs(Deno.args, { string: ["size", "runs"] });
const sizeMib = Number(args["size"] ?? 256);
const runs = Number(args["runs"] ?? 5);

const scratch = await Deno.makeTempDir({ dir: await tmpfs(), prefix: "shoal-bench-" });
const children: Deno.ChildProcess[] = [];
try {
  await measure();
} finally {
  for (const child of children) {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await child.status;
  }
  await Deno.remove(scratch, { recursive: true });
}

async function measure(): Promise<void> {
  const served = join(scratch, "served");
  await Deno.mkdir(served);
  const file = join(served, "bench.bin");
  await makeFile(file);
  const contenders = await startContenders(served, file);
  const seconds = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < runs; round++) {
    for (const { name, run } of contenders) {
      const out = await Deno.makeTempDir({ dir: scratch });
      seconds.get(name)!.push(await run(out));
      await Deno.remove(out, { recursive: true });
    }
  }
  await report(seconds);
}

async function startContenders(served: string, file: string): Promise<Contender[]> {
  const contenders: Contender[] = [];
  if (await has("openssl")) {
    contenders.push({
      name: "openssl dgst -sha256",
      run: () => timed("openssl", "dgst", "-sha256", file),
    });
  }
  const port = await startShoal(served);
  contenders.push({
    name: "shoal get",
    run: async (out) => {
      const output = await captured(
        ...[Deno.execPath(), "run", "-A", CLI, "get", "bench.bin"],
        ...["--port", port, "--out", out, "--json"],
      );
      const done = output.split("\n").find((line) => line.includes('"event":"done"'));
      if (done === undefined) throw new Error(`get failed: ${output.slice(-500)}`);
      return (JSON.parse(done) as { seconds: number }).seconds;
    },
  });
  if (await has("curl") && await has("python3") && await has("openssl")) {
    const url = await startHttp(served);
    contenders.push({
      name: "curl from python http.server, then openssl dgst",
      run: async (out) => {
        const path = join(out, "bench.bin");
        const copied = await timed("curl", "-sSf", "-o", path, url);
        return copied + await timed("openssl", "dgst", "-sha256", path);
      },
    });
  } else console.log("skipped: curl, python3 or openssl is missing");
  return contenders;
}

async function startShoal(served: string): Promise<string> {
  const cache = join(scratch, "cache");
  const port = String(freePort());
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", CLI, "server", served, "--port", port, "--json"],
    env: { SHOAL_BROADCAST: "127.255.255.255", DENO_DIR: denoDir(), XDG_CACHE_HOME: cache },
    stdout: "piped",
    stderr: "inherit",
    stdin: "null",
  }).spawn();
  children.push(child);
  await lineOf(child, '"event":"ready"');
  // The first get waits for the index; it is not measured.
  const out = await Deno.makeTempDir({ dir: scratch });
  await captured(
    ...[Deno.execPath(), "run", "-A", CLI, "get", "bench.bin"],
    ...["--port", port, "--out", out, "--json"],
  );
  await Deno.remove(out, { recursive: true });
  return port;
}

async function startHttp(served: string): Promise<string> {
  const child = new Deno.Command("python3", {
    args: ["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", served],
    stdout: "piped",
    stderr: "null",
    stdin: "null",
  }).spawn();
  children.push(child);
  const line = await lineOf(child, "Serving HTTP");
  return `http://127.0.0.1:${/port (\d+)/.exec(line)?.[1]}/bench.bin`;
}

/** The first line of a child's output that contains `text`; the rest is read and left. */
async function lineOf(child: Deno.ChildProcess, text: string): Promise<string> {
  const found = Promise.withResolvers<string>();
  (async () => {
    let rest = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      rest = (rest + chunk).slice(-10_000);
      const line = rest.split("\n").find((each) => each.includes(text));
      if (line !== undefined) found.resolve(line);
    }
    found.reject(new Error(`ended before it said ${text}`));
  })();
  return await found.promise;
}

async function report(seconds: ReadonlyMap<string, readonly number[]>): Promise<void> {
  const medians = new Map([...seconds].map(([name, each]) => [name, median(each)]));
  const hash = medians.get("openssl dgst -sha256");
  const rows = [...medians].map(([name, median]) => {
    const rate = (sizeMib * MIB / median / 1e6).toFixed(0);
    const ratio = hash === undefined ? "–" : (median / hash).toFixed(2);
    return `| ${name} | ${median.toFixed(2)} | ${rate} | ${ratio} |`;
  });
  const text = [
    "# Results",
    "",
    `${sizeMib} MiB over loopback, medians of ${runs} runs in turns; ` +
    `${navigator.hardwareConcurrency} cores, ${Deno.build.target}, Deno ${Deno.version.deno}.`,
    "H is the time of `openssl dgst -sha256` on the same file in the same run.",
    "",
    "| what | seconds | MB/s | × H |",
    "|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
  console.log(text);
  await Deno.writeTextFile(RESULTS, text);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function makeFile(path: string): Promise<void> {
  using file = await Deno.create(path);
  const block = new Uint8Array(65_536);
  for (let written = 0; written < sizeMib * MIB; written += block.length) {
    crypto.getRandomValues(block);
    await file.write(block);
  }
  const past = new Date(Date.now() - 60_000);
  await Deno.utime(path, past, past);
}

async function timed(...command: string[]): Promise<number> {
  const started = performance.now();
  await captured(...command);
  return (performance.now() - started) / 1000;
}

async function captured(...command: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command[0]!, {
    args: command.slice(1),
    env: { SHOAL_BROADCAST: "127.255.255.255" },
    stdin: "null",
    signal: AbortSignal.timeout(RUN_TIMEOUT_MS),
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(`${command.join(" ")}: ${text}${new TextDecoder().decode(stderr)}`);
  return text;
}

async function has(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`] })
    .output();
  return success;
}

/** Deno's own cache, which stays where it is while the index gets a place of its own. */
function denoDir(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "", ".cache");
  return Deno.env.get("DENO_DIR") ?? join(cache, "deno");
}

/** Where files live in memory, so that no disk is measured. */
async function tmpfs(): Promise<string> {
  try {
    await Deno.stat("/dev/shm");
    return "/dev/shm";
  } catch {
    return Deno.env.get("TMPDIR") ?? "/tmp";
  }
}

function freePort(): number {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const { port } = socket.addr as Deno.NetAddr;
  socket.close();
  return port;
}
