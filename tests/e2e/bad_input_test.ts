/** What a user can get wrong: the real command line says what happened and what to do, and loses nothing. */
import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path/join";
import { ShoalError } from "../../lib/errors.ts";
import { getSettled } from "../../mod.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { assertRefused, contentsOf, e2e, failures, randomFile, sha256Hex } from "../support/e2e.ts";
import {
  freePort,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";
import { canMount, SmallDisk } from "../support/small_disk.ts";
import { AS_ORDINARY_USER, makeFifo, modes } from "../support/special_files.ts";

const MIB = 1024 * 1024;

/** Enough for a get that is to find nobody. */
const IMPATIENT = ["--timeout", "0.2", "--retries", "1"];

const USAGE: readonly (readonly [args: readonly string[], says: RegExp])[] = [
  [[], /no command given/],
  [["frobnicate"], /frobnicate is not a command/],
  [["get"], /needs a name/],
  [["get", "a", "--frob"], /has no option --frob/],
  [["get", "../a"], /\. or \.\./],
  [["get", "a/../../b"], /\. or \.\./],
  [["get", "/etc/passwd"], /start with a slash/],
  [["get", "C:/a"], /drive letter/],
  [["get", "a\\b"], /backslash/],
  [["get", "a\nb"], /control character/],
  [["get", "a\u001b[2Jb"], /a\\u\{1b\}\[2Jb/],
  [["get", "a".repeat(5_000)], /too long/],
  [["get", "a".repeat(256)], /too long/],
  [["get", "a", "a"], /named twice/],
  [["get", "a", "a/b"], /would be both a file and the folder/],
  [["get", "sha256:bad"], /sha256:bad/],
  [["get", "a", "--sha256", "abc"], /64 hexadecimal digits/],
  [["get", "a", "--port", "0"], /from 1 to 65535/],
  [["get", "a", "--port", "70000"], /from 1 to 65535/],
  [["get", "a", "--rate", "0"], /a rate above 0/],
  [["get", "a", "--mtu", "50"], /--mtu/],
  [["get", "a", "--broadcast", "300.1.1.1"], /not an IPv4 address/],
  [["get", "a", "--server", "no-such-host.invalid"], /unknown host/],
  [["get", "a", "--server", "127.255.255.255"], /not the address of one machine/],
  [["get", "a", "--server", "255.255.255.255"], /not the address of one machine/],
  [["get", "a", "--server", "224.0.0.1"], /not the address of one machine/],
  [["list", "--server", "no-such-host.invalid"], /unknown host/],
  [["server", "missing"], /missing does not exist/],
  [["server", "folder", "--port", "70000"], /from 1 to 65535/],
  [["hash", "missing"], /missing does not exist/],
  [["hash", "folder"], /folder is a folder/],
  [["hash", "/dev/zero"], /not a regular file/],
  [["hash", "pipe"], /not a regular file/],
];

e2e("wrong usage: exit 2, what happened and what to do, and nothing is touched", async () => {
  await using scratch = await Scratch.make();
  const cwd = scratch.served;
  await Deno.writeTextFile(join(cwd, "file"), "mine");
  await Deno.mkdir(join(cwd, "folder"));
  await makeFifo(join(cwd, "pipe"));
  const before = contentsOf(scratch.root);
  for (const [args, says] of USAGE) {
    assertRefused(await runShoal(args, { cwd, env: scratch.env, json: false }), 2, says);
  }
  assertEquals(contentsOf(scratch.root), before);
});

e2e("a bad value in the environment is named by its variable", async () => {
  const env = { SHOAL_PORT: "x" };
  for (const command of [["get", "a"], ["list"], ["server"]]) {
    assertRefused(await runShoal(command, { env, json: false }), 2, /SHOAL_PORT: x is not/);
  }
  // What is typed beats what is set, whatever is set.
  const typed = ["list", "--port", String(freePort()), "--timeout", "0.2"];
  assertRefused(await runShoal(typed, { env, json: false }), 3, /no server answered/);
});

e2e("--json tells of wrong usage by an event, and by the same two lines", async () => {
  const run = await runShoal(["get", "../a"]);
  assertRefused(run, 2, /\. or \.\./);
  assertEquals(run.events.map(({ event, code }) => [event, code]), [["failed", "bad_name"]]);
});

e2e("a NUL in a name is refused by the library, since no command line can carry one", async () => {
  const refused = await assertRejects(() => getSettled({ names: ["a\0b"], outDir: "unused" }));
  assertEquals(ShoalError.from(refused).code, "bad_name");
});

e2e("no server: list and get end with 3 and say who was asked", async () => {
  await using scratch = await Scratch.make();
  const common = ["--port", String(freePort())];
  const list = await runShoal(["list", "--timeout", "0.2", ...common], { json: false });
  assertRefused(list, 3, /kept to this machine/);
  const args = ["get", "a", "--out", scratch.out, ...IMPATIENT, ...common];
  assertRefused(await runShoal(args, { json: false }), 3, /kept to this machine.*\n.*--server/);
  const both = await runShoal(["get", "b", ...args.slice(1)], { json: false });
  assertEquals(both.code, 3, both.process.description());
  assertEquals(both.stderr.match(/^error: nobody answered the search for '[ab]':/gm)?.length, 2);
  assertEquals(contentsOf(scratch.out), {});
});

e2e("a port that another program holds: exit 1, and the port is named", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const holder = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port });
  const args = ["server", scratch.served, "--port", String(port)];
  const run = await runShoal(args, { env: scratch.env, json: false });
  holder.close();
  assertRefused(run, 1, new RegExp(`port ${port} is in use by another program[^]*--port`));
});

