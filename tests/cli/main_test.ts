import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { summaryLines } from "../../lib/cli/get_summary.ts";
import { STORE } from "../../lib/cli/value_types.ts";
import { ShoalError } from "../../lib/errors.ts";
import { done, FakeApp, REPORT, run } from "../support/fake_cli.ts";
import { canTouchFiles } from "../support/permissions.ts";

const OFFER = {
  event: "offer",
  name: "a",
  server: "127.0.0.1:10530",
  id: "1".repeat(32),
  size: 3,
  sha256: "f".repeat(64),
  root: "0".repeat(64),
} as const;

const TIMES = { activeS: 1, pausedS: 0, givenBytes: 0 };
const FAILED = { event: "failed", name: "x", code: "not_found", message: "", hint: "" } as const;

const canLook = await canTouchFiles();

/** A command line of a server, which looks at what is to be offered. */
function looking(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: !canLook, fn });
}

function appWith(changes: Partial<FakeApp>): FakeApp {
  return Object.assign(new FakeApp(), changes);
}

Deno.test("help and version go to stdout and are no failure", async () => {
  for (const args of [["--help"], ["-h"], ["get", "--help"], ["get", "--port", "-h"]]) {
    const { code, out, err } = await run(args);
    assertEquals([code, err], [0, ""], args.join(" "));
    assertStringIncludes(out, "Usage:");
  }
  for (const args of [["--version"], ["-V"], ["version"], ["get", "--version"]]) {
    assertMatch((await run(args)).out, /^shoal \d+\.\d+\.\d+\n$/);
  }
  assertEquals((await run(["help"])).out, (await run(["--help"])).out);
  assertEquals((await run(["help", "get"])).out, (await run(["get", "--help"])).out);
});

Deno.test("a command that does not exist is wrong usage, and the answer lists those that do", async () => {
  for (const args of [[], ["fetch"], ["--json", "get"], ["give", "x"]]) {
    const { code, err } = await run(args);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(err, "server, get, list, send, put, master, hash, secret, demo");
  }
});

Deno.test("a slip of the finger is answered with what was probably meant", async () => {
  for (
    const [args, meant] of [
      [["serve"], "`shoal server`"],
      [["gt", "a"], "`shoal get`"],
      [["gte"], "`shoal get`"],
      [["lsit"], "`shoal list`"],
      // What others call it.
      [["share", "x"], "`shoal server`"],
      [["--download", "x"], "`shoal get`"],
      [["help", "upload"], "`shoal put`"],
      [["get", "a", "--sever", "b"], "--server"],
      [["get", "a", "--no-sprse"], "--no-sparse"],
      [["get", "a", "--no-interfac"], "--no-interface"],
      [["get", "-output", "f", "a"], "--output"],
      [["get", "-O", "f", "a"], "-o"],
      [["list", "-w"], "--wait"],
      [["get", "-c"], "--check or --code or --color"],
    ] as const
  ) {
    const { code, err } = await run([...args]);
    assertEquals(code, 2);
    assertStringIncludes(err, `hint: Did you mean ${meant}? `);
  }
  assertEquals((await run(["x"])).err.includes("Did you mean"), false);
  const { err } = await run(["list", "-o", "x"]);
  assertStringIncludes(err, "hint: It is an option of `shoal get`. `shoal list --help` lists");
});

Deno.test("a name that begins with a dash is fetched as the hint says", async () => {
  assertStringIncludes((await run(["get", "-dash.txt"])).err, "is written ./-dash.txt.");
  const { app } = await run(["get", "./-dash.txt", "./a/b"]);
  assertEquals(app.got?.names, ["./-dash.txt", "./a/b"]);
  for (const name of ["./", ".//a", "./../a", "a/./b"]) {
    assertEquals((await run(["get", name])).code, 2, name);
  }
});

Deno.test("the port of the numbers has an example of its own, and a store is named as it is printed", async () => {
  for (const command of ["server", "master"]) {
    const { err } = await run([command, "--metrics-port", "99999"]);
    assertStringIncludes(err, "--metrics-port 9464");
  }
  assertEquals(STORE.read("sqlite:"), "sqlite:");
  assertEquals(STORE.read("sqlite"), undefined);
});

