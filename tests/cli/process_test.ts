import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { withFolder } from "../support/folder.ts";
import {
  canRunProcesses,
  CLI_COMMAND,
  CLI_ENV,
  freePort,
  runShoal,
  ShoalProcess,
} from "../support/shoal_process.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

type Env = Readonly<Record<string, string>>;

/** With a cache folder of its own: the user's is none of a test's business. */
function withProcess(name: string, fn: (env: Env) => Promise<void>): void {
  Deno.test({
    name,
    ignore: !canRunProcesses,
    fn: () => withFolder({}, (cache) => fn({ XDG_CACHE_HOME: cache })),
  });
}

async function until(isTrue: () => boolean, process: ShoalProcess): Promise<void> {
  const ended = process.exit().then(() => true);
  while (!isTrue()) {
    const hasEnded = await Promise.race([ended, process.change().then(() => false)]);
    if (hasEnded && !isTrue()) throw new Error(process.description());
  }
}

withProcess("a reader that goes away is no crash", async (env) => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "cli.ts", "get", "--help"],
    cwd: ROOT,
    env: { ...CLI_ENV, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  const { code } = await child.status;
  assertEquals([code, (await child.stderr.bytes()).length], [0, 0]);
});

withProcess("what is said to a standard output that is closed is a failure", async (env) => {
  // Only there can it be told.
  if (Deno.build.os !== "linux") return;
  const codeOf = async (where: string): Promise<number> => {
    const args = ["-c", `"$@" ${where}`, "sh", ...CLI_COMMAND, "hash", `${ROOT}/data/example.txt`];
    const { code, stderr } = await new Deno.Command("sh", { args, env: { ...CLI_ENV, ...env } })
      .output();
    const words = new TextDecoder().decode(stderr);
    assertEquals(words.includes("standard output is closed"), where === ">&-", words);
    return code;
  };
  assertEquals([await codeOf(">&-"), await codeOf(">/dev/null")], [1, 0]);
});

withProcess("one Ctrl-C ends a command that waits for its secret", async (env) => {
  // Only there it can be told when the signal is listened to.
  if (Deno.build.os !== "linux") return;
  await using list = new ShoalProcess(["list", "--secret", "-"], { env, hasInput: true });
  const isListening = (): boolean => {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(
      Deno.readTextFileSync(`/proc/${list.pid}/status`),
    );
    return (BigInt(`0x${caught?.[1] ?? "0"}`) & 2n) !== 0n;
  };
  while (!isListening()) await new Promise((resolve) => setTimeout(resolve, 10));
  list.signal("SIGINT");
  assertEquals(await list.exit(), 130, list.description());
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  withProcess(`${signal} ends a get with 130 and the command that resumes it`, async (env) => {
    const port = String(freePort());
    await using get = new ShoalProcess(["get", "nothing", "-p", port], { json: false, env });
    await until(() => get.stdout.includes("Broadcasting request"), get);
    get.signal(signal);
    assertEquals(await get.exit(), 130, get.description());
    assertMatch(get.stderr, /^error: interrupted[^\n]*\nhint: .*cli\.ts get nothing -p \d+\n$/);
  });

  withProcess(`${signal} ends a server`, async (env) => {
    const port = String(freePort());
    await using server = new ShoalProcess(["server", `${ROOT}/data`, "-p", port], {
      json: false,
      env,
    });
    await until(() => server.stdout.includes("Waiting for client to request"), server);
    server.signal(signal);
    assertEquals(await server.exit(), 0, server.description());
    assertEquals(server.stderr, "");
    assertStringIncludes(server.stdout, "Stopped.\n");
  });
}

withProcess("a task calls itself a task, and takes paths from where it was typed", async (env) => {
  const { INIT_CWD: _, ...typedHere } = Deno.env.toObject();
  const task = async (...args: string[]) => {
    const process = new Deno.Command(Deno.execPath(), {
      args: ["task", ...args],
      cwd: `${ROOT}/data`,
      // A task that runs in a task is told where that was typed: these tests may be run by one.
      clearEnv: true,
      env: { ...typedHere, ...CLI_ENV, ...env },
      stdin: "null",
    });
    const { code, stdout, stderr } = await process.output();
    const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    return { code, out: out!, err: err! };
  };
  const hashed = await task("hash", "example.txt");
  assertEquals(hashed.code, 0, hashed.err);
  assertStringIncludes(hashed.out, "example.txt");
  const { code, err } = await task("hash");
  assertEquals(code, 2);
  // Only Linux tells which Deno it was.
  const deno = Deno.build.os === "linux" ? Deno.execPath() : "deno";
  assertStringIncludes(err, `hint: Run \`${deno} task hash --help\` for examples.`);
});

withProcess("one Ctrl-C that arrives twice is one, and says how to resume", async (env) => {
  const port = String(freePort());
  await using get = new ShoalProcess(["get", "nothing", "-p", port], { json: false, env });
  await until(() => get.stdout.includes("Broadcasting request"), get);
  get.signal("SIGINT");
  get.signal("SIGTERM");
  get.signal("SIGINT");
  assertEquals(await get.exit(), 130, get.description());
  assertMatch(get.stderr, /^error: interrupted[^\n]*\nhint: To resume: .* get nothing -p \d+\n$/);
});

withProcess("Ctrl-C in a task, which the task passes on, says how to resume", async (env) => {
  const port = String(freePort());
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "get", "nothing", "-p", port],
    cwd: ROOT,
    env: { ...CLI_ENV, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    // A process group of its own, which a terminal would send its signal to.
    detached: true,
  }).spawn();
  const stderr = new Response(child.stderr).text();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  for (let said = ""; !said.includes("Broadcasting request");) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`ended: ${said} ${await stderr}`);
    said += value;
  }
  await new Deno.Command("kill", { args: ["-INT", "--", `-${child.pid}`] }).output();
  await reader.cancel();
  assertEquals((await child.status).code, 130);
  assertMatch(await stderr, /hint: To resume: .* task --quiet get nothing -p \d+\n$/);
});

