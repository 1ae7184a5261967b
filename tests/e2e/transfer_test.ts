import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { join } from "@std/path/join";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile, sha256Hex } from "../support/e2e.ts";
import {
  freePort,
  type JsonEvent,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const MIB = 1024 * 1024;

/** What lies at the edges: nothing, the classic chunk, a block, a chunk, several chunks. */
const BOUNDARY_SIZES = [0, 1, 1023, 1024, 1025, 16383, 16384, 16385, 65536, 65537, 5 * MIB];

function done(events: readonly JsonEvent[]): readonly JsonEvent[] {
  return events.filter((event) => event.event === "done");
}

interface Share {
  readonly id: string;
  readonly bytes: number;
  readonly badChunks: number;
}

function shares(event: JsonEvent | undefined): readonly Share[] {
  return (event?.["servers"] ?? []) as readonly Share[];
}

e2e("one server: files of every boundary size arrive verified in one run", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  for (const size of BOUNDARY_SIZES) await scratch.serve(`f${size}.bin`, randomFile(size, size));
  await using _server = await startServer(scratch, port);
  const names = BOUNDARY_SIZES.map((size) => `f${size}.bin`);
  const { code, events, process } = await runShoal(
    ["get", ...names, "--port", String(port), "--out", scratch.out],
  );
  assertEquals(code, 0, process.description());
  assertEquals(done(events).length, names.length);
  for (const size of BOUNDARY_SIZES) {
    assertSameBytes(await scratch.read(`f${size}.bin`), randomFile(size, size), `${size}:`);
  }
});

e2e("three servers with 20 % simulated errors: every boundary size, nobody dropped", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  for (const size of BOUNDARY_SIZES) await scratch.serve(`f${size}.bin`, randomFile(size, size));
  const faulty = ["--simulate-errors", "--error-rate", "0.2", "--seed"];
  await using _a = await startServer(scratch, port, [...faulty, "1"]);
  await using _b = await startServer(scratch, port, [...faulty, "2"]);
  await using _c = await startServer(scratch, port, [...faulty, "3"]);
  const names = BOUNDARY_SIZES.map((size) => `f${size}.bin`);
  const { code, events, process } = await runShoal(
    ["get", ...names, "--port", String(port), "--out", scratch.out],
  );
  assertEquals(code, 0, process.description());
  assertEquals(events.filter((event) => event["state"] === "dropped"), []);
  for (const size of BOUNDARY_SIZES) {
    assertSameBytes(await scratch.read(`f${size}.bin`), randomFile(size, size), `${size}:`);
  }
});

e2e(
  "100 MiB from three servers with errors, one killed half-way: verified, nobody dropped",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(100 * MIB, 100);
    await scratch.serve("big.bin", file);
    const faulty = ["--simulate-errors", "--error-rate", "0.1", "--seed"];
    await using a = await startServer(scratch, port, [...faulty, "1"]);
    await using _b = await startServer(scratch, port, [...faulty, "2"]);
    await using _c = await startServer(scratch, port, [...faulty, "3"]);
    await using get = new ShoalProcess([
      "get",
      "big.bin",
      "--port",
      String(port),
      "--out",
      scratch.out,
    ]);
    await get.event((event) =>
      event.event === "progress" && (event["bytes"] as number) > file.length / 2
    );
    a.signal("SIGKILL");
    assertEquals(await get.exit(), 0, get.description());
    assertSameBytes(await scratch.read("big.bin"), file);
    assertEquals(get.events.filter((event) => event["state"] === "dropped"), []);
    const used = shares(done(get.events)[0]).filter((share) => share.bytes > 0);
    assertEquals(used.length, 3, "all three gave something");
  },
);

e2e("Ctrl-C half-way keeps what arrived; the same command resumes", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const file = randomFile(40 * MIB, 40);
  await scratch.serve("film.bin", file);
  await using _server = await startServer(scratch, port, ["--rate", "160mbit"]);
  const args = ["get", "film.bin", "--port", String(port), "--out", scratch.out];
  await using first = new ShoalProcess(args);
  await first.event((event) => event.event === "progress" && (event["bytes"] as number) > 15 * MIB);
  first.signal("SIGINT");
  assertEquals(await first.exit(), 130, first.description());
  const left = [...Deno.readDirSync(scratch.out)].map((entry) => entry.name);
  assert(left.some((name) => name.endsWith(".part")), `part file among ${left}`);
  const { code, events, process } = await runShoal(args);
  assertEquals(code, 0, process.description());
  assertGreater(done(events)[0]?.["resumedBytes"] as number, 10 * MIB);
  assertSameBytes(await scratch.read("film.bin"), file);
  assertEquals([...Deno.readDirSync(scratch.out)].map((entry) => entry.name), ["film.bin"]);
});

e2e(
  "a get killed with SIGKILL resumes, and chunks that went bad on disk are fetched anew",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(40 * MIB, 41);
    await scratch.serve("film.bin", file);
    await using _server = await startServer(scratch, port, ["--rate", "160mbit"]);
    const args = ["get", "film.bin", "--port", String(port), "--out", scratch.out];
    await using first = new ShoalProcess(args);
    await first.event((event) =>
      event.event === "progress" && (event["bytes"] as number) > 15 * MIB
    );
    first.signal("SIGKILL");
    await first.exit();
    const part = [...Deno.readDirSync(scratch.out)].find((entry) => entry.name.endsWith(".part"))!;
    const handle = await Deno.open(join(scratch.out, part.name), { write: true });
    await handle.seek(3 * 65536 + 100, Deno.SeekMode.Start);
    await handle.write(new Uint8Array(50));
    handle.close();
    const { code, process } = await runShoal(args);
    assertEquals(code, 0, process.description());
    assertSameBytes(await scratch.read("film.bin"), file);
  },
);

