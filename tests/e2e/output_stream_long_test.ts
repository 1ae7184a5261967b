/** `get NAME -o -`: the bytes of one file on standard output, in order, and nothing else there. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { e2e, randomFile } from "../support/e2e.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { rememberAs } from "../support/index_cache.ts";
import { CLI_COMMAND, CLI_ENV, freePort, Scratch, startServer } from "../support/shoal_process.ts";

const LARGE_BYTES = 20_000_000;
/** More than waits in memory and in pipes together. */
const ENDLESS_BYTES = 200_000_000;

function command(port: number, args: readonly string[], scratch: Scratch): Deno.Command {
  const [program = "", ...before] = CLI_COMMAND;
  const patience = ["--timeout", "2", "--retries", "2"];
  return new Deno.Command(program, {
    args: [...before, "get", ...args, "--port", String(port), ...patience],
    env: CLI_ENV,
    cwd: scratch.root,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

async function output(port: number, args: readonly string[], scratch: Scratch) {
  const { code, stdout, stderr } = await command(port, args, scratch).output();
  return { code, stdout, words: new TextDecoder().decode(stderr) };
}

for (const way of ["UDP", "TCP"]) {
  e2e(
    `over ${way}, a file of any size and name comes out whole, and its words go elsewhere`,
    async () => {
      await using scratch = await Scratch.make();
      const files: readonly (readonly [string, Uint8Array])[] = [
        ["empty", new Uint8Array(0)],
        ["ä 🎈/one byte", Uint8Array.of(7)],
        ["large", randomFile(LARGE_BYTES, 1)],
      ];
      for (const [name, bytes] of files) await scratch.serve(name, bytes);
      const port = freePort();
      await using _server = await startServer(scratch, port);
      const tcp = way === "TCP" ? ["--tcp", "--server", `127.0.0.1:${port}`] : [];
      for (const [name, bytes] of files) {
        const { code, stdout, words } = await output(
          port,
          [name, "--output", "-", ...tcp],
          scratch,
        );
        assertEquals(code, 0, words);
        assertSameBytes(stdout, bytes);
        assertMatch(words, /received successfully/);
      }
      const json = await output(port, ["large", "--output=-", "--json", ...tcp], scratch);
      assertSameBytes(json.stdout, files[2]![1]);
      assertMatch(json.words, /^{"event":"done"/m);
      assertEquals([...Deno.readDirSync(scratch.out)], []);
    },
  );
}

e2e("from two servers, through simulated errors, it comes out in order", async () => {
  await using scratch = await Scratch.make();
  const bytes = randomFile(5_000_000, 2);
  await scratch.serve("file", bytes);
  const port = freePort();
  const faulty = ["--simulate-errors", "--error-rate", "0.1"];
  await using _one = await startServer(scratch, port, faulty);
  await using _other = await startServer(scratch, port, faulty);
  const { code, stdout, words } = await output(port, ["file", "-o-"], scratch);
  assertEquals(code, 0, words);
  assertSameBytes(stdout, bytes);
});

e2e(
  "a whole that is not what was offered ends with exit code 4, and its end is kept back",
  async () => {
    await using scratch = await Scratch.make();
    const bytes = randomFile(1_000_000, 3);
    await scratch.serve("lie", bytes);
    const cache = join(scratch.cache, "shoal");
    await rememberAs(cache, join(scratch.served, "lie"), bytes, "ab".repeat(32));
    const port = freePort();
    await using _server = await startServer(scratch, port);
    const { code, stdout, words } = await output(port, ["lie", "-o", "-"], scratch);
    assertEquals(code, 4, words);
    assertMatch(words, /the whole is not what was offered\nhint: What was written is useless/);
    assert(stdout.length < bytes.length);
    assertSameBytes(stdout, bytes.slice(0, stdout.length));
  },
);

e2e("a reader that goes early ends it with one clear line", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("endless", new Uint8Array(0));
  await Deno.truncate(join(scratch.served, "endless"), ENDLESS_BYTES);
  await Deno.utime(join(scratch.served, "endless"), 1_600_000_000, 1_600_000_000);
  const port = freePort();
  await using _server = await startServer(scratch, port);
  const child = command(port, ["endless", "-o", "-", "--quiet"], scratch).spawn();
  const words = new Response(child.stderr).text();
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  assert(value !== undefined && value.length > 0);
  await reader.cancel();
  const { code } = await child.status;
  assertEquals(code, 5);
  assertMatch(await words, /^error: [^\n]*whoever read the output has gone[^\n]*\nhint: [^\n]+\n$/);
});

e2e(
  "a reader that is slow is waited for, however long, and memory does not grow with the file",
  async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("endless", new Uint8Array(0));
    await Deno.truncate(join(scratch.served, "endless"), ENDLESS_BYTES);
    await Deno.utime(join(scratch.served, "endless"), 1_600_000_000, 1_600_000_000);
    const port = freePort();
    await using _server = await startServer(scratch, port);
    // Longer than all of the patience of the get, which is 2 × 2 s.
    const [program = "", ...before] = CLI_COMMAND;
    const get = [program, ...before, "get", "endless", "-o", "-", "--port", String(port)];
    const patience = ["--timeout", "2", "--retries", "2", "--quiet"];
    const script = `"$@" | { sleep 7; wc -c; }`;
    const { stdout, stderr } = await new Deno.Command("sh", {
      args: ["-c", script, "sh", ...get, ...patience],
      env: CLI_ENV,
      cwd: scratch.root,
    }).output();
    const words = new TextDecoder().decode(stderr);
    assertEquals(new TextDecoder().decode(stdout).trim(), String(ENDLESS_BYTES), words);
    assertEquals(words, "");
  },
);

for (const [how, expected] of [["", 5], ["/dev/null", 0]] as const) {
  // Only there can it be told.
  if (Deno.build.os !== "linux") continue;
  const where = how === "" ? "closed" : how;
  e2e(`standard output that is ${where}: exit code ${expected}`, async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("film", randomFile(100_000, 1));
    const port = freePort();
    await using _server = await startServer(scratch, port);
    const get = [...CLI_COMMAND, "get", "film", "-o", "-", "--port", String(port)];
    const { code, stderr } = await new Deno.Command("sh", {
      args: ["-c", how === "" ? `"$@" >&-` : `"$@" > ${how}`, "sh", ...get],
      env: CLI_ENV,
      cwd: scratch.root,
    }).output();
    const words = new TextDecoder().decode(stderr);
    assertEquals(code, expected, words);
    if (how === "") assertMatch(words, /cannot write the output: standard output is closed/);
  });
}

const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["several names", ["a", "b", "-o", "-"], /several files cannot become one/],
  ["a glob", ["*", "-o", "-"], /several files cannot become one/],
  ["what is for files", ["a", "-o", "-", "--force"], /--force does nothing with --output -/],
  ["holes", ["a", "-o", "-", "--no-sparse"], /--sparse does nothing/],
  [
    "the ASCII dialect",
    ["a", "-o", "-", "--dialect", "ascii", "--server", "h"],
    /only when it is complete/,
  ],
];

for (const [what, args, message] of REFUSED) {
  e2e(`${what}: refused with exit code 2, and nothing on standard output`, async () => {
    await using scratch = await Scratch.make();
    const { code, stdout, words } = await output(freePort(), args, scratch);
    assertEquals([code, stdout.length], [2, 0]);
    assertMatch(words, message);
  });
}

e2e("output that cannot be written ends with exit code 5 and the reason", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("file", randomFile(100_000, 4));
  const port = freePort();
  await using _server = await startServer(scratch, port);
  const [program = "", ...before] = CLI_COMMAND;
  const get = [program, ...before, "get", "file", "-o", "-", "--quiet", "--port", String(port)];
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", `"$@" > /dev/full`, "sh", ...get],
    env: CLI_ENV,
    cwd: scratch.root,
  }).output();
  assertEquals(code, 5);
  assertMatch(
    new TextDecoder().decode(stderr),
    /no space left\nhint: What was written is incomplete/,
  );
}, Deno.build.os !== "linux");

e2e("what nobody has ends with exit code 3, and nothing on standard output", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await using _server = await startServer(scratch, port);
  const { code, stdout } = await output(port, ["nothing", "-o", "-"], scratch);
  assertEquals([code, stdout.length], [3, 0]);
});
