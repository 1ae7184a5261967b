/** Each command as a user and as a program meets it: what it prints, what it exits with. */
import { assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { assertRefused, e2e, randomFile, sha256Hex } from "../support/e2e.ts";
import {
  freePort,
  type JsonEvent,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const COMMANDS = ["server", "get", "list", "put", "hash", "demo"];

/** BEP 52 roots of files whose byte i is i mod 251. */
const ROOTS: Readonly<Record<number, string>> = {
  0: "0".repeat(64),
  1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  16384: "4348e3b98e8a327b34ced39c1da9e67cdb4cd5e48e4d7960607a3ae403d35f0c",
  16385: "9d7887c65d577a0237fb3c0998b87b3a62762d03796889a2caea01db914ccbb8",
  49153: "6b89f318fea750cf67e57b363445ebce1fef3958f2d8a82247d477ecb6890df4",
  81921: "3960b8795a1921af5e02e44cd951a9edf944c1170187afbb81775f8b28b62f66",
  1048577: "c764e3ed4ebac5f61ce59e1c78b804a6b9c02350917800126926d903f8d3dc27",
};

/** Every line that was printed, each of which has to be an event. */
function jsonLines(stdout: string): readonly JsonEvent[] {
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line) as JsonEvent);
}

e2e("every command explains itself with --help: examples, exit 0", async () => {
  for (const args of [["--help"], ...COMMANDS.map((command) => [command, "--help"])]) {
    const { code, stdout, stderr } = await runShoal(args, { json: false });
    assertEquals([code, stderr], [0, ""], args.join(" "));
    assertMatch(stdout, /^Usage:|\nUsage:/);
    if (args.length > 1) assertMatch(stdout, /Examples:/);
  }
});

e2e(
  "hash prints what is known to be right, for files at the edges of blocks and chunks",
  async () => {
    await using scratch = await Scratch.make();
    const cwd = scratch.served;
    const sizes = Object.keys(ROOTS).map(Number);
    for (const size of sizes) {
      await Deno.writeFile(join(cwd, String(size)), new Uint8Array(size).map((_, i) => i % 251));
    }
    const { code, events, process } = await runShoal(["hash", ...sizes.map(String)], { cwd });
    assertEquals(code, 0, process.description());
    assertEquals(Object.fromEntries(events.map(({ path, root }) => [path, root])), ROOTS);
    assertEquals(events.map(({ size }) => size), sizes);
    assertEquals(events[0]?.["md5"], "d41d8cd98f00b204e9800998ecf8427e");
    assertEquals(events[1]?.["sha256"], ROOTS[1]);
    const human = await runShoal(["hash", "16385"], { cwd, json: false });
    assertMatch(human.stdout, new RegExp(`^16385\n[^]*  root    ${ROOTS[16385]}\n`));
  },
);

e2e("hash of files of which one is missing tells of those before it, and exits 2", async () => {
  await using scratch = await Scratch.make();
  await Deno.writeTextFile(join(scratch.served, "a"), "a");
  const run = await runShoal(["hash", "a", "missing"], { cwd: scratch.served, json: false });
  assertRefused(run, 2, /missing does not exist/);
  assertMatch(run.stdout, /^a\n {2}size {4}1\n/);
});

e2e("server --json says ready once it answers, with its ports and its folder", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("a.txt", randomFile(10, 1));
  await scratch.serve("inner/b.txt", randomFile(10, 2));
  await using server = await startServer(scratch, port);
  const ready = await server.event(({ event }) => event === "ready");
  assertEquals([ready["port"], ready["dir"], ready["files"]], [
    port,
    await Deno.realPath(scratch.served),
    2,
  ]);
  assertGreater(ready["dataPort"] as number, 0);
  assertMatch(String(ready["id"]), /^[0-9a-f]{32}$/);
  server.signal("SIGINT");
  assertEquals(await server.exit(), 0, server.description());
  assertEquals(jsonLines(server.stdout).length, server.events.length);
  assertEquals(server.stderr, "");
});

