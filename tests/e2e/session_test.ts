/** TCP sessions with the real server: by hand, by our own commands, and by bad input. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { StreamingHash } from "../../lib/protocol/base/sha256.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { contentsOf, e2e, failures, randomFile, sha256Hex } from "../support/e2e.ts";
import {
  freePort,
  runShoal,
  Scratch,
  type ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";
import { rememberAs } from "../support/index_cache.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

const MIB = 1024 * 1024;
const UPLOADS = ["--allow-upload"];

function md5Hex(bytes: Uint8Array): string {
  const hash = new StreamingHash("md5");
  hash.update(bytes);
  return hash.digestHex();
}

async function tcpPortOf(server: ShoalProcess): Promise<number> {
  return (await server.event((event) => event.event === "ready"))["tcpPort"] as number;
}

/** What is visible in the served folder. */
function visibleIn(scratch: Scratch): string[] {
  return Object.keys(contentsOf(scratch.served)).filter((name) => !name.startsWith(".")).sort();
}

e2e("put stores a file, which everybody is offered at once", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await using server = await startServer(scratch, port, UPLOADS);
  const target = `127.0.0.1:${await tcpPortOf(server)}`;
  const file = randomFile(3 * MIB + 7, 1);
  const path = join(scratch.root, "film.bin");
  await Deno.writeFile(path, file);

  const put = await runShoal(["put", path, "--server", target]);
  assertEquals(put.code, 0, put.process.description());
  const stored = put.events.find((event) => event.event === "stored");
  assertEquals(stored?.["sha256"], await sha256Hex(file));
  assertEquals(stored?.["md5"], md5Hex(file));
  assertEquals([stored?.["storedAs"], stored?.["present"]], ["film.bin", false]);
  assertEquals(visibleIn(scratch), ["film.bin"]);

  const get = await runShoal(["get", "film.bin", "--port", String(port), "--out", scratch.out]);
  assertEquals(get.code, 0, get.process.description());
  assertSameBytes(await scratch.read("film.bin"), file);

  const again = await runShoal(["put", path, "--server", target]);
  assertEquals(again.events.find((event) => event.event === "stored")?.["present"], true);
  await Deno.writeFile(path, file.slice(1));
  const other = await runShoal(["put", path, "--server", target]);
  const event = other.events.find((event) => event.event === "stored");
  assertEquals(event?.["storedAs"], "film (2).bin");
  assertEquals(visibleIn(scratch), ["film (2).bin", "film.bin"]);
  assertSameBytes(await Deno.readFile(join(scratch.served, "film.bin")), file);
});

e2e(
  "a server tells once whom it sends a file over TCP, and a few of the puts it refuses",
  async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("a.txt", randomFile(1_000, 1));
    await scratch.serve("b.txt", randomFile(1_000, 2));
    await using server = await startServer(scratch, freePort(), [
      ...UPLOADS,
      "--max-upload",
      "1kb",
    ]);
    const port = await tcpPortOf(server);
    await server.event(({ event, filesLeft }) => event === "indexing" && filesLeft === 0);
    for (let i = 0; i < 4; i++) {
      using peer = await TcpPeer.connect(port);
      for (const name of ["a.txt", "b.txt", "a.txt"]) {
        await peer.say({ command: "fetch", name, offset: 10 * i, length: 100 });
        assertEquals((await peer.message())["status"], "file");
        while ((await peer.takeFrame())!.length > 0);
        assertEquals((await peer.message())["status"], "sent");
      }
      for (let j = 0; j < 10; j++) {
        await peer.say({ command: "put", name: `big ${i} ${j}`, size: 2_000, mtime: 0 });
        assertEquals((await peer.message())["status"], "error");
      }
    }
    await server.event(({ event }) => event === "refused");
    // What was posted before this has been told before it.
    await Deno.writeTextFile(join(scratch.root, "c.txt"), "c");
    await runShoal(["put", join(scratch.root, "c.txt"), "--server", `127.0.0.1:${port}`]);
    await server.event(({ event }) => event === "uploaded");
    const sending = server.events.filter(({ event }) => event === "sending");
    assertEquals(sending.map(({ name }) => name), ["a.txt", "b.txt"]);
    const refused = server.events.filter(({ event }) => event === "refused");
    assert(refused.length >= 5 && refused.length < 12, `${refused.length} of 40`);
    const { name, client, message, omitted } = refused[0]!;
    assertEquals([name, omitted], ["big 0 0", 0]);
    assertMatch(`${client}`, /^127\.0\.0\.1:\d+$/);
    assertMatch(`${message}`, /too large: 2\.0 kB, .*--max-upload/);
  },
);

