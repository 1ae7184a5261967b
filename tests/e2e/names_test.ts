/**
 * Names that lead astray, by every way in: what is asked of a server, what a server is given to keep,
 * and what a malicious server says to a client. None reaches a file outside the folder, none makes one
 * outside `--out`, and none reaches a terminal as it stands.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { ShoalError } from "../../lib/errors.ts";
import { hashHex, type SafeFileName } from "../../lib/ids.ts";
import { ProgressView } from "../../lib/cli/progress_view.ts";
import { decodeFrame, encodeFrame, type FrameOf } from "../../lib/wire/frames.ts";
import { getSettled } from "../../mod.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { DatagramPeer } from "../support/datagram_peer.ts";
import { contentsOf, e2e, failures, randomFile, sha256Hex } from "../support/e2e.ts";
import { askMaster, fakeFile, freeTcpPort, namesAt, startMaster } from "../support/master.ts";
import { scriptedFile, ScriptedServer } from "../support/scripted_server.ts";
import {
  freePort,
  runShoal,
  Scratch,
  type ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";
import { makeFifo, makeZeroDevice } from "../support/special_files.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

/** No way in takes these. */
const UNSAFE = [
  "",
  ".",
  "..",
  "../secret.txt",
  "..\\secret.txt",
  "/etc/passwd",
  "C:\\x",
  "C:x",
  "CON",
  "con.txt",
  "x\0y",
  "a/../../secret.txt",
  "inner/../a.txt",
  "./a.txt",
  "inner//b.txt",
  "a.txt/",
  "a.txt\n",
  "\u001b[2J",
  "n".repeat(256),
  "é".repeat(128),
  "d/".repeat(600),
] as const;

/** These are names like any other, and nothing that is offered here has them. */
const ABSENT = [
  "link",
  "away/secret.txt",
  "dangling",
  "pipe",
  "device",
  "A.TXT",
  "secret.txt",
  "%2e%2e/secret.txt",
  "~/secret.txt",
] as const;

const LONGEST = "n".repeat(255);
const OFFERED = ["a.txt", "inner/b.txt", "caf\u00e9", "Twin", "twin", LONGEST] as const;
/** One of those, as another keyboard types it. */
const TYPED = { name: "cafe\u0301", meant: "caf\u00e9" };
const SECRET = "for nobody";
/** All but the newline. */
const CONTROL_OR_BIDI = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]/u;

async function fillFolder(scratch: Scratch): Promise<void> {
  await Deno.writeTextFile(join(scratch.root, "secret.txt"), SECRET);
  for (const [i, name] of OFFERED.entries()) await scratch.serve(name, randomFile(100 + i, i));
  const links = { link: "../secret.txt", away: "..", dangling: "nothing" };
  for (const [name, target] of Object.entries(links)) {
    await Deno.symlink(target, join(scratch.served, name));
  }
  await makeFifo(join(scratch.served, "pipe"));
  await makeZeroDevice(join(scratch.served, "device"));
}

function findOf(name: string, queryId: bigint): FrameOf<"find"> {
  const query = { by: "name", name: name as SafeFileName } as const;
  return {
    kind: "find",
    queryId,
    token: new Uint8Array(16),
    round: 0,
    known: [],
    queries: [query],
  };
}

e2e(
  "names that are asked for: by FIND, in both dialects of sessions, the classic way",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    await fillFolder(scratch);
    await using server = await startServer(scratch, port);
    const { dataPort, tcpPort } = await server.event(({ event }) => event === "ready");
    using shoal = new DatagramPeer();
    using classic = new DatagramPeer();
    const utf8 = new TextEncoder();
    // A name that no frame holds is no frame: silence. One that nothing has is absent.
    const sayable = UNSAFE.filter((name) => name.length < 1_024);
    for (const name of sayable) await shoal.send(findOf(name, 1n), dataPort as number);
    for (const name of ABSENT) {
      await shoal.send(findOf(name, 2n), dataPort as number);
      assertEquals((await shoal.frame("absent")).queryId, 2n, name);
    }
    for (const name of OFFERED) {
      await shoal.send(findOf(name, 3n), dataPort as number);
      assertEquals<string>((await shoal.frame("offer")).name, name);
    }
    await shoal.send(findOf(TYPED.name, 4n), dataPort as number);
    assertEquals<string>((await shoal.frame("offer")).name, TYPED.meant);
    for (const name of [...UNSAFE, ...ABSENT]) await classic.send(utf8.encode(`get ${name}`), port);
    await classic.send(utf8.encode("get a.txt"), port);
    assertStringIncludes(new TextDecoder().decode(await classic.receive()), "except 1 chunks");

    using session = await TcpPeer.connect(tcpPort as number);
    for (const name of [...UNSAFE, ...ABSENT]) {
      await session.say({ command: "fetch", name });
      assertEquals((await session.message())["status"], "error", name);
    }
    for (const after of UNSAFE) {
      await session.say({ command: "list", after });
      assertEquals((await session.message())["status"], "error", after);
    }
    await session.say({ command: "list" });
    const { files } = await session.message();
    const listed = (files as readonly { readonly name: string }[]).map(({ name }) => name);
    assertEquals(listed.sort(), [...OFFERED].sort());
  },
);