e2e("server prints the lines of the classic tool", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("a.txt", randomFile(1_000, 1));
  await using server = new ShoalProcess(["server", scratch.served, "-p", String(port)], {
    env: scratch.env,
    json: false,
  });
  const says = async (line: string) => {
    while (!server.stdout.includes(line)) await server.change();
  };
  await says("Waiting for client to request\n");
  const args = ["get", "a.txt", "--out", scratch.out, "-p", String(port)];
  const { code, stdout, stderr } = await runShoal(args, { json: false });
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "Server found: 127.0.0.1:");
  assertStringIncludes(stdout, `File ${join(scratch.out, "a.txt")} received successfully.\n`);
  await says("Received request for file: a.txt\n");
  await says("Sending a.txt to 127.0.0.1:");
});

e2e(
  "list counts servers of equal contents together and shows different contents apart",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const other = join(scratch.root, "other");
    const [same, mine, theirs] = [
      randomFile(3_000, 1),
      randomFile(70_000, 2),
      randomFile(70_000, 3),
    ];
    for (const folder of [scratch.served, other]) await scratch.serve("same.txt", same, folder);
    await scratch.serve("differs.txt", mine);
    await scratch.serve("differs.txt", theirs, other);
    await scratch.serve("inner/only.txt", new Uint8Array(0), other);
    await using _a = await startServer(scratch, port);
    await using _b = await startServer(scratch, port, [], other);
    const list = ["list", "--port", String(port)];
    const { code, events, process } = await runShoal(list);
    assertEquals(code, 0, process.description());
    const rows = events.filter(({ event }) => event === "file").map((file) => [
      ...[file["name"], file["size"], file["sha256"]],
      (file["servers"] as string[]).length,
    ]);
    assertEquals(
      rows.sort(),
      [
        ["differs.txt", 70_000, await sha256Hex(mine), 1],
        ["differs.txt", 70_000, await sha256Hex(theirs), 1],
        ["inner/only.txt", 0, await sha256Hex(new Uint8Array(0)), 1],
        ["same.txt", 3_000, await sha256Hex(same), 2],
      ].sort(),
    );
    // Both are on this host.
    const human = await runShoal(list, { json: false });
    assertMatch(human.stdout, /^name +size +hosts +content\n/m);
    assertMatch(
      human.stdout,
      new RegExp(`same.txt +3.0 kB +1 +${(await sha256Hex(same)).slice(0, 16)}`),
    );
    assertEquals(human.stdout.match(/differs.txt/g)?.length, 2);
  },
);

e2e("list of a server that offers nothing says so, and is no failure", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await using _server = await startServer(scratch, port);
  const { code, stdout } = await runShoal(["list", "--port", String(port)], { json: false });
  assertEquals([code, stdout], [0, "No files are offered.\n"]);
});

e2e("--quiet prints errors only", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("a.txt", randomFile(1_000, 1));
  await using server = new ShoalProcess(
    ["server", scratch.served, "--port", String(port), "--quiet"],
    { env: scratch.env, json: false },
  );
  const args = (
    name: string,
  ) => ["get", name, "--out", scratch.out, "--port", String(port), "--quiet"];
  const got = await runShoal(args("a.txt"), { json: false });
  assertEquals([got.code, got.stdout, got.stderr], [0, "", ""]);
  const missing = await runShoal(args("b.txt"), { json: false });
  assertRefused(missing, 3, /no server has 'b.txt'\nhint: Did you mean 'a.txt'\?/);
  assertEquals(missing.stdout, "");
  server.signal("SIGINT");
  assertEquals([await server.exit(), server.stdout, server.stderr], [0, "", ""]);
});

e2e("demo ends with TRANSFER SUCCESSFUL, and the same seed makes the same file", async () => {
  const demo = ["demo", "--size", "2MiB", "--seed", "7", "--error-rate", "0.2"];
  const human = await runShoal(demo, { json: false });
  assertEquals([human.code, human.stderr], [0, ""], human.process.description());
  assertStringIncludes(human.stdout, "\nTRANSFER SUCCESSFUL\n");
  const json = await runShoal(demo);
  assertEquals(json.code, 0, json.process.description());
  const report = jsonLines(json.stdout).at(-1);
  assertEquals([report?.event, report?.["ok"], report?.["size"]], ["report", true, 2 * 1024 ** 2]);
  assertStringIncludes(human.stdout, String(report?.["expectedSha256"]));
});
