/** What `send`, and `get` with a code, do with a command line, what they ask, and what they say where. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ShoalError } from "../../lib/errors.ts";
import { CODE, FakeApp, run } from "../support/fake_cli.ts";
import { withFolder } from "../support/folder.ts";
import { canTouchFiles } from "../support/permissions.ts";

const ignore = !await canTouchFiles();
const WORDS = CODE.split("-").slice(1);

Deno.test("send shows the code, and what to type on the other machine", async () => {
  const { code, out, err, app } = await run(["send", "a.txt", "-p", "4000"]);
  assertEquals([code, err], [0, ""]);
  assertStringIncludes(out, `Code: ${CODE}\n`);
  assertStringIncludes(out, `On the other machine: shoal get ${CODE} -p 4000\n`);
  assertStringIncludes(out, `shoal get ${CODE} --server 192.168.1.7:4000\n`);
  assertStringIncludes(out, "192.168.1.9:40000 has everything: 1 file. The code is void.");
  assertEquals(app.sent?.files, [{ path: "a.txt" }]);
  const quiet = await run(["send", "a.txt", "--quiet"]);
  assertEquals(quiet.out, `Code: ${CODE}\n`);
});

Deno.test(
  { name: "send tells folders from files", ignore },
  () =>
    withFolder({ "a.txt": "a", "photos/b.jpg": "b" }, async (dir) => {
      const { app } = await run([
        "send",
        `${dir}/a.txt`,
        `${dir}/photos`,
        `${dir}/gone`,
        "--hidden",
      ]);
      assertEquals(app.sent?.files, [{ path: `${dir}/a.txt` }, { path: `${dir}/gone` }]);
      assertEquals(app.sent?.folders, [{ path: `${dir}/photos` }]);
      assertEquals(app.sent?.hidden, true);
    }),
);

Deno.test("with --json the code is for who looks at the terminal, and in nothing that is kept", async () => {
  const { out, err } = await run(["send", "a.txt", "--json", "--verbose"]);
  assertEquals(err, `Code: ${CODE}\n`);
  for (const word of WORDS) assert(!out.includes(word), out);
  for (const line of out.trim().split("\n")) JSON.parse(line);
});

Deno.test("send fails if somebody tried another code, and says so", async () => {
  const app = new FakeApp();
  app.sendFailure = new ShoalError("refused", "10.0.0.9:4 tried another code");
  const { code, err } = await run(["send", "a.txt"], { app });
  assertEquals(code, 1);
  assertStringIncludes(err, "10.0.0.9:4 tried another code");
});

Deno.test("get with a code shows what comes, escaped, and asks; a yes or Return fetches, anything else declines", async () => {
  for (const answer of ["", "y", "Yes"]) {
    const { code, asked, app, out } = await run(["get", CODE, "--out", "here"], { answer });
    assertEquals(code, 0, out);
    assertStringIncludes(asked, "192.168.1.7:10530 sends 2 files (7 B):");
    assertStringIncludes(asked, "  a  3 B\n");
    assert(!asked.includes("\x1b"), asked);
    assertStringIncludes(asked, "Fetch into here? [Y/n]");
    assertEquals([app.gotByCode?.code, app.gotByCode?.outDir], [CODE, "here"]);
  }
  for (const answer of ["n", "no", "what?"]) {
    const { code, app } = await run(["get", CODE], { answer });
    assertEquals([code, app.got], [1, undefined]);
  }
});

Deno.test("a code is read however it is written, and may come from standard input", async () => {
  const spoken = await run(["get", ` ${CODE.toUpperCase().replaceAll("-", " ")} `, "--yes"]);
  assertEquals(spoken.app.gotByCode?.code, CODE);
  const typed = await run(["get", "--code", "-", "--yes"], { input: `${CODE}\n` });
  assertEquals([typed.code, typed.app.gotByCode?.code], [0, CODE]);
  const both = await run(["get", "--code", "-", CODE, "--yes"], { input: CODE });
  assertEquals([both.code, both.app.gotByCode], [2, undefined]);
  const argument = await run(["get", "--code", CODE]);
  assertEquals(argument.code, 2);
  for (const word of WORDS) assert(!argument.err.includes(word), argument.err);
});

Deno.test("a slip in a word is told with what it is like before anybody is asked; with --json without", async () => {
  for (const args of [["get", "7-guidence-apollo"], ["get", "7-guidance-apolo", "--yes"]]) {
    const { code, err, app } = await run(args);
    assertEquals([code, app.gotByCode, app.got], [2, undefined, undefined]);
    assertStringIncludes(err, args[1]!.includes("guidence") ? "guidance" : "apollo");
    assertStringIncludes(err, "the code is still good");
    const kept = await run([...args, "--json"]);
    for (const word of WORDS) assert(!`${kept.out}${kept.err}`.includes(word), kept.out);
  }
});

Deno.test("where nobody can be asked, the code is not used up", async () => {
  const { code, err, app } = await run(["get", CODE]);
  assertEquals([code, app.gotByCode], [2, undefined]);
  assertStringIncludes(err, "--yes");
});

Deno.test("nothing of a code is in what get says, however it ends", async () => {
  const ended = new AbortController();
  ended.abort();
  for (const failure of ["refused", "stalled", "interrupted", "no_server"] as const) {
    const app = new FakeApp();
    app.thrown = new ShoalError(failure, "it ended");
    for (const more of [[], ["--json"], ["--verbose"], ["--quiet"]]) {
      const { out, err } = await run(["get", CODE, "--yes", ...more], { app });
      for (const word of WORDS) assert(!`${out}${err}`.includes(word), `${out}${err}`);
    }
  }
  const app = new FakeApp();
  app.failures = { a: "interrupted" };
  const { code, out, err } = await run(["get", CODE, "--yes"], { app, signal: ended.signal });
  assertEquals(code, 130);
  for (const word of WORDS) assert(!`${out}${err}`.includes(word), `${out}${err}`);
});

Deno.test("a file whose name looks like a code is fetched as ./NAME, and one that cannot be a code by its name", async () => {
  const marked = await run(["get", `./${CODE}`]);
  assertEquals([marked.app.got?.names, marked.app.gotByCode], [[`./${CODE}`], undefined]);
  for (
    const name of [
      "7-annual-report",
      "2024-annual-report",
      "7-guidance-apollo.txt",
      "a/7-guidance-apollo",
    ]
  ) {
    const { app } = await run(["get", name]);
    assertEquals(app.got?.names, [name]);
  }
  const beside = await run(["get", "a", CODE, "--yes"]);
  assertEquals(beside.code, 2);
  assertStringIncludes(beside.err, "a code stands alone");
});
