/** Whoever reads the output, or doesn't, decides nothing about the work. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { canRun } from "../support/permissions.ts";
import {
  CLI_COMMAND,
  CLI_ENV,
  freePort,
  runShoal,
  Scratch,
  startServer,
} from "../support/shoal_process.ts";

const hasFifos = await canRun("mkfifo");

e2e("a server whose output nobody reads goes on serving", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const file = randomFile(200_000, 1);
  await scratch.serve("a.bin", file);
  const fifo = join(scratch.root, "fifo");
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  // Open for both, so that neither end waits for the other, and never read.
  const command = [
    ...CLI_COMMAND,
    "server",
    scratch.served,
    "--port",
    `${port}`,
    "--json",
    "--verbose",
  ];
  const quoted = command.map((word) => `'${word}'`).join(" ");
  const server = new Deno.Command("sh", {
    args: ["-c", `exec 3<>'${fifo}'; head -c 65000 /dev/zero >&3; exec ${quoted} >&3 2>&1`],
    env: { ...CLI_ENV, ...scratch.env },
    stdin: "null",
  }).spawn();
  try {
    for (let i = 0; i < 3; i++) {
      const get = await runShoal([
        "get",
        "a.bin",
        "--out",
        join(scratch.out, `${i}`),
        "--port",
        `${port}`,
      ]);
      assertEquals(get.code, 0, get.process.description());
      assertSameBytes(await scratch.read(`${i}/a.bin`), file);
    }
  } finally {
    server.kill("SIGTERM");
    // It ends in order, although its last words are never read.
    assertEquals((await server.status).code, 0);
  }
}, !hasFifos);

e2e("a listing that cannot be written is a failure", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("a.txt", randomFile(100, 1));
  await using _server = await startServer(scratch, port);
  const list = [...CLI_COMMAND, "list", "--port", `${port}`].map((word) => `'${word}'`).join(" ");
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", `${list} > /dev/full`],
    env: CLI_ENV,
    stdin: "null",
  }).output();
  assertMatch(
    new TextDecoder().decode(stderr),
    /^error: the output could not be written: .*no space left/m,
  );
  assertEquals(code, 1);
}, Deno.build.os !== "linux");