looking("wrong usage is two lines on stderr, and nothing was started", async () => {
  for (
    const args of [
      ["get"],
      ["get", "a", "a"],
      ["get", "../a"],
      ["get", "a", "--mtu", "50"],
      ["get", "a", "--rate", "0"],
      ["get", "a", "--sha256", "abc"],
      ["get", "a", "--jobs", "0"],
      ["get", "a", "--timeout", "0"],
      ["get", "a", "--retries", "0"],
      ["get", "a", "--server="],
      ["server", "lib", "tests"],
      ["server", "-"],
      ["server", "cli.ts", "mod.ts", "--name", "x"],
      ["server", "--chunk-size", "0"],
      ["server", "--simulate-errors", "--error-rate", "1.1"],
      ["server", "--error-rate", "0.1"],
      ["server", "--max-upload", "4gb"],
      ["server", "--upload-quota", "4gb"],
      ["server", "--quota-per-host", "4gb"],
      ["server", "--upload-entries", "10"],
      ["server", "--entries-per-host", "10"],
      ["demo", "--file", "a"],
      ["demo", "--size", "1MB", "--test-file-size", "10"],
      ["demo", "--no-simulate-errors", "--error-rate", "0.1"],
      ["demo", "--mode", "server", "--error-rate", "0.1"],
      ["demo", "--mode", "client", "--file", "a", "--simulate-errors"],
      ["demo", "--mode", "client", "--file", "a", "--error-rate", "0.1"],
      ["put", "a", "--server", "b", "--dialect", "json", "--rate", "1mbit"],
      ["list", "--dialect", "json", "--server", "b"],
      ["get", "a", "--dialect", "json", "--server", "b"],
      ["get", "md5:00112233445566778899aabbccddeeff"],
      ["get", "md5:0011", "--tcp", "--server", "b"],
      ["get", "sha256:0011", "--tcp", "--server", "b"],
      ["server", "--host", "fe80::%"],
      ["list", "a"],
      ["list", "--rate", "1mbit"],
      ["hash"],
      ["demo", "--size", "2GiB"],
      ["demo", "a"],
    ]
  ) {
    const { code, out, err, app } = await run(args);
    assertEquals([code, out], [2, ""], args.join(" "));
    assertMatch(err, /^error: [^\n]+\nhint: [^\n]+\n$/);
    const { served, got, listed, demonstrated } = app;
    assertEquals([served, got, listed, demonstrated], [undefined, undefined, undefined, undefined]);
  }
});

Deno.test("get hands its options to the library in the library's units", async () => {
  const { app } = await run([
    ...["get", "a", "b", "--out", "o", "--timeout", "0.5", "--retries", "2"],
    ...[
      "--force",
      "--links",
      "--check",
      "--no-sparse",
      "--no-pack",
      "--portable-names",
      "--jobs",
      "3",
      "--mtu",
      "1200",
      "--rate",
      "8mbit",
      "-p",
      "99",
    ],
    ...["--broadcast", "127.255.255.255", "--share-rate", "2mbit"],
  ]);
  const { signal: _signal, onEvent: _onEvent, ...options } = app.got ?? { names: [] };
  assertEquals<unknown>(options, {
    names: ["a", "b"],
    outDir: "o",
    servers: [],
    timeoutMs: 500,
    retries: 2,
    force: true,
    links: true,
    check: true,
    sparse: false,
    portableNames: true,
    jobs: 3,
    mtuBytes: 1200,
    pack: false,
    share: true,
    shareRateBytesPerS: 250_000,
    rateBytesPerS: 1_000_000,
    port: 99,
    broadcast: ["127.255.255.255"],
  });
});

looking(
  "server hands its options to the library, and its folder may come from the environment",
  async () => {
    const { app, out } = await run([
      "server",
      "--no-classic",
      "--hidden",
      "--simulate-errors",
      "--seed",
      "7",
    ], {
      env: { SHOAL_DIR: "/srv", SHOAL_PORT: "99" },
    });
    const { signal: _signal, onEvent: _onEvent, ...options } = app.served ?? { dir: "" };
    assertEquals<unknown>(options, {
      dir: "/srv",
      port: 99,
      classic: false,
      classicChunkBytes: 1024,
      hidden: true,
      allowUpload: false,
      errorRate: 0.1,
      seed: 7,
    });
    assertStringIncludes(out, "Waiting for client to request");
  },
);