e2e(
  "a chunk that a get over TCP finds bad is looked at again: the next one gets what is there",
  async () => {
    await using scratch = await Scratch.make();
    const file = randomFile(5 * MIB, 3);
    const rotten = file.slice();
    rotten[3 * MIB] = rotten[3 * MIB]! ^ 1;
    const path = join(scratch.served, "film.bin");
    // Changed in place, with all of its times as they were: to the server it is what it has hashed.
    await scratch.serve("film.bin", rotten);
    await rememberAs(join(scratch.cache, "shoal"), path, file);
    await using server = await startServer(scratch, freePort());
    const tcp = ["--tcp", "--server", `127.0.0.1:${await tcpPortOf(server)}`];
    const get = ["get", "film.bin", ...tcp, "--timeout", "3", "--retries", "2"];
    const pin = ["--sha256", await sha256Hex(file)];
    const pinned = await runShoal([...get, ...pin, "--out", join(scratch.out, "pinned")]);
    assert([3, 4].includes(pinned.code), pinned.process.description());
    assertEquals(failures(pinned.events).length, 1);
    await server.event(({ message }) => /film\.bin is another file now/.test(String(message)));
    const now = await runShoal([...get, "--out", join(scratch.out, "now")]);
    assertEquals(now.code, 0, now.process.description());
    assertSameBytes(await scratch.read("now/film.bin"), rotten);
  },
);

e2e("get --tcp fetches a file, and resumes a part; list --tcp shows it", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const file = randomFile(5 * MIB + 1, 2);
  await scratch.serve("a/film.bin", file);
  await scratch.serve("empty", new Uint8Array(0));
  await using server = await startServer(scratch, port);
  const target = `127.0.0.1:${await tcpPortOf(server)}`;
  const tcp = ["--tcp", "--server", target];

  const get = await runShoal(["get", "a/film.bin", "empty", ...tcp, "--out", scratch.out]);
  assertEquals(get.code, 0, get.process.description());
  assertSameBytes(await scratch.read("a/film.bin"), file);
  assertEquals((await scratch.read("empty")).length, 0);
  const present = await runShoal(["get", "a/film.bin", ...tcp, "--out", scratch.out]);
  assertEquals(present.events.find((event) => event.event === "done")?.["present"], true);

  // By content no server chooses the folder.
  const byId = await runShoal(["get", `md5:${md5Hex(file)}`, ...tcp, "--out", scratch.cache]);
  assertEquals(byId.code, 0, byId.process.description());
  assertSameBytes(await Deno.readFile(join(scratch.cache, "film.bin")), file);

  const list = await runShoal(["list", ...tcp]);
  const names = list.events.map((event) => event["name"]);
  assertEquals(names, ["a/film.bin", "empty"]);
  const missing = await runShoal(["get", "nothing", ...tcp, "--out", scratch.out]);
  assertEquals(missing.code, 3, missing.process.description());
});

e2e("an upload that broke off leaves nothing visible and is gone on with", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await using server = await startServer(scratch, port, UPLOADS);
  const tcpPort = await tcpPortOf(server);
  const file = randomFile(4 * MIB, 3);
  const path = join(scratch.root, "film.bin");
  await Deno.writeFile(path, file);
  const put = { command: "put", name: "film.bin", size: file.length, mtime: 0 };
  {
    using peer = await TcpPeer.connect(tcpPort);
    await peer.say(put);
    assertEquals(await peer.message(), { status: "ready", offset: 0 });
    await peer.say({ command: "body", offset: 0 });
    for (let i = 0; i < 3; i++) await peer.frame(file.subarray(i * MIB, (i + 1) * MIB));
  }
  let offset: unknown = 0;
  // The server notices the end of the connection in its own time.
  for (let tries = 0; offset === 0 && tries < 200; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    using peer = await TcpPeer.connect(tcpPort);
    await peer.say(put);
    const ready = await peer.message();
    offset = ready["offset"];
    if (offset !== 0) assertEquals(ready["sha256"], await sha256Hex(file.slice(0, 3 * MIB)));
  }
  assertEquals(offset, 3 * MIB);
  assertEquals(visibleIn(scratch), []);
  const rest = await runShoal(["put", path, "--server", `127.0.0.1:${tcpPort}`]);
  assertEquals(rest.code, 0, rest.process.description());
  assertSameBytes(await Deno.readFile(join(scratch.served, "film.bin")), file);
});

