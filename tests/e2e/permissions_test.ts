/** Programs that Deno allows too little: they say what, and by which flag it is allowed, and nothing else. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { e2e } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

const CHECKOUT = fileURLToPath(new URL("../..", import.meta.url));
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
    const [sealing, inClear] = [["--secret-file", secret], ["--no-secret"]];
    await using _ = await startServer(scratch, clear, inClear);
    await using __ = await startServer(scratch, sealed, sealing);
    const cases = [["env"], ["ffi"], ["env", "ffi"]].flatMap((denied) => [
      { denied, port: clear, seal: inClear },
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

e2e(
  "where it may not be seen whether there is a secret, nothing is said in clear unasked",
  async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("a", new Uint8Array(9));
    const file = join(scratch.served, "a");
    const port = String(freePort());
    await using _ = await startServer(scratch, Number(port), ["--no-secret"]);
    const brief = ["--port", port, "--timeout", "2", "--retries", "1"];
    const lines = [
      ["get", "a", "--out", scratch.out, ...brief],
      ["get", "a", "--tcp", "--server", "127.0.0.1", "--out", scratch.out, ...brief],
      ["list", ...brief],
      ["put", file, "--server", "127.0.0.1", ...brief],
      ["server", scratch.served, "--port", String(freePort())],
      ["master", "--port", String(freePort())],
    ];
    const folder = `--allow-read=${CHECKOUT},${scratch.served},${scratch.out}`;
    const variables = "HOME,XDG_CONFIG_HOME,SHOAL_SECRET_FILE";
    for (const line of lines) {
      await lacks(`--allow-env=${variables}`, without("env"), line);
      await lacks("--allow-read=\\S+/shoal/secret", `${without("read")} ${folder}`, line);
    }
    // Each of the variables may say where it is.
    for (const hidden of variables.split(",")) {
      await lacks(`--allow-env=${hidden}`, `${without()} --deny-env=${hidden}`, lines[0]!);
    }
    for (const word of [[], ["new"], ["set"]]) {
      await lacks("--allow-env", without("env"), ["secret", ...word]);
    }
    for (const permissions of ["-P=server", "-P=get"]) {
      await lacks("--allow-read=\\S+/shoal/secret", permissions, ["list", ...brief]);
    }
    for (const denied of ["env", "read"]) {
      const allowed = `${without(denied)} ${denied === "read" ? folder : ""}`.trim();
      const { code, process } = await runShoal([...lines[0]!, "--no-secret"], {
        permissions: allowed,
      });
      assertEquals(code, 0, process.description());
    }
  },
);

e2e(
  "a doctor that may not look for a secret says so beside the rest, and sends nothing",
  async () => {
    await using scratch = await Scratch.make();
    const { code, process } = await runShoal(["doctor", "--out", scratch.out], {
      permissions: without("env"),
    });
    assertEquals(code, 1, process.description());
    const checks = process.events.flatMap(({ event, check }) => event === "finding" ? [check] : []);
    for (const check of ["deno", "interfaces", "disk", "secret"]) assert(checks.includes(check));
    for (const sent of ["broadcast", "servers"]) {
      assert(
        !checks.includes(sent),
        `${sent} was looked at`,
      );
    }
    const secret = process.events.find(({ check }) => check === "secret");
    assertMatch(String(secret?.["advice"]), /--allow-env=HOME,XDG_CONFIG_HOME,SHOAL_SECRET_FILE/);
  },
);

e2e("a secret's file that Deno does not allow to be read is told with the flag", async () => {
  await using scratch = await Scratch.make();
  const { code } = await runShoal(["secret", "new", "--secret-file", join(scratch.out, "s")]);
  assertEquals(code, 0);
  const line = ["list", "--secret-file", join(scratch.out, "s")];
  await lacks(`--allow-read=${scratch.out}/s`, without("read"), line);
  await lacks("--allow-read", `${without()} --deny-read=${scratch.out}`, line);
});