e2e(
  "names that are to be kept: put, upload and the ASCII dialect make nothing outside",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    await fillFolder(scratch);
    await using server = await startServer(scratch, port, ["--allow-upload"]);
    const { tcpPort } = await server.event(({ event }) => event === "ready");
    using session = await TcpPeer.connect(tcpPort as number);
    const before = contentsOf(scratch.root);
    for (const name of [...UNSAFE, ".hidden", "x.0123abcd.part", 5, null, ["a"]]) {
      await session.say({ command: "put", name, size: 3, mtime: 0 });
      assertEquals((await session.message())["status"], "error", String(name));
    }
    // What the other dialect sends is given back, wherever it says that it belongs.
    for (const path of ["../x", "/etc/passwd", "x\0y"]) {
      await session.say({ command: "upload", file_path: path, file_data: "abc" });
      assertEquals((await session.message())["status"], "ready");
      for (let said = ""; said !== "end";) said = String((await session.message())["type"]);
    }
    using ascii = await TcpPeer.connect(tcpPort as number);
    for (const name of ["..", ".", "../", "x\\..", "CON", "a/.hidden", "n".repeat(256)]) {
      await ascii.send("UPLOAD\n");
      assertStringIncludes(await ascii.line(), "file name");
      await ascii.send(`${name};3\n`);
      assertMatch(await ascii.line(), /^ERROR /, name);
    }
    assertEquals(contentsOf(scratch.root), before);
    // A folder before a name is dropped, whatever it is; into a link that leaves nothing is put.
    await ascii.send("UPLOAD\n");
    await ascii.line();
    await ascii.send("../../up.txt;3\n");
    assertStringIncludes(await ascii.line(), "Ready");
    await ascii.send("abc");
    assertMatch(await ascii.line(), /^[0-9a-f]{32}$/);
    assertEquals(Deno.readTextFileSync(join(scratch.served, "up.txt")), "abc");
    await session.say({ command: "put", name: "away/put.txt", size: 3, mtime: 0 });
    if ((await session.message())["status"] === "ready") {
      await session.say({ command: "body", offset: 0 });
      await session.frame(new TextEncoder().encode("abc"));
      await session.frame(new Uint8Array(0));
      await session.say({
        command: "end",
        sha256: await sha256Hex(new TextEncoder().encode("abc")),
      });
      assertEquals((await session.message())["status"], "error");
    }
    const changed = contentsOf(scratch.root);
    // What the server keeps of uploads has a folder of its own.
    const own = ["cache/", "served/.shoal-uploads/"];
    const names = Object.keys(changed).filter((name) => !own.some((each) => name.startsWith(each)));
    assertEquals(names.filter((name) => !(name in before)), ["served/up.txt"]);
  },
);

e2e("names on get's command line: refused, absent, or exactly the file", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await fillFolder(scratch);
  await using _server = await startServer(scratch, port);
  const common = ["--out", scratch.out, "--port", `${port}`, "--timeout", "3", "--retries", "1"];
  // What ends with a slash asks for all that is below a folder, and `./` only says that a name follows.
  for (const name of UNSAFE.filter((each) => !/^\.\/|\/$/.test(each))) {
    const error = await getSettled({ names: [name], outDir: scratch.out }).then(
      () => "",
      ShoalError.from,
    );
    assert(error instanceof ShoalError, `${JSON.stringify(name)} was taken`);
    assert(["bad_name", "usage"].includes(error.code), `${JSON.stringify(name)}: ${error.code}`);
  }
  for (const name of ["..\\x", "CON", ""]) {
    assertEquals((await runShoal(["get", name, ...common])).code, 2, name);
  }
  const absent = await runShoal(["get", ...ABSENT, ...common]);
  assertEquals(absent.code, 3, absent.process.description());
  assertEquals(failures(absent.events).length, ABSENT.length);
  assertEquals(contentsOf(scratch.out), {});
  const found = await runShoal(["get", ...OFFERED, ...common]);
  assertEquals(found.code, 0, found.process.description());
  assertEquals(Object.keys(contentsOf(scratch.out)).sort(), [...OFFERED].sort());
  // It is the same file, under the name that was typed.
  assertEquals((await runShoal(["get", TYPED.name, ...common])).code, 0);
  assertSameBytes(await scratch.read(TYPED.name), await scratch.read(TYPED.meant));
});