e2e("what changed since an upload broke off is sent from the beginning", async () => {
  await using scratch = await Scratch.make();
  await using server = await startServer(scratch, freePort(), UPLOADS);
  const tcpPort = await tcpPortOf(server);
  const file = randomFile(2 * MIB, 4);
  {
    using peer = await TcpPeer.connect(tcpPort);
    await peer.say({ command: "put", name: "f", size: file.length, mtime: 0 });
    await peer.message();
    await peer.say({ command: "body", offset: 0 });
    await peer.frame(file.subarray(0, MIB));
  }
  const path = join(scratch.root, "f");
  file[5]! ^= 1;
  await Deno.writeFile(path, file);
  const put = await runShoal(["put", path, "--server", `127.0.0.1:${tcpPort}`]);
  assertEquals(put.code, 0, put.process.description());
  assertSameBytes(await Deno.readFile(join(scratch.served, "f")), file);
});

e2e(
  "a put into a folder that leads elsewhere, or is a file, is refused before the body",
  async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("file", randomFile(10, 5));
    await Deno.symlink("..", join(scratch.served, "away"));
    await Deno.symlink("nowhere", join(scratch.served, "dangling"));
    await using server = await startServer(scratch, freePort(), UPLOADS);
    using peer = await TcpPeer.connect(await tcpPortOf(server));
    for (const name of ["away/x", "away/y/x", "dangling/x", "file/x"]) {
      await peer.say({ command: "put", name, size: 5, mtime: 9e15 });
      const { status, code } = await peer.message();
      assertEquals([status, code], ["error", "refused"], name);
    }
    await peer.say({ command: "put", name: "new/x", size: 5, mtime: 9e15 });
    assertEquals((await peer.message())["status"], "ready");
  },
);

e2e(
  "without --allow-upload, above --max-upload or the quota: refused before the body",
  async () => {
    await using scratch = await Scratch.make();
    await using closed = await startServer(scratch, freePort());
    await using small = await startServer(
      scratch,
      freePort(),
      [...UPLOADS, "--max-upload", "2mb", "--upload-quota", "3mb"],
    );
    const path = join(scratch.root, "film.bin");
    await Deno.writeFile(path, randomFile(1.6 * MIB, 5));
    const put = async (server: ShoalProcess): Promise<{ code: number; stderr: string }> =>
      await runShoal(["put", path, "--server", `127.0.0.1:${await tcpPortOf(server)}`]);
    const refused = await put(closed);
    assertEquals(refused.code, 1, refused.stderr);
    assertMatch(refused.stderr, /--allow-upload/);
    assertEquals((await put(small)).code, 0);
    await Deno.writeFile(path, randomFile(1.6 * MIB, 6));
    const overQuota = await put(small);
    assertMatch(overQuota.stderr, /no more than 1\.3 MB now \(--upload-quota\)/);
    await Deno.writeFile(path, randomFile(2.1 * MIB, 7));
    assertMatch((await put(small)).stderr, /too large/);
    assertEquals(visibleIn(scratch), ["film.bin"]);

    using ascii = await TcpPeer.connect(await tcpPortOf(closed));
    await ascii.send("UPLOAD\n");
    assertMatch(await ascii.line(), /^ERROR uploads are not allowed/);
    using json = await TcpPeer.connect(await tcpPortOf(closed));
    // Only the prefix of a long message: its body never comes.
    await json.send(Uint8Array.of(0, 0x50, 0, 0));
    assertMatch(String((await json.message())["message"]), /uploads are not allowed/);
  },
);

const GREETING = new TextEncoder().encode("hello");

for (
  const [how, newline, pieceBytes] of [
    ["with newlines", "\n", Infinity],
    ["without any", "", Infinity],
    ["byte by byte", "\r\n", 1],
  ] as const
) {
  e2e(`the ASCII dialect by hand, ${how}`, async () => {
    await using scratch = await Scratch.make();
    await using server = await startServer(scratch, freePort(), UPLOADS);
    using peer = await TcpPeer.connect(await tcpPortOf(server));
    const say = (text: string): Promise<void> => peer.send(text + newline, pieceBytes);
    await say("LIST_FILES");
    assertEquals(await peer.line(), "No files available at the moment");
    await say("UPLOAD");
    assertEquals(await peer.line(), "Please send the file name and file size");
    await say("hello.txt;5");
    assertEquals(await peer.line(), "Ready to receive the file");
    await peer.send("hello", pieceBytes);
    const id = md5Hex(GREETING);
    assertEquals(await peer.line(), id);
    await say("LIST FILES");
    assertEquals(await peer.line(), `${id};hello.txt;5`);
    await say("DOWNLOAD");
    assertEquals(await peer.line(), "Please send a file ID");
    await say(id);
    assertEquals(await peer.bytes(5), GREETING);
    await say("DOWNLOAD");
    assertEquals(await peer.line(), "Please send a file ID");
    await say(id.slice(0, 31));
    assertMatch(await peer.line(), /^ERROR a file ID has 32/);
    await say("DOWNLOAD");
    await peer.line();
    await say("0".repeat(32));
    assertEquals(await peer.line(), "ERROR no file has that ID");
    await say("UPLOAD");
    await peer.line();
    await say("../../etc/passwd;0");
    assertEquals(await peer.line(), "Ready to receive the file");
    assertEquals(await peer.line(), md5Hex(new Uint8Array(0)));
    await say("LIST_FILES");
    await peer.line();
    assertEquals(visibleIn(scratch), ["hello.txt", "passwd"]);
  });
}