looking("server takes uploads only when it is told to, and how much of them", async () => {
  const { app } = await run([
    ...["server", "--allow-upload", "--max-upload", "4gb", "--upload-quota", "10GiB"],
    ...["--upload-entries", "500", "--entries-per-host", "50"],
    ...["--tcp-port", "7000", "--data-port", "7001"],
  ]);
  const { allowUpload, uploadBytesMax, uploadQuotaBytes, tcpPort, dataPort } = app.served!;
  assertEquals([allowUpload, uploadBytesMax], [true, 4e9]);
  assertEquals([uploadQuotaBytes, tcpPort, dataPort], [10 * 2 ** 30, 7000, 7001]);
  assertEquals([app.served!.uploadEntriesMax, app.served!.uploadEntriesPerHostMax], [500, 50]);
});

Deno.test("put hands over its files, prints their digests, and needs a server", async () => {
  const { app, out, code } = await run(["put", "a", "json", "--server", "10.0.0.7"]);
  const { files, server, dialect } = app.putWith!;
  assertEquals([code, files, server, dialect], [0, ["a", "json"], "10.0.0.7", "shoal"]);
  assertStringIncludes(out, "a is stored on 10.0.0.7 as a (4.0 MB).\n  sha256  dddd");
  const without = await run(["put", "a"]);
  assertEquals(without.code, 2);
  assertStringIncludes(without.err, "--server");
  const app2 = appWith({ failures: { a: "refused" } });
  assertEquals((await run(["put", "a", "--server", "h"], { app: app2 })).code, 1);
});

Deno.test("get and list go over TCP where they are told to, with one server", async () => {
  const get = await run(["get", "a", "--tcp", "--server", "h:7", "--jobs", "3"]);
  const { server, dialect, jobs } = get.app.gotOverTcp!;
  assertEquals([server, dialect, jobs], ["h:7", "shoal", 3]);
  const list = await run(["list", "--dialect", "ascii", "--server", "h"]);
  assertEquals([list.app.listedOverTcp?.server, list.app.listedOverTcp?.dialect], ["h", "ascii"]);
  for (const args of [["get", "a", "--tcp"], ["list", "--tcp", "--server", "a", "--server", "b"]]) {
    const { code, err } = await run(args);
    assertEquals([code, err.includes("one --server")], [2, true]);
  }
});

Deno.test("a log's lines carry time, program and level", async () => {
  const { out } = await run(["server", "--log-format", "classic"]);
  const time = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d";
  assertMatch(out, new RegExp(`^(${time} - FileTransferServer - INFO - .+\n)+$`));
  assertStringIncludes(out, "INFO - Waiting for client to request");
  const json = await run(["server", "--log-format", "json"]);
  assertStringIncludes(json.out, '{"event":"ready"');
});

looking("server offers ./data and simulates errors only when it is told to", async () => {
  assertEquals((await run(["server"])).app.served?.dir, "./data");
  assertEquals((await run(["server", "--simulate-errors"])).app.served?.errorRate, 0.1);
});

Deno.test("the lines of the classic tool survive on both sides", async () => {
  const { out } = await run(["get", "a"], { app: appWith({ events: [OFFER] }) });
  assertStringIncludes(out, "Broadcasting request for file: a\n");
  assertStringIncludes(out, "Server found: 127.0.0.1:10530");
  assertStringIncludes(out, "File downloads/a received successfully.");
});

Deno.test("a get ends with a summary and a table of its servers", async () => {
  const { code, out } = await run(["get", "a"]);
  assertEquals(code, 0);
  assertStringIncludes(out, "downloads/a: 4.0 MB in 0.50 s (8.0 MB/s)");
  assertMatch(
    out,
    /server +bytes +chunks +bad\n127\.0\.0\.1:10530 +4\.0 MB +61 +2\n/,
  );
  const { out: detailed } = await run(["get", "a", "-v"]);
  assertMatch(
    detailed,
    /server +bytes +chunks +bad +asked again\n127\.0\.0\.1:10530 +4\.0 MB +61 +2 +7\n/,
  );
});

Deno.test("a server that is found for many names is named once", async () => {
  const events = [OFFER, { ...OFFER, name: "b" }, { ...OFFER, id: "2".repeat(32) }];
  const { out } = await run(["get", "a", "b"], { app: appWith({ events }) });
  assertEquals(out.match(/Server found/g)?.length, 2);
});