e2e(
  "an unreadable folder is refused; an unreadable file is skipped, the others are served",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    await scratch.serve("open.txt", randomFile(100, 1));
    await scratch.serve("shut.txt", randomFile(100, 2));
    await scratch.serve("inner/deep.txt", randomFile(100, 3));
    const args = ["server", "--port", String(port)];
    const options = { env: scratch.env, via: AS_ORDINARY_USER };
    await using _open = await modes({ [join(scratch.served, "shut.txt")]: 0o000 });
    await using shut = await modes({ [scratch.served]: 0o000 });
    assertRefused(
      await runShoal([...args, scratch.served], { ...options, json: false }),
      2,
      /cannot be read/,
    );
    await shut.restore();
    await using server = new ShoalProcess([...args, scratch.served], options);
    const ready = await server.event(({ event }) => event === "ready");
    assertEquals(ready["files"], 2, server.description());
    const warning = await server.event(({ event }) => event === "notice");
    assertEquals(warning["message"], "shut.txt is skipped: it cannot be read");
    const names = ["open.txt", "inner/deep.txt"];
    const run = await runShoal(["get", ...names, "--out", scratch.out, "--port", String(port)]);
    assertEquals(run.code, 0, run.process.description());
  },
);

e2e(
  "a target folder that is a file, or that may not be written: exit 5, nothing is lost",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    await scratch.serve("a.txt", randomFile(1_000, 1));
    await scratch.serve("inner/a.txt", randomFile(1_000, 2));
    await using _server = await startServer(scratch, port);
    const file = join(scratch.root, "file");
    await Deno.writeTextFile(file, "mine");
    const at = (out: string, name = "a.txt") => ["get", name, "--out", out, "--port", String(port)];
    assertRefused(await runShoal(at(file), { json: false }), 5, /different file/);
    assertEquals(await Deno.readTextFile(file), "mine");
    assertRefused(await runShoal(at(file, "*"), { json: false }), 5, /not a folder/);
    assertRefused(await runShoal(at(join(file, "below")), { json: false }), 5, /folder/);
    await Deno.writeTextFile(join(scratch.out, "inner"), "mine, too");
    assertRefused(
      await runShoal(at(scratch.out, "inner/a.txt"), { json: false }),
      5,
      /not a folder/,
    );
    await using _shut = await modes({ [scratch.out]: 0o555 });
    const shut = await runShoal(at(scratch.out), { json: false, via: AS_ORDINARY_USER });
    assertRefused(shut, 5, /--out/);
    assertEquals(Deno.readTextFileSync(file), "mine");
    assertEquals(contentsOf(scratch.out), { inner: "mine, too" });
  },
);

e2e("names of 255 bytes arrive, and make room for a number where they are taken", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const name = `${"ü".repeat(125)}a.txt`;
  const file = randomFile(100_000, 1);
  await scratch.serve(name, file);
  await using _server = await startServer(scratch, port);
  const args = ["get", name, "--out", scratch.out, "--port", String(port)];
  assertEquals((await runShoal(args)).code, 0);
  assertSameBytes(await scratch.read(name), file);
  await Deno.writeTextFile(join(scratch.out, name), "mine");
  const second = await runShoal(args);
  assertEquals(second.code, 0, second.process.description());
  assertEquals(await Deno.readTextFile(join(scratch.out, name)), "mine");
  assertSameBytes(await scratch.read(`${"ü".repeat(123)} (2).txt`), file);
});

