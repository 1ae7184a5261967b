/** Globs and folders of `get`: many files by one name, over UDP and over TCP, once and again. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { getSettled } from "../../mod.ts";
import { assertRefused, contentsOf, e2e, failures, randomFile } from "../support/e2e.ts";
import { hasPython } from "../support/python_peer.ts";
import {
  canRunProcesses,
  freePort,
  type JsonEvent,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const CLASSIC_SERVER = fileURLToPath(new URL("../support/classic_peer_server.py", import.meta.url));
const FILES = {
  "a[1].txt": "exactly",
  "a1.txt": "one",
  "docs/inner/deep.txt": "deep",
  "docs/top.txt": "top",
  "notes.txt": "notes",
  "photos/1.jpg": "one",
  "photos/2.jpg": "two",
  "photos/2024/3.jpg": "three",
  "photos/list.txt": "list",
};
const ENCODER = new TextEncoder();

async function serveAll(scratch: Scratch, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) await scratch.serve(name, ENCODER.encode(text));
}

function doneNames(events: readonly JsonEvent[]): readonly string[] {
  return events.filter(({ event }) => event === "done").map(({ name }) => String(name)).sort();
}

for (const way of ["UDP", "TCP"]) {
  e2e(`get with globs and folders over ${way}: these files, in their folders, as old`, async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    await serveAll(scratch, FILES);
    const past = new Date("2021-03-04T05:06:07Z");
    await Deno.utime(join(scratch.served, "docs/inner/deep.txt"), past, past);
    await using server = await startServer(scratch, port);
    const { tcpPort } = await server.event(({ event }) => event === "ready");
    const tcp = way === "TCP" ? ["--tcp", "--server", `127.0.0.1:${tcpPort}`] : [];
    const fetch = (...names: string[]) =>
      runShoal(["get", ...names, "--out", scratch.out, "--port", String(port), ...tcp]);

    const names = ["photos/*.jpg", "docs/", "notes.txt", "*.nothing", "a[1].txt", "photos/1.jpg"];
    const { code, events, process } = await fetch(...names);
    assertEquals(code, 1, process.description());
    const { "photos/2024/3.jpg": _, "photos/list.txt": __, ...expected } = FILES;
    assertEquals(contentsOf(scratch.out), expected);
    assertEquals(doneNames(events), Object.keys(expected).sort());
    assertEquals(
      failures(events).map(({ name, code, message }) => [name, code, message]),
      [["*.nothing", "not_found", "no offered file matches '*.nothing'"]],
    );
    const { mtime } = await Deno.stat(join(scratch.out, "docs/inner/deep.txt"));
    assertEquals(mtime?.getTime(), past.getTime());

    const nothing = await fetch("*.nothing");
    assertEquals(nothing.code, 3, nothing.process.description());
  });
}

e2e("get of everything again fetches what is missing or different, and says so", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await serveAll(scratch, FILES);
  await using _server = await startServer(scratch, port);
  const args = ["get", "**", "--force", "--out", scratch.out, "--port", String(port)];
  const first = await runShoal(args, { json: false });
  assertEquals(first.code, 0, first.process.description());
  assertMatch(first.stdout, /\n9 files downloaded \(\d+ B\)\n$/);
  assertEquals(contentsOf(scratch.out), FILES);

  const again = await runShoal(args);
  assertEquals([again.code, doneNames(again.events).length], [0, 9]);
  const isPresent = again.events.filter(({ event }) => event === "done").map((e) => e["present"]);
  assertEquals(new Set(isPresent), new Set([true]));

  await Deno.writeTextFile(join(scratch.out, "docs/top.txt"), "changed");
  await Deno.remove(join(scratch.out, "photos/2024"), { recursive: true });
  const third = await runShoal(args, { json: false });
  assertEquals(third.code, 0, third.process.description());
  assertStringIncludes(third.stdout, "\n2 files downloaded (8 B), 7 already up to date\n");
  assertEquals(contentsOf(scratch.out), FILES);
});

e2e("a file that cannot be written does not stop the rest", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await serveAll(scratch, FILES);
  await using _server = await startServer(scratch, port);
  // A file where a folder is needed.
  await Deno.writeTextFile(join(scratch.out, "docs"), "in the way");
  const args = ["get", "**", "--out", scratch.out, "--port", String(port)];
  const run = await runShoal(args, { json: false });
  assertEquals(run.code, 1, run.process.description());
  assertMatch(
    run.stdout,
    /\n7 files downloaded \(\d+ B\), 2 failed: docs\/inner\/deep.txt, docs\/top.txt\n$/,
  );
  // The same reason is given once.
  assertMatch(
    run.stderr,
    /^error: docs\/(inner\/deep|top)\.txt: .*docs is not a folder\nhint: .*\n/,
  );
  assertMatch(run.stderr, /\nerror: the same for 1 more file: .*docs is not a folder\n$/);
});

e2e("one file, and a folder that is called like it, from two servers: the file fails", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const other = join(scratch.root, "other");
  await scratch.serve("a", ENCODER.encode("file"));
  await scratch.serve("a/b", ENCODER.encode("below"), other);
  await using _first = await startServer(scratch, port);
  await using _second = await startServer(scratch, port, [], other);
  const run = await runShoal(["get", "**", "--out", scratch.out, "--port", String(port)]);
  assertEquals(run.code, 1, run.process.description());
  assertEquals(failures(run.events).map(({ name, code }) => [name, code]), [["a", "busy_target"]]);
  assertEquals(contentsOf(scratch.out), { "a/b": "below" });
});

e2e("a thousand small files come by one glob", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  for (let i = 0; i < 1_000; i++) await scratch.serve(`many/${i}.bin`, randomFile(2_000, i));
  await using _server = await startServer(scratch, port);
  const args = ["get", "many/*.bin", "--out", scratch.out, "--port", String(port)];
  const run = await runShoal(args, { json: false });
  assertEquals(run.code, 0, run.process.description());
  assertStringIncludes(run.stdout, "\n1000 files downloaded (2.0 MB)\n");
  assertEquals(contentsOf(scratch.out), contentsOf(scratch.served));
});

Deno.test({
  name: "nobody lists: a glob fails with 3; the library gives one result a file",
  ignore: !canRunProcesses,
  // The system's library that hashes stays loaded.
  sanitizeResources: false,
  async fn() {
    await using scratch = await Scratch.make();
    const port = freePort();
    const args = ["get", "*.jpg", "--out", scratch.out, "--port", String(port)];
    const impatient = ["--timeout", "0.5", "--retries", "1"];
    const run = await runShoal([...args, ...impatient], { json: false });
    assertRefused(run, 3, /\*\.jpg: no server answered/);

    await serveAll(scratch, FILES);
    await using _server = await startServer(scratch, port);
    const broadcast = ["127.255.255.255"];
    const results = await getSettled({
      names: ["photos/", "*.nothing", "notes.txt", "n*"],
      outDir: scratch.out,
      port,
      broadcast,
      tune: false,
    });
    assertEquals(results.map(({ event, name }) => [event, name]), [
      ["done", "photos/1.jpg"],
      ["done", "photos/2.jpg"],
      ["done", "photos/2024/3.jpg"],
      ["done", "photos/list.txt"],
      ["failed", "*.nothing"],
      ["done", "notes.txt"],
    ]);
  },
});

e2e("a name with brackets still comes from a classic server, which lists nothing", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await serveAll(scratch, FILES);
  const peer = new Deno.Command("python3", {
    args: [CLASSIC_SERVER, "--port", String(port), "--host", "0.0.0.0", "--dir", scratch.served],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const args = ["get", "a[1].txt", "--timeout", "5", "--out", scratch.out, "--port", String(port)];
  try {
    const run = await runShoal(args);
    assertEquals(run.code, 0, run.process.description());
    assertEquals(contentsOf(scratch.out), { "a[1].txt": "exactly" });
  } finally {
    peer.kill("SIGKILL");
    await peer.status;
  }
}, !await hasPython());

e2e("get of a glob that is stopped while it lists ends with 130", async () => {
  await using scratch = await Scratch.make();
  const args = ["get", "*.jpg", "--out", scratch.out, "--port", String(freePort())];
  await using run = new ShoalProcess(args);
  await run.event(({ message }) => String(message).startsWith("no server has answered yet"));
  run.signal("SIGINT");
  assertEquals(await run.exit(), 130, run.description());
  assertMatch(run.stderr, /^error: interrupted; what arrived is kept\nhint: [^\n]+\n$/);
});
