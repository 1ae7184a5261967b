import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import type { FileEvent } from "../../lib/app/events.ts";
import { FakeApp, run } from "../support/fake_cli.ts";

function appWith(changes: Partial<FakeApp>): FakeApp {
  return Object.assign(new FakeApp(), changes);
}

Deno.test("--quiet leaves out words, not what was asked for", async () => {
  const files = [{ event: "file", name: "a", size: 3, sha256: "f".repeat(64), servers: ["h:1"] }];
  const list = await run(["list", "--quiet"], { app: appWith({ files: files as FileEvent[] }) });
  assertStringIncludes(list.out, "ffffffff");
  assertEquals((await run(["list", "--quiet"])).out, "");
  assertStringIncludes((await run(["hash", "a", "--quiet"])).out, `sha256  ${"a".repeat(64)}`);
});

Deno.test("of many files each that has come has no line, and those that failed are listed at the end", async () => {
  const names = Array.from({ length: 12 }, (_, i) => `f${i}`);
  const counts = { files: 12, filesDone: 0, filesFailed: 0, bytes: 0, rate: 0, fileRate: 0 };
  const app = () =>
    appWith({ events: [{ event: "total", ...counts }], failures: { f3: "not_found" } });
  for (const isTerminal of [true, false]) {
    const { out, err } = await run(["get", ...names], { app: app(), isTerminal });
    assertEquals(out.includes("received successfully"), false);
    assertStringIncludes(out, "11 files downloaded (44.0 MB), 1 failed: f3");
    assertEquals(err.match(/what is wrong with f3/g)?.length, 1);
  }
  const { out } = await run(["get", ...names, "--verbose"], { app: app() });
  assertStringIncludes(out, "File downloads/f1 received successfully.");
});

Deno.test("without a live region indexing begins without a guess at its end, and is told to be over", async () => {
  const indexing = { event: "indexing", filesLeft: 2, bytesLeft: 5e7, rate: 17 } as const;
  const app = new FakeApp();
  const serve = app.serve.bind(app);
  app.serve = (options) => {
    for (const filesLeft of [2, 1, 0]) options.onEvent?.({ ...indexing, filesLeft });
    return serve(options);
  };
  const { out } = await run(["server"], { app });
  assertEquals(out.split("\n").filter((line) => line.startsWith("Hashing")), [
    "Hashing: 2 files, 50.0 MB left",
    "Hashing is done.",
  ]);
});

Deno.test("a letter says less or more, like its word", async () => {
  const said = async (...flags: string[]): Promise<string> =>
    (await run(["get", "a", ...flags])).out;
  assertEquals(await said("-q"), await said("--quiet"));
  assertEquals(await said("-v"), await said("--verbose"));
  assertNotEquals(await said("-v"), await said());
  assertEquals(await said("-qv"), await said("--quiet", "--verbose"));
  // What follows -- is a name.
  assertEquals((await run(["get", "--", "-q"])).app.got?.names, ["-q"]);
  assertStringIncludes((await run(["get", "-qv", "--help"])).out, "-q, --quiet");
});

Deno.test("a doctor that finds nothing wrong is not content where no server answers", async () => {
  const findings = (severity: "ok" | "note") => [
    { event: "finding", check: "servers", severity, message: "m", advice: "a" } as const,
  ];
  const said = async (severity: "ok" | "note") =>
    (await run(["doctor"], { app: appWith({ findings: findings(severity) }) })).out;
  assertStringIncludes(await said("ok"), "All is well.");
  const alone = await said("note");
  assertStringIncludes(alone, "Nothing on this machine is in the way, and no server answers yet.");
});

Deno.test("on a narrow terminal findings are broken between words, below what they are about", async () => {
  const message = "a b c d e f g h i j k l m n o p q r s t u v w x y z and a word more";
  const finding = { event: "finding", check: "disk", severity: "ok", message } as const;
  const app = () => appWith({ findings: [{ ...finding, advice: message }] });
  const { out } = await run(["doctor"], { app: app(), isTerminal: true, columns: 40 });
  const lines = out.split("\n");
  for (const line of lines) assert(line.length < 40, line);
  assertEquals(lines[0], "ok       disk");
  const piped = await run(["doctor"], { app: app() });
  assertStringIncludes(piped.out, `ok       disk        ${message}\n`);
});
