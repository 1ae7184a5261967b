/** A server that offers single files and standard input, beside a folder or without one. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { assertRefused, e2e, failures, randomFile } from "../support/e2e.ts";
import { canRun } from "../support/permissions.ts";
import { hasPython, runPeer } from "../support/python_peer.ts";
import {
  freePort,
  type JsonEvent,
  runShoal,
  Scratch,
  ShoalProcess,
} from "../support/shoal_process.ts";

const utf8 = new TextEncoder();
const MIXED = "ä\u0308 日本 🎈.txt";

async function offering(
  scratch: Scratch,
  port: number,
  args: readonly string[],
  hasInput = false,
): Promise<ShoalProcess> {
  const server = new ShoalProcess(["server", ...args, "--port", String(port)], {
    env: scratch.env,
    cwd: scratch.root,
    hasInput,
  });
  await server.event(({ event }) => event === "ready");
  return server;
}

/** What is not there yet is waited for. */
const PATIENT = ["--timeout", "2", "--retries", "20"];

function getting(
  scratch: Scratch,
  port: number,
  names: readonly string[],
  more: readonly string[] = [],
  patience: readonly string[] = ["--timeout", "2", "--retries", "1"],
) {
  const to = ["--out", scratch.out, "--port", String(port)];
  return runShoal(["get", ...names, ...to, ...more, ...patience]);
}

async function sayAll(server: ShoalProcess, bytes: Uint8Array): Promise<void> {
  const writer = server.input.getWriter();
  await writer.write(bytes);
  await writer.close();
}

const says = (part: string) => ({ event, message }: JsonEvent): boolean =>
  event === "notice" && String(message).includes(part);

function spooled(scratch: Scratch): readonly string[] {
  return [...Deno.readDirSync(join(scratch.cache, "shoal/spool"))].map(({ name }) => name);
}

for (const way of ["UDP", "TCP"]) {
  e2e(`files from anywhere come over ${way}, whatever they are called`, async () => {
    await using scratch = await Scratch.make();
    const large = randomFile(300_000, 1);
    await scratch.serve("deep/down/large.bin", large);
    await scratch.serve(MIXED, utf8.encode("mixed"));
    await scratch.serve("empty", new Uint8Array(0));
    await scratch.serve(".hidden", utf8.encode("named"));
    await scratch.serve("not offered", utf8.encode("secret"));
    const port = freePort();
    await using server = await offering(scratch, port, [
      "served/deep/down/large.bin",
      join(scratch.served, MIXED),
      "served/empty",
      "served/.hidden",
    ]);
    const ready = server.events.find(({ event }) => event === "ready")!;
    assertEquals([ready["dir"], ready["files"]], [undefined, 4]);
    const names = ["large.bin", MIXED, "empty", ".hidden"];
    const tcp = way === "TCP" ? ["--tcp", "--server", `127.0.0.1:${port}`] : [];
    const run = await getting(scratch, port, [...names, "not offered"], tcp);
    assertEquals(failures(run.events).map(({ name }) => name), ["not offered"]);
    assertEquals(await scratch.read("large.bin"), large);
    assertEquals(await scratch.read(MIXED), utf8.encode("mixed"));
    assertEquals((await scratch.read("empty")).length, 0);
    assertEquals(await scratch.read(".hidden"), utf8.encode("named"));
  });
}

e2e("an existing classic client takes a file that is offered alone", async () => {
  await using scratch = await Scratch.make();
  const bytes = randomFile(40_000, 3);
  await scratch.serve("elsewhere", bytes);
  const port = freePort();
  await using _server = await offering(scratch, port, ["served/elsewhere", "--name", "file.bin"]);
  const client = fileURLToPath(new URL("../support/classic_peer_client.py", import.meta.url));
  const ports = ["--port", String(port), "--retry-port", String(port)];
  await runPeer(client, "file.bin", "--host", "127.255.255.255", "--out", scratch.out, ...ports);
  assertEquals(await scratch.read("file.bin"), bytes);
}, !await hasPython());