e2e(
  "a file that is swapped for a link, over and over, never gives what the link leads to",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const secret = "S".repeat(4_000);
    await scratch.serve("b.txt", new TextEncoder().encode(secret), join(scratch.root, "outside"));
    await scratch.serve("a.txt", new TextEncoder().encode("p".repeat(4_000)));
    await scratch.serve("inner/b.txt", new TextEncoder().encode("p".repeat(4_000)));
    await using server = await startServer(scratch, port);
    const { tcpPort } = await server.event(({ event }) => event === "ready");
    const at = (name: string): string => join(scratch.served, name);
    await Deno.symlink(join(scratch.root, "outside/b.txt"), at(".link"));
    await Deno.symlink(join(scratch.root, "outside"), at(".folder"));
    let isOver = false;
    const swapping = (async () => {
      while (!isOver) {
        for (const [name, link] of [["a.txt", ".link"], ["inner", ".folder"]] as const) {
          Deno.renameSync(at(name), at(".real"));
          Deno.renameSync(at(link), at(name));
          await new Promise((resolve) => setTimeout(resolve, 1));
          Deno.renameSync(at(name), at(link));
          Deno.renameSync(at(".real"), at(name));
          // Long enough to be found and given now and then.
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      }
    })();
    let given = 0;
    const endMs = performance.now() + 3_000;
    while (performance.now() < endMs) {
      using session = await TcpPeer.connect(tcpPort as number);
      for (const name of ["a.txt", "inner/b.txt"]) {
        await session.say({ command: "fetch", name });
        const { status } = await session.message();
        if (status !== "file") continue;
        for (
          let frame = await session.takeFrame();
          frame?.length;
          frame = await session.takeFrame()
        ) {
          const text = new TextDecoder().decode(frame);
          assert(!text.includes("S"), "what lies outside was given away");
          given += 1;
        }
        await session.message();
      }
    }
    isOver = true;
    await swapping;
    assert(given > 0, "the true file was never given: this has tried nothing");
    server.signal("SIGINT");
    assertEquals(await server.exit(), 0, server.description());
  },
);

e2e(
  "a malicious server's names: what it offers and lists is shown escaped, and stays in --out",
  async () => {
    await using scratch = await Scratch.make();
    const bidi = "holiday\u202egpj.exe";
    const [listed, evil] = [scriptedFile(bidi, 5_000, 1), scriptedFile("../evil.txt", 5_000, 2)];
    const server = new ScriptedServer(1, [listed, scriptedFile("plain.txt", 10, 3)]);
    const liar = new ScriptedServer(
      2,
      [evil, scriptedFile("x\u001b[2J", 5, 4)],
      server.discoveryPort,
    );
    try {
      const port = `${server.discoveryPort}`;
      const list = await runShoal(["list", "--port", port, "--timeout", "1"], { json: false });
      assertEquals(list.code, 0, list.process.description());
      assertStringIncludes(list.stdout, "holiday\\u{202e}gpj.exe");
      assertStringIncludes(list.stdout, "plain.txt");
      assert(!list.stdout.includes("evil"), "a page with such a name is no page");
      const common = ["--out", scratch.out, "--port", port, "--timeout", "2", "--retries", "1"];
      const runs = [list];
      for (const wanted of [bidi, `sha256:${listed.entry.sha256}`, `sha256:${evil.entry.sha256}`]) {
        const run = await runShoal(["get", wanted, "--verbose", ...common], { json: false });
        assert(run.code !== 0, "a file came that nobody has");
        runs.push(run);
      }
      assertStringIncludes(runs[1]!.stdout, "holiday\\u{202e}gpj.exe");
      assertStringIncludes(runs[1]!.stderr, "holiday\\u{202e}gpj.exe");
      for (const { stdout, stderr } of runs) {
        assert(!CONTROL_OR_BIDI.test(stdout + stderr), JSON.stringify(stdout + stderr));
      }
      const left = Object.keys(contentsOf(scratch.root)).filter((name) =>
        !name.startsWith("cache/")
      );
      assert(left.every((name) => name.startsWith(`out/${bidi}.`)), left.join(" "));
    } finally {
      await server.close();
      await liar.close();
    }
  },
);