withProcess("a second Ctrl-C that is meant ends at once whatever still runs", async () => {
  const script = `
    import { abortOnSignals } from "${new URL("../../lib/io/system/terminal.ts", import.meta.url)}";
    let abortedMs = Infinity;
    const signal = abortOnSignals(() => Deno.exit(performance.now() - abortedMs >= 500 ? 7 : 8));
    signal.addEventListener("abort", () => abortedMs = performance.now());
    setInterval(() => {}, 1_000);
    console.log("here");
  `;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", script],
    cwd: ROOT,
    env: CLI_ENV,
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  // Somebody who hammers on the keys.
  const ended = child.status.finally(() => clearInterval(hammer));
  let strokes = 0;
  const hammer = setInterval(() => {
    try {
      child.kill(++strokes < 1_000 ? "SIGINT" : "SIGKILL");
    } catch {
      // It has just ended.
    }
  }, 20);
  const { code } = await ended;
  await reader.cancel();
  assertEquals(code, 7);
});

withProcess("the permission sets are enough to offer and to fetch in clear", async (env) => {
  const port = String(freePort());
  const out = `downloads/test-${port}`;
  const [asServer, asGet] = ["-P=server", "-P=get"].map((permissions) => ({
    permissions,
    cwd: ROOT,
    env,
  }));
  await using server = new ShoalProcess(["server", "-p", port, "--no-secret"], asServer);
  await server.event(({ event }) => event === "ready");
  try {
    const { code, process } = await runShoal(
      ["get", "example.txt", "-p", port, "--out", out, "--no-secret"],
      asGet,
    );
    assertEquals(code, 0, process.description());
    const [fetched, offered] = [`${ROOT}/${out}/example.txt`, `${ROOT}/data/example.txt`];
    assertEquals(await Deno.readTextFile(fetched), await Deno.readTextFile(offered));
  } finally {
    await Deno.remove(`${ROOT}/${out}`, { recursive: true });
  }
});

withProcess("wrong usage ends with 2 and says so on stderr", async (env) => {
  const { code, stderr, stdout } = await runShoal(["get", "a", "--port", "0"], {
    json: false,
    env,
  });
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^error: .*\nhint: .*\n$/);
});