const BAD_ASCII: readonly (readonly [string, readonly string[], RegExp])[] = [
  ["a wrong command", ["LIST_FILES\n", "HELLO\n"], /^ERROR unknown command/],
  ["a negative size", ["UPLOAD\n", "a;-1\n"], /^ERROR that is not a file name and a size/],
  ["no size", ["UPLOAD\n", "a\n"], /^ERROR that is not/],
  ["a name of dots", ["UPLOAD\n", "..;5\n"], /^ERROR that is not/],
  ["a hidden name", ["UPLOAD\n", ".bashrc;5\n"], /^ERROR that is not/],
  ["a device", ["UPLOAD\n", "CON;5\n"], /^ERROR that is not/],
  ["a huge size", ["UPLOAD\n", "a;99999999999\n"], /^ERROR the file is too large/],
  ["an id that is none", ["DOWNLOAD\n", "zz\n"], /^ERROR a file ID/],
  ["not UTF-8", ["UPLOAD\n", "\u00ff"], /^ERROR/],
];

e2e("bad input in the ASCII dialect is answered, and the next command works", async () => {
  await using scratch = await Scratch.make();
  await using server = await startServer(scratch, freePort(), UPLOADS);
  const port = await tcpPortOf(server);
  for (const [what, steps, expected] of BAD_ASCII) {
    using peer = await TcpPeer.connect(port);
    for (const [i, step] of steps.entries()) {
      if (i > 0) await peer.line();
      const bytes = what === "not UTF-8" && i > 0 ? Uint8Array.of(0xff, 0xfe, 0x0a) : step;
      await peer.send(bytes);
    }
    assertMatch(await peer.line(), expected, what);
    await peer.send("LIST_FILES\n");
    assertEquals(await peer.line(), "No files available at the moment", what);
  }
  using noise = await TcpPeer.connect(port);
  await noise.send("{}\n");
  assertMatch(await noise.line(), /^ERROR/);
  await noise.end();
});

const PUT = { command: "put", name: "a", size: 4, mtime: 0 };

e2e("bad input in JSON sessions is answered with an error, and the session continues", async () => {
  await using scratch = await Scratch.make();
  await using server = await startServer(scratch, freePort(), UPLOADS);
  const port = await tcpPortOf(server);
  const bad: readonly unknown[] = [
    {},
    [],
    { command: "nonsense" },
    { command: "upload" },
    { command: "upload", file_path: "a", file_data: "\u0100" },
    { command: "upload", file_path: "a", file_data_hex: "abc" },
    { command: "fetch" },
    { command: "fetch", name: "../a" },
    { command: "fetch", name: "a", offset: -1 },
    { command: "fetch", sha256: "zz" },
    { command: "list", after: 7 },
    { command: "layer", root: "00", size: 1 },
    { ...PUT, name: "../a" },
    { ...PUT, name: "a/../../b" },
    { ...PUT, name: ".hidden" },
    { ...PUT, name: "a\u0000b" },
    { ...PUT, size: -1 },
    { ...PUT, size: 1e300 },
    { ...PUT, size: "4" },
    { ...PUT, size: 2 ** 40 },
    { ...PUT, mtime: "now" },
    { command: { toString: 1, valueOf: 1 } },
  ];
  using peer = await TcpPeer.connect(port);
  for (const request of bad) {
    await peer.say(request, 7);
    assertEquals((await peer.message())["status"], "error", JSON.stringify(request));
  }
  const bomb = new TextEncoder().encode("[".repeat(100_000));
  for (const bytes of [bomb, Uint8Array.of(0xff), new Uint8Array(0)]) {
    await peer.frame(bytes);
    assertEquals((await peer.message())["status"], "error");
  }
  await peer.say({ command: "list" });
  assertEquals(await peer.message(), { status: "files", files: [] });

  // Bodies that lie about their length, in both directions, and about their content.
  for (
    const [body, end] of [["12345", undefined], ["123", undefined], [
      "1234",
      "0".repeat(64),
    ]] as const
  ) {
    using liar = await TcpPeer.connect(port);
    await liar.say(PUT);
    assertEquals((await liar.message())["status"], "ready");
    await liar.say({ command: "body", offset: 0 });
    await liar.frame(new TextEncoder().encode(body));
    await liar.frame(new Uint8Array(0));
    if (end !== undefined) await liar.say({ command: "end", sha256: end });
    assertEquals((await liar.message())["status"], "error", body);
  }
  assertEquals(visibleIn(scratch), []);
});