Deno.test("names that all fail alike give their exit code, a mixture gives 1", async () => {
  const codeOf = async (failures: FakeApp["failures"]) =>
    (await run(["get", ...Object.keys(failures)], { app: appWith({ failures }) })).code;
  assertEquals(await codeOf({ a: "no_server" }), 3);
  assertEquals(await codeOf({ a: "no_server", b: "not_found" }), 3);
  assertEquals(await codeOf({ a: "no_server", b: "disk_full" }), 1);
});

Deno.test("a name that fails beside one that was downloaded gives 1", async () => {
  const app = appWith({ failures: { a: "no_server" } });
  assertEquals((await run(["get", "a", "b"], { app })).code, 1);
});

Deno.test("a get of several files ends with what was downloaded and what was not", async () => {
  const lastLine = async (names: string, failures: FakeApp["failures"] = {}) => {
    const { out } = await run(["get", ...names.split(" ")], { app: appWith({ failures }) });
    return out.trimEnd().split("\n").at(-1);
  };
  assertEquals(await lastLine("a b"), "2 files downloaded (8.0 MB)");
  assertEquals(
    await lastLine("a b", { b: "not_found" }),
    "1 file downloaded (4.0 MB), 1 failed: b",
  );
  const failures = Object.fromEntries([..."bcdefgh"].map((name) => [name, "stalled" as const]));
  assertEquals(
    await lastLine("a b c d e f g h", failures),
    "1 file downloaded (4.0 MB), 7 failed: b, c, d, e, f and 2 more",
  );
  assertEquals(
    summaryLines([done("a", { present: true }), done("b", { present: true })], [], [], TIMES),
    ["No files downloaded, 2 already up to date"],
  );
  const interrupted = { ...FAILED, code: "interrupted" } as const;
  assertEquals(
    summaryLines([done("a"), done("b", { present: true })], [interrupted, FAILED], [], TIMES).at(
      -1,
    ),
    "1 file downloaded (4.0 MB), 1 already up to date, 1 interrupted, 1 failed: x",
  );
  assertEquals(summaryLines([], [FAILED], [], TIMES), []);
});

Deno.test("a get of a pattern does not say that it is one file", async () => {
  const opening = async (...args: string[]) => (await run(["get", ...args])).out.split("\n")[0];
  assertEquals(await opening("*.jpg"), "Broadcasting request for files: *.jpg");
  assertEquals(await opening("docs/", "a", "--server", "h"), "Asking h for 2 names");
  assertEquals(
    await opening("a[1]", "--sha256", "1".repeat(64)),
    "Broadcasting request for file: a[1]",
  );
});

Deno.test("a name that failed is told with its hint, beside those that did not", async () => {
  const app = appWith({ failures: { b: "not_found" } });
  const { out, err } = await run(["get", "a", "b"], { app });
  assertEquals(
    err,
    "error: what is wrong with b\nhint: Run `shoal list` to see what is offered.\n",
  );
  assertStringIncludes(out, "File downloads/a received successfully.");
});

Deno.test("--json prints events, one a line, and nothing else on stdout", async () => {
  const app = appWith({ events: [OFFER], failures: { b: "not_found" } });
  const { code, out, err } = await run(["get", "a", "b", "--json"], { app });
  const events = out.trimEnd().split("\n").map((line) => JSON.parse(line).event);
  assertEquals(events, ["offer", "done", "failed"]);
  assertEquals(code, 1);
  assertStringIncludes(err, "error: what is wrong with b");
});

Deno.test("--json reports wrong usage as an event as well", async () => {
  const { out, err } = await run(["get", "../a", "--json"]);
  assertEquals(JSON.parse(out).code, "bad_name");
  assertStringIncludes(err, "error: ");
});

Deno.test("--quiet says nothing but errors", async () => {
  const app = appWith({ events: [OFFER], failures: { b: "not_found" } });
  const { out, err } = await run(["get", "a", "b", "--quiet"], { app });
  assertEquals(out, "");
  assertEquals(
    err,
    "error: what is wrong with b\nhint: Run `shoal list` to see what is offered.\n",
  );
});

Deno.test("an interrupted get ends with 130 and the command that resumes it", async () => {
  const app = appWith({ failures: { "a b": "interrupted" } });
  const { code, err } = await run(["get", "a b", "--out", "o"], {
    app,
    signal: AbortSignal.abort(),
  });
  assertEquals(code, 130);
  assertEquals(
    err,
    "error: interrupted; what arrived is kept\n" +
      "hint: To resume: shoal get 'a b' --out o\n",
  );
});

