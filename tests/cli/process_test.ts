import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { canRunProcesses, freePort, runShoal, ShoalProcess } from "../support/shoal_process.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

function withProcess(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !canRunProcesses, fn });
}

async function until(isTrue: () => boolean, process: ShoalProcess): Promise<void> {
  const ended = process.exit().then(() => true);
  while (!isTrue()) {
    const hasEnded = await Promise.race([ended, process.change().then(() => false)]);
    if (hasEnded && !isTrue()) throw new Error(process.description());
  }
}

withProcess("a reader that goes away is no crash", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "cli.ts", "get", "--help"],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  await child.stdout.cancel();
  const { code } = await child.status;
  assertEquals([code, (await child.stderr.bytes()).length], [0, 0]);
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  withProcess(`${signal} ends a get with 130 and the command that goes on`, async () => {
    const port = String(freePort());
    await using get = new ShoalProcess(["get", "nothing", "-p", port], { json: false });
    await until(() => get.stdout.includes("Broadcasting request"), get);
    get.signal(signal);
    assertEquals(await get.exit(), 130, get.description());
    assertMatch(get.stderr, /^error: interrupted[^\n]*\nhint: .*cli\.ts get nothing -p \d+\n$/);
  });

  withProcess(`${signal} ends a server`, async () => {
    const port = String(freePort());
    await using server = new ShoalProcess(["server", `${ROOT}/data`, "-p", port], { json: false });
    await until(() => server.stdout.includes("Waiting for client to request"), server);
    server.signal(signal);
    assertEquals(await server.exit(), 130, server.description());
    assertEquals(server.stderr, "");
    assertStringIncludes(server.stdout, "Stopped.\n");
  });
}

withProcess("the permission set for get is enough, and nothing is asked for", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-P=get", "--no-prompt", "cli.ts", "get", "nothing"].concat(
      ["--timeout", "0.2", "--retries", "1", "-p", String(freePort()), "--json"],
    ),
    cwd: ROOT,
    env: { SHOAL_BROADCAST: "127.255.255.255" },
    stdin: "null",
  });
  const { code, stdout } = await child.output();
  const text = new TextDecoder().decode(stdout);
  assertEquals(code, 3, text);
  assertStringIncludes(text, '"code":"no_server"');
});

withProcess("wrong usage ends with 2 and says so on stderr", async () => {
  const { code, stderr, stdout } = await runShoal(["get", "a", "--port", "0"], { json: false });
  assertEquals([code, stdout], [2, ""]);
  assertMatch(stderr, /^error: .*\nhint: .*\n$/);
});