e2e("errors that name a file show it escaped, and so does a live display", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const bidi = "a\u202eb\u2066.txt";
  await scratch.serve(`dir/${bidi}`, randomFile(100_000, 1));
  await using _server = await startServer(scratch, port);
  // The folder that it needs is a link that leaves.
  await Deno.symlink(scratch.root, join(scratch.out, "dir"));
  const args = ["get", `dir/${bidi}`, "--out", scratch.out, "--port", `${port}`];
  const run = await runShoal(args, { json: false });
  assertEquals(run.code, 5, run.process.description());
  await Deno.remove(join(scratch.out, "dir"));
  const shown = await runShoal(args, { json: false });
  const again = await runShoal(args, { json: false });
  const absent = await runShoal(["get", `no${bidi}`, ...args.slice(2)], { json: false });
  assertEquals([shown.code, again.code, absent.code], [0, 0, 3]);
  for (const { stdout, stderr, process } of [run, shown, again, absent]) {
    assert(!CONTROL_OR_BIDI.test(stdout + stderr), process.description());
    assertStringIncludes(stdout + stderr, "\\u{202e}");
  }
  const view = new ProgressView();
  const lanes = [{ server: "127.0.0.1:1", rate: 1, bytes: 5 }];
  view.apply({ event: "progress", name: `${bidi}\u001b[2J\n`, bytes: 5, size: 10, rate: 1, lanes });
  const attempt = { attempt: 1, attempts: 2 };
  view.apply({ event: "waiting", name: `${bidi}\u001b`, message: "for \u202e it", ...attempt });
  const lines = view.lines({ columns: 100, rows: 10 });
  assert(lines.length >= 2);
  for (const line of lines) assert(!/[\n]/.test(line) && !CONTROL_OR_BIDI.test(line), line);
});

e2e("a master takes no name that leads astray, to register or to locate", async () => {
  const port = freeTcpPort();
  await using _master: ShoalProcess = await startMaster(port);
  using peer = await TcpPeer.connect(port);
  const ask = async (request: unknown): Promise<Record<string, unknown>> => {
    await peer.say(request);
    return await peer.message();
  };
  const lease = await ask({ command: "register", server: "a".repeat(32), port: 10_530 });
  assertEquals(lease["status"], "lease");
  for (const name of UNSAFE) {
    const put = { command: "update", revision: 1, reset: true, put: [fakeFile(name)] };
    assertEquals((await ask(put))["code"], "bad_request", name);
    const remove = { command: "update", revision: 1, reset: true, remove: [name] };
    assertEquals((await ask(remove))["code"], "bad_request", name);
    assertEquals(
      (await askMaster(port, { command: "locate", names: [name] }))["code"],
      "bad_request",
    );
    const after = await askMaster(port, { command: "list", after: name });
    assertEquals(after["code"], "bad_request", name);
  }
  const files = ["\u202eb", "twin", "Twin", LONGEST].map((name) => fakeFile(name));
  const told = await ask({ command: "update", revision: 1, reset: true, put: files });
  assertEquals(told["status"], "ok");
  assertEquals((await namesAt(port)).sort(), ["\u202eb", "twin", "Twin", LONGEST].sort());
});

Deno.test("no frame of a malicious server can carry a name that leads astray", () => {
  const hash = hashHex("ab".repeat(32));
  for (const name of UNSAFE.filter((each) => each.length < 1_024)) {
    const entry = { state: "ready", sizeBytes: 1, sha256: hash, mtimeMs: 0, name } as const;
    const offer = {
      ...{ queryId: 1n, queryIndex: 0, server: "a".repeat(32), token: new Uint8Array(16) },
      dataPort: 0,
    };
    const frames = [
      {
        kind: "offer",
        ...offer,
        sizeBytes: 1,
        sha256: hash,
        root: hash,
        mtimeMs: 0,
        tcpPort: 0,
        name,
      },
      { kind: "absent", ...offer, similar: [name] },
      {
        kind: "listing",
        ...{ queryId: 1n, number: 1, server: offer.server, page: 0, isLast: 1, tcpPort: 0 },
        filesTotal: 1,
        entries: [entry],
      },
    ];
    for (const frame of frames as unknown as FrameOf<"offer">[]) {
      assertEquals(decodeFrame(encodeFrame(frame)).kind, "malformed", JSON.stringify(name));
    }
  }
});
