/** Programs that Deno allows too little: they say what, and by which flag it is allowed, and nothing else. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { e2e } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

const ALL = ["net", "read", "write", "sys", "env", "ffi"];

function without(...denied: string[]): string {
  return ALL.filter((name) => !denied.includes(name)).map((name) => `--allow-${name}`).join(" ");
}

const HINTS_OF_OTHERS = /bug in Shoal|network interface|--out|refuses|spelling|firewall/;

async function lacks(flag: string, permissions: string, args: readonly string[]): Promise<void> {
  const { code, stderr, process } = await runShoal(args, { permissions, json: false });
  assertEquals(code, 2, process.description());
  assertMatch(stderr, /Deno does not allow \w+ access/);
  assertMatch(stderr, new RegExp(`^hint: Add ${flag}[ =]`, "m"));
  assertEquals(HINTS_OF_OTHERS.test(stderr), false, stderr);
}

e2e("what Deno does not allow is told with the flag that allows it", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("a", new Uint8Array(9));
  const port = freePort();
  await using _ = await startServer(scratch, port);
  const at = ["--port", String(port)];
  const brief = [...at, "--timeout", "2", "--retries", "1"];
  const file = join(scratch.served, "a");
  await lacks("--allow-net", without("net"), ["get", "a", "--out", scratch.out, ...brief]);
  await lacks("--allow-net", without("net"), ["list", ...brief]);
  await lacks("--allow-net", without("net"), ["server", scratch.served]);
  const elsewhere = `${without("net")} --allow-net=127.0.0.1:1`;
  const tcp = ["get", "a", "--tcp", "--server", "127.0.0.1", "--out", scratch.out, ...brief];
  await lacks("--allow-net", elsewhere, tcp);
  await lacks("--allow-net", elsewhere, ["put", file, "--server", "localhost", ...brief]);
  await lacks("--allow-write", without("write"), ["get", "a", "--out", scratch.out, ...brief]);
  await lacks("--allow-read", without("read"), ["put", file, "--server", "127.0.0.1", ...brief]);
  await lacks("--allow-read", without("read"), ["hash", file]);
  // Neither is what is excepted from what is allowed.
  await lacks("--allow-read", `${without()} --deny-read=${file}`, ["hash", file]);
  await lacks("--allow-read", without("read"), ["server", scratch.served]);
});

e2e(
  "the environment, FFI and the system's facts are done without where they are denied",
  async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("a", new Uint8Array(9));
    const secret = join(scratch.served, ".secret");
    await Deno.writeTextFile(secret, "nobody else has thought of this one", { mode: 0o600 });
    const [clear, sealed] = [freePort(), freePort()];
    const sealing = ["--secret-file", secret];
    await using _ = await startServer(scratch, clear);
    await using __ = await startServer(scratch, sealed, sealing);
    const cases = [["env"], ["ffi"], ["env", "ffi"]].flatMap((denied) => [
      { denied, port: clear, seal: [] },
      { denied, port: sealed, seal: sealing },
    ]);
    for (const { denied, port, seal } of cases) {
      const out = join(scratch.out, `${denied} ${port}`);
      const args = [
        "get",
        "a",
        "--out",
        out,
        "--port",
        String(port),
        "--broadcast",
        "127.255.255.255",
        ...seal,
      ];
      const { code, process } = await runShoal(args, { permissions: without(...denied) });
      assertEquals(code, 0, process.description());
    }
  },
);