e2e("a folder and files beside it are offered together, one of them by another name", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("inside", utf8.encode("in the folder"));
  await Deno.writeTextFile(join(scratch.root, "beside"), "beside it");
  const port = freePort();
  await using _server = await offering(scratch, port, ["served", "beside", "--name", "as/else"]);
  const run = await getting(scratch, port, ["**"]);
  assertEquals(run.code, 0, run.process.description());
  assertEquals(await Deno.readTextFile(join(scratch.out, "inside")), "in the folder");
  assertEquals(await Deno.readTextFile(join(scratch.out, "as/else")), "beside it");
});

e2e("a file that changes, goes and comes back while it is offered is what it is then", async () => {
  await using scratch = await Scratch.make();
  const path = join(scratch.root, "note");
  await scratch.serve("note", utf8.encode("one"), scratch.root);
  const port = freePort();
  await using server = await offering(scratch, port, ["note"]);
  assertEquals((await getting(scratch, port, ["note"])).code, 0);
  assertEquals(await Deno.readTextFile(join(scratch.out, "note")), "one");
  await scratch.serve("note", utf8.encode("another"), scratch.root);
  assertEquals((await getting(scratch, port, ["note"], ["--force"], PATIENT)).code, 0);
  assertEquals(await Deno.readTextFile(join(scratch.out, "note")), "another");
  await Deno.remove(path);
  await server.event(says("note is skipped: there is no such file any more"));
  assertEquals((await getting(scratch, port, ["note"])).code, 3);
  const before = server.events.length;
  await scratch.serve("note", utf8.encode("third"), scratch.root);
  await server.event((event) =>
    event.event === "indexing" && event["filesLeft"] === 0 && server.events.indexOf(event) >= before
  );
  const back = await getting(scratch, port, ["note"], ["--force"], PATIENT);
  assertEquals(back.code, 0, back.process.description());
  assertEquals(await Deno.readTextFile(join(scratch.out, "note")), "third");
});

e2e("a link is followed, also when it is pointed elsewhere", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("v1", utf8.encode("version 1"));
  await scratch.serve("v2", utf8.encode("version 2"));
  const link = join(scratch.root, "current");
  await Deno.symlink("served/v1", link);
  const port = freePort();
  await using _server = await offering(scratch, port, ["current"]);
  assertEquals((await getting(scratch, port, ["current"])).code, 0);
  assertEquals(await Deno.readTextFile(join(scratch.out, "current")), "version 1");
  await Deno.remove(link);
  await Deno.symlink("served/v2", link);
  const run = await getting(scratch, port, ["current"], ["--force"], PATIENT);
  assertEquals(run.code, 0, run.process.description());
  assertEquals(await Deno.readTextFile(join(scratch.out, "current")), "version 2");
});

for (const sizeBytes of [0, 1, 300_000]) {
  e2e(
    `standard input of ${sizeBytes} bytes is offered when it has ended, and kept no longer`,
    async () => {
      await using scratch = await Scratch.make();
      const bytes = randomFile(sizeBytes, 2);
      const port = freePort();
      await using server = await offering(scratch, port, ["-", "--name", "tar/backup.tar"], true);
      await server.event(says("Reading tar/backup.tar"));
      assertEquals((await getting(scratch, port, ["tar/backup.tar"])).code, 3);
      const [file] = spooled(scratch);
      const { mode } = await Deno.stat(join(scratch.cache, "shoal/spool", file!));
      assertEquals(mode! & 0o777, 0o600);
      await sayAll(server, bytes);
      await server.event(says("offering tar/backup.tar"));
      const run = await getting(scratch, port, ["tar/backup.tar"]);
      assertEquals(run.code, 0, run.process.description());
      assertEquals(await scratch.read("tar/backup.tar"), bytes);
      server.signal("SIGTERM");
      assertEquals(await server.exit(), 0);
      assertEquals(spooled(scratch), []);
    },
  );
}