Deno.test("a get that was done before it could be interrupted is done", async () => {
  assertEquals((await run(["get", "a"], { signal: AbortSignal.abort() })).code, 0);
});

Deno.test("a server that was told to stop says so, without an error", async () => {
  const { code, out, err } = await run(["server"], { signal: AbortSignal.abort() });
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, "Stopped.\n");
});

Deno.test("the cause of an error is for those who ask for it", async () => {
  const thrown = new ShoalError("disk", "cannot write", { cause: new Error("EIO") });
  const plain = await run(["get", "a"], { app: appWith({ thrown }) });
  assertEquals([plain.code, plain.err.includes("EIO")], [5, false]);
  const verbose = await run(["get", "a", "--verbose"], { app: appWith({ thrown }) });
  assertStringIncludes(verbose.err, "cause: EIO\n");
});

Deno.test("a bug of ours shows no stack, unless asked", async () => {
  const thrown = new TypeError("x is undefined");
  const plain = await run(["list"], { app: appWith({ thrown }) });
  assertMatch(plain.err, /^error: x is undefined\nhint: .*bug.*\n$/);
  const verbose = await run(["list", "--verbose"], { app: appWith({ thrown }) });
  assertStringIncludes(verbose.err, "    at ");
});

Deno.test("hash shows every way to name a content", async () => {
  const { out } = await run(["hash", "x"]);
  for (const part of ["a".repeat(64), "b".repeat(64), "c".repeat(32), "1 of 65536"]) {
    assertStringIncludes(out, part);
  }
  assertEquals(JSON.parse((await run(["hash", "x", "--json"])).out).event, "hash");
});

Deno.test("demo ends with its verdict, and a wrong file is a failure", async () => {
  const good = await run(["demo", "--seed", "5", "--size", "1kB"]);
  assertEquals(good.code, 0);
  assertEquals(good.out.trimEnd().split("\n").at(-1), "TRANSFER SUCCESSFUL");
  const lines = good.out.split("\n");
  const same = lines.indexOf("The same on every run with --seed 7:");
  const measured = lines.findIndex((line) => line.startsWith("Measured on this run: 0.50 s, "));
  assertEquals(measured < same && measured !== -1, true, good.out);
  // Nothing of what was measured stands below.
  assertEquals(/ s,|B\/s|127\.0/.exec(lines.slice(same).join("\n")), null);
  const { sizeBytes, errorRate, seed } = good.app.demonstrated ?? {};
  assertEquals([sizeBytes, errorRate, seed], [1000, 0.1, 5]);
  const bad = await run(["demo"], { app: appWith({ report: { ...REPORT, ok: false } }) });
  assertEquals(bad.code, 4);
  assertStringIncludes(bad.out, "TRANSFER FAILED");
  assertEquals((await run(["demo", "--no-simulate-errors"])).app.demonstrated?.errorRate, 0);
});

Deno.test("no name can move the cursor, whichever way it comes", async () => {
  const evil = "a\u001b[2Jb";
  const said = { name: evil, message: evil };
  const events = [
    { ...OFFER, name: evil },
    done(evil),
    { event: "waiting", attempt: 1, attempts: 1, ...said },
    { event: "failed", code: "not_found", hint: evil, ...said },
    { event: "server", server: "x", id: "y", state: "dropped", message: evil },
    { event: "notice", level: "warning", message: evil },
  ] as const;
  for (const isTerminal of [false, true]) {
    const app = appWith({ events: [...events] });
    const { out, err } = await run(["get", "a"], { app, isTerminal });
    assertEquals((out + err).includes("\u001b[2J"), false);
  }
});

Deno.test("a terminal gets a live region that is gone at the end", async () => {
  const progress = { event: "progress", name: "x", bytes: 1, size: 2, rate: 1, lanes: [] } as const;
  const { out } = await run(["get", "a"], {
    app: appWith({ events: [progress] }),
    isTerminal: true,
  });
  assertStringIncludes(out, "░");
  assertEquals(out.lastIndexOf("░") < out.lastIndexOf("\u001b[J"), true);
});

Deno.test("a refusal is not blamed on an option that may be on, and digests are said to be what list shows", async () => {
  assertEquals(new ShoalError("refused", "no room").hint.includes("--allow-upload"), false);
  assertStringIncludes(
    (await run(["get", "a", "--sha256", "0123456"])).err,
    "as list shows them",
  );
  assertStringIncludes((await run(["list", "--help"])).out, "list --json shows all 64");
});