/** A message of our own framing, prefix and all. */
function framed(value: unknown): Uint8Array {
  const body = typeof value === "string" ? value : JSON.stringify(value);
  const bytes = new TextEncoder().encode(body);
  return Uint8Array.of(0, 0, bytes.length >> 8, bytes.length & 0xff, ...bytes);
}

e2e("a dialogue that is cut off after any of its bytes leaves nothing to be seen", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("a", GREETING);
  await using server = await startServer(scratch, freePort(), UPLOADS);
  const port = await tcpPortOf(server);
  const sha256 = await sha256Hex(new TextEncoder().encode("12345"));
  // All messages glued together, each dialogue a whole one.
  const dialogues: readonly Uint8Array[] = [
    new TextEncoder().encode(`DOWNLOAD\n${md5Hex(GREETING)}\nUPLOAD\nb;5\n12345`),
    Uint8Array.of(
      ...framed({ command: "fetch", name: "a" }),
      ...framed({ command: "put", name: "c", size: 5, mtime: 0 }),
      ...framed({ command: "body", offset: 0 }),
      ...framed("12345"),
      ...framed(""),
      ...framed({ command: "end", sha256 }),
    ),
  ];
  for (const bytes of dialogues) {
    await Promise.all(Array.from(bytes, async (_, end) => {
      using peer = await TcpPeer.connect(port);
      await peer.send(bytes.subarray(0, end));
    }));
  }
  assertEquals(visibleIn(scratch), ["a"]);
  for (const [i, bytes] of dialogues.entries()) {
    const name = ["b", "c"][i]!;
    // The server may still be busy with those that are gone, and say so.
    for (let tries = 0; !visibleIn(scratch).includes(name); tries++) {
      assert(tries < 100, `${name} is not there`);
      using peer = await TcpPeer.connect(port);
      await peer.send(bytes);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
});

e2e("two hundred peers at once are served, and those beyond the bound are told so", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("a", GREETING);
  await using server = await startServer(scratch, freePort());
  const port = await tcpPortOf(server);
  const peers: TcpPeer[] = [];
  try {
    for (let i = 0; i < 256; i++) peers.push(await TcpPeer.connect(port));
    await Promise.all(
      // Those that are served, all of one address: whoever had said nothing yet would make room.
      peers.slice(0, 224).map(async (peer) => {
        await peer.send("LIST_FILES\n");
        assertEquals(await peer.line(), `${md5Hex(GREETING)};a;5`);
      }),
    );
    using ascii = await TcpPeer.connect(port);
    await ascii.send("LIST_FILES\n");
    assertMatch(await ascii.line(), /^ERROR too many connections/);
    using json = await TcpPeer.connect(port);
    await json.say({ command: "list" });
    assertMatch(String((await json.message())["message"]), /too many connections/);
  } finally {
    for (const peer of peers) peer[Symbol.dispose]();
  }
  const list = await runShoal(["list", "--tcp", "--server", `127.0.0.1:${port}`]);
  assertEquals(list.code, 0, list.process.description());
});

e2e(
  "the round trip under simulated errors ends right, and asks only for what is missing",
  async () => {
    await using scratch = await Scratch.make();
    const args = [...UPLOADS, "--simulate-errors", "--error-rate", "0.2", "--seed", "7"];
    await using server = await startServer(scratch, freePort(), args);
    const path = join(scratch.root, "film.bin");
    await Deno.writeFile(path, randomFile(2 * MIB, 8));
    const target = `127.0.0.1:${await tcpPortOf(server)}`;
    const put = await runShoal(["put", path, "--server", target, "--dialect", "json"]);
    assertEquals(put.code, 0, put.process.description());
    assert(put.events.some((event) => String(event["message"]).startsWith("Missing sequence")));
    assertEquals(visibleIn(scratch), []);
  },
);