e2e("a server that is stopped while it reads ends at once and leaves nothing", async () => {
  await using scratch = await Scratch.make();
  await using server = await offering(scratch, freePort(), ["-", "--name", "x"], true);
  await server.event(says("Reading x"));
  server.signal("SIGTERM");
  assertEquals(await server.exit(), 0);
  assertEquals(spooled(scratch), []);
});

e2e(
  "what a killed server has kept of standard input goes with the next one, not a live one's",
  async () => {
    await using scratch = await Scratch.make();
    await using alive = await offering(scratch, freePort(), ["-", "--name", "alive"], true);
    await using killed = await offering(scratch, freePort(), ["-", "--name", "killed"], true);
    assertEquals(spooled(scratch).length, 2);
    killed.signal("SIGKILL");
    await killed.exit();
    await using _next = await offering(scratch, freePort(), ["-", "--name", "next"], true);
    assertEquals(spooled(scratch).length, 2);
    await sayAll(alive, utf8.encode("still there"));
    await alive.event(says("offering alive"));
  },
);

const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["a file that is not there", ["served/a", "none"], /none does not exist/],
  ["two files of one base name", ["served/a", "served/sub/a"], /two files would be offered as a\n/],
  [
    "a file whose name is in the folder",
    ["served", "other/a"],
    /two files would be offered as a\n/,
  ],
  ["two folders", ["served", "other"], /one folder/],
  ["standard input without a name", ["-"], /no name/],
  ["standard input twice", ["-", "-", "--name", "x"], /once/],
  ["standard input by the name of a file", ["-", "served/a", "--name", "a"], /two files would be/],
  ["a name that climbs", ["-", "--name", "../x"], /cannot be offered/],
  ["a name for two files", ["served/a", "other/b", "--name", "x"], /--name is for/],
  ["a name for a folder", ["served", "--name", "x"], /--name is for/],
  ["uploads without a folder", ["served/a", "--allow-upload"], /needs a folder/],
  ["dot-names without a folder", ["served/a", "--hidden"], /does nothing without a folder/],
];

for (const [what, args, message] of REFUSED) {
  e2e(`${what}: refused with exit code 2 and the reason`, async () => {
    await using scratch = await Scratch.make();
    for (const name of ["a", "sub/a"]) await scratch.serve(name, utf8.encode(name));
    for (const name of ["a", "b"]) {
      await scratch.serve(name, utf8.encode(name), join(scratch.root, "other"));
    }
    const run = await runShoal(["server", ...args, "--port", String(freePort())], {
      env: scratch.env,
      cwd: scratch.root,
      json: false,
    });
    assertRefused(run, 2, message);
  });
}

e2e("a FIFO among files is refused at once", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("a", utf8.encode("a"));
  const made = await new Deno.Command("mkfifo", { args: [join(scratch.root, "pipe")] }).output();
  assert(made.success);
  const run = await runShoal(["server", "served/a", "pipe", "--port", String(freePort())], {
    env: scratch.env,
    cwd: scratch.root,
    json: false,
  });
  assertRefused(run, 2, /pipe is not a regular file/);
}, !await canRun("mkfifo"));

e2e(
  "a file that appears in the folder under the name of another stays out of the way",
  async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("inside", utf8.encode("inside"));
    await scratch.serve("taken", utf8.encode("from elsewhere"), join(scratch.root, "other"));
    const port = freePort();
    await using server = await offering(scratch, port, ["served", "other/taken"]);
    await scratch.serve("taken", utf8.encode("from the folder"));
    const notice = await server.event(says("taken is skipped"));
    assertMatch(String(notice["message"]), /another file is offered under that name/);
    assertEquals((await getting(scratch, port, ["taken"])).code, 0);
    assertEquals(await Deno.readTextFile(join(scratch.out, "taken")), "from elsewhere");
  },
);