e2e(
  "a second get finds the file present; a different file of that name gets a number",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(100_000, 5);
    await scratch.serve("a.txt", file);
    await using _server = await startServer(scratch, port);
    const args = ["get", "a.txt", "--port", String(port), "--out", scratch.out];
    assertEquals((await runShoal(args)).code, 0);
    const again = await runShoal(args);
    assertEquals(done(again.events)[0]?.["present"], true);
    await Deno.writeTextFile(join(scratch.out, "a.txt"), "my own words");
    const third = await runShoal(args);
    assertEquals(third.code, 0, third.process.description());
    assertEquals(await Deno.readTextFile(join(scratch.out, "a.txt")), "my own words");
    assertSameBytes(await scratch.read("a (2).txt"), file);
    assertEquals((await runShoal([...args, "--force"])).code, 0);
    assertSameBytes(await scratch.read("a.txt"), file);
  },
);

e2e("a small file takes under 0.3 s of a running get, gathering included", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("note.txt", randomFile(3_000, 3));
  await using _server = await startServer(scratch, port);
  const seconds: number[] = [];
  for (let i = 0; i < 3; i++) {
    const out = join(scratch.out, String(i));
    const { events, process } = await runShoal([
      "get",
      "note.txt",
      "--port",
      String(port),
      "--out",
      out,
    ]);
    assertEquals(done(events).length, 1, process.description());
    seconds.push(done(events)[0]?.["seconds"] as number);
  }
  assertLess(Math.min(...seconds), 0.3);
});

e2e("get sha256:HEX fetches by content, under the last part of the server's name", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const file = randomFile(70_000, 6);
  await scratch.serve("inner/deep.bin", file);
  await using _server = await startServer(scratch, port);
  const hex = await sha256Hex(file);
  const { code, process } = await runShoal(
    ["get", `sha256:${hex}`, "--port", String(port), "--out", scratch.out],
  );
  assertEquals(code, 0, process.description());
  assertSameBytes(await scratch.read("deep.bin"), file);
});

e2e(
  "a name that nobody has fails before a first attempt is over, with similar names, exit 3",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    await scratch.serve("holiday.jpg", randomFile(10, 1));
    await using _server = await startServer(scratch, port);
    const { code, events, process } = await runShoal(
      ["get", "holliday.jpg", "--port", String(port), "--out", scratch.out, "--timeout", "50"],
    );
    assertEquals(code, 3, process.description());
    assertEquals(events.filter(({ event }) => event === "waiting"), [], process.description());
    const failed = events.find((event) => event.event === "failed");
    assert(String(failed?.["hint"]).includes("holiday.jpg"), process.description());
  },
);

e2e("two servers that disagree: exit 4, and --sha256 chooses", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const other = join(scratch.root, "other");
  const mine = randomFile(1_000, 1);
  await scratch.serve("a.txt", mine);
  await scratch.serve("a.txt", randomFile(1_000, 2), other);
  await using _a = await startServer(scratch, port);
  await using _b = await startServer(scratch, port, [], other);
  const args = ["get", "a.txt", "--port", String(port), "--out", scratch.out];
  const tie = await runShoal(args);
  assertEquals(tie.code, 4, tie.process.description());
  const hex = await sha256Hex(mine);
  assert(String(tie.events.find((event) => event.event === "failed")?.["hint"]).includes(hex));
  const { code, process } = await runShoal([...args, "--sha256", hex]);
  assertEquals(code, 0, process.description());
  assertSameBytes(await scratch.read("a.txt"), mine);
});

e2e(
  "a file that changes while it is fetched ends right or with a clear reason, never mixed",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    await scratch.serve("log.bin", randomFile(30 * MIB, 1));
    await using _server = await startServer(scratch, port, ["--rate", "80mbit"]);
    await using get = new ShoalProcess(
      [
        "get",
        "log.bin",
        "--port",
        String(port),
        "--out",
        scratch.out,
        "--timeout",
        "5",
        "--retries",
        "3",
      ],
    );
    await get.event((event) => event.event === "progress" && (event["bytes"] as number) > 5 * MIB);
    const replacement = randomFile(2 * MIB, 2);
    await scratch.serve("log.bin", replacement);
    assertEquals(await get.exit(), 0, get.description());
    assertSameBytes(await scratch.read("log.bin"), replacement, get.description());
  },
);

e2e("a server that joins in mid-transfer is drawn on", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const file = randomFile(60 * MIB, 8);
  await scratch.serve("big.bin", file);
  await using _a = await startServer(scratch, port, ["--rate", "80mbit"]);
  await using get = new ShoalProcess([
    "get",
    "big.bin",
    "--port",
    String(port),
    "--out",
    scratch.out,
  ]);
  await get.event((event) => event.event === "progress" && (event["bytes"] as number) > MIB);
  await using _b = await startServer(scratch, port);
  assertEquals(await get.exit(), 0, get.description());
  assertSameBytes(await scratch.read("big.bin"), file);
  assertEquals(shares(done(get.events)[0]).filter((share) => share.bytes > 0).length, 2);
});