e2e(
  "two names of one file: it is fetched once, and is there for the other",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(MIB, 1);
    await scratch.serve("a.bin", file);
    await using _server = await startServer(scratch, port, ["--rate", "16mbit"]);
    const names = ["a.bin", `sha256:${await sha256Hex(file)}`];
    const args = ["get", ...names, "--out", scratch.out, "--port", String(port)];
    const both = await runShoal(args, { json: false });
    assertEquals(both.code, 0, both.process.description());
    assertMatch(both.stdout, /\n1 file downloaded \(1\.0 MB\), 1 already up to date\n$/);
    assertSameBytes(await scratch.read("a.bin"), file);
    const again = await runShoal(args);
    assertEquals(again.code, 0, again.process.description());
    assertEquals([...Deno.readDirSync(scratch.out)].map((entry) => entry.name), ["a.bin"]);
  },
);

e2e("part files that are not ours: other bytes are replaced, a link is not followed", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const file = randomFile(MIB, 1);
  await scratch.serve("a.bin", file);
  await using _server = await startServer(scratch, port);
  const path = join(scratch.served, "a.bin");
  const root = (await runShoal(["hash", path])).events[0]?.["root"] as string;
  const part = join(scratch.out, `a.bin.${root.slice(0, 8)}.part`);
  const args = ["get", "a.bin", "--out", scratch.out, "--port", String(port)];

  const victim = join(scratch.root, "victim");
  await Deno.writeTextFile(victim, "mine");
  await Deno.symlink(victim, part);
  assertRefused(await runShoal(args, { json: false }), 5, /in the way/);
  assertEquals(await Deno.readTextFile(victim), "mine");
  await Deno.remove(part);

  await Deno.writeFile(part, randomFile(2 * MIB, 2));
  await Deno.writeFile(`${part}.journal`, randomFile(300, 3));
  const run = await runShoal(args);
  assertEquals(run.code, 0, run.process.description());
  assertSameBytes(await scratch.read("a.bin"), file);
  assertEquals([...Deno.readDirSync(scratch.out)].length, 1);
});

e2e("a file that still grows is fetched once it has come to rest, whole", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const path = join(scratch.served, "log.txt");
  await Deno.writeTextFile(path, "line 0\n");
  await using server = await startServer(scratch, port);
  await using run = new ShoalProcess([
    "get",
    "log.txt",
    "--out",
    scratch.out,
    "--port",
    String(port),
  ]);
  await server.event(({ event }) => event === "request");
  for (let line = 1; line <= 10; line++) {
    await Deno.writeTextFile(path, `line ${line}\n`, { append: true });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertEquals(await run.exit(), 0, run.description());
  assertSameBytes(await scratch.read("log.txt"), await Deno.readFile(path));
});

e2e("a disk without room for the file: exit 5 before the first chunk", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("a.bin", randomFile(3 * MIB, 1));
  await using _server = await startServer(scratch, port);
  await using _disk = await SmallDisk.mount(scratch.out, MIB);
  const args = ["get", "a.bin", "--out", scratch.out, "--port", String(port)];
  assertRefused(await runShoal(args, { json: false }), 5, /free and the file needs[^]*space/);
}, !canMount);

e2e(
  "a disk that fills up on the way: exit 5, and once there is room it resumes",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(6 * MIB, 1);
    await scratch.serve("a.bin", file);
    await using _server = await startServer(scratch, port, ["--rate", "24mbit"]);
    await using disk = await SmallDisk.mount(scratch.out, 8 * MIB);
    const args = ["get", "a.bin", "--out", scratch.out, "--port", String(port)];
    await using first = new ShoalProcess(args);
    await first.event((event) => event.event === "progress" && (event["bytes"] as number) > MIB);
    const filler = disk.fill();
    assertEquals(await first.exit(), 5, first.description());
    assertEquals(failures(first.events).map(({ code }) => code), ["disk_full"]);
    assertStringIncludes(first.stderr, "hint: Free some space");
    assert([...Deno.readDirSync(scratch.out)].some(({ name }) => name.endsWith(".part")));
    await Deno.remove(filler);
    const second = await runShoal(args);
    assertEquals(second.code, 0, second.process.description());
    const done = second.events.find(({ event }) => event === "done");
    assertGreater(done?.["resumedBytes"] as number, MIB / 2);
    assertSameBytes(await scratch.read("a.bin"), file);
  },
  !canMount,
);
