/** How the program says that it was called. */
import { assertEquals } from "@std/assert";
import { invocationFrom, shellWord } from "../../../lib/io/system/invocation.ts";

const STARTED: Parameters<typeof invocationFrom>[0] = {
  startedAs: undefined,
  isUnderNpx: false,
  denoVersion: "2.9.6",
  words: undefined,
  args: ["get", "a b"],
  mainPath: "cli.ts",
  permissionSet: undefined,
};

Deno.test("where the system tells the words of the process, they are repeated as they are", () => {
  const words = ["deno", "-A", "--v8-flags=--x=1", "../a folder/cli.ts", "get", "a b"];
  assertEquals(
    invocationFrom({ ...STARTED, words }),
    "deno -A --v8-flags=--x=1 '../a folder/cli.ts'",
  );
});

Deno.test("a task is called by what was typed, or by its name where that is unknown", () => {
  const task = { ...STARTED, startedAs: "deno task" };
  const words = ["/usr/lib/deno", "task", "--config", "/srv/deno.json", "get", "a b"];
  assertEquals(invocationFrom({ ...task, words }), "/usr/lib/deno task --config /srv/deno.json");
  assertEquals(invocationFrom(task), "deno task");
  // A task that another task runs: its parent was called otherwise.
  assertEquals(invocationFrom({ ...task, words: ["deno", "task", "ok"] }), "deno task");
  assertEquals(invocationFrom({ ...task, words: [] }), "deno task");
});

Deno.test("what a launcher says goes for what it started", () => {
  assertEquals(invocationFrom({ ...STARTED, startedAs: "shoal" }), "shoal");
});

Deno.test("Deno that npx has fetched is fetched again", () => {
  const npx = { ...STARTED, isUnderNpx: true };
  assertEquals(
    invocationFrom({ ...npx, startedAs: "deno task" }),
    "npx --yes deno@2.9.6 task",
  );
  const words = ["/root/.npm/_npx/1/deno", "run", "-A", "cli.ts", "get", "a b"];
  assertEquals(invocationFrom({ ...npx, words }), "npx --yes deno@2.9.6 run -A cli.ts");
});

Deno.test("what deno install has made is called by its name", () => {
  const own = ["deno", "run", "-A", "--config", "/root/.deno/bin/.shoal/deno.json", "file:///x.ts"];
  assertEquals(invocationFrom({ ...STARTED, words: [...own, "get", "a b"] }), "shoal");
  assertEquals(invocationFrom({ ...STARTED, mainPath: "/opt/shoal/shoal.js" }), "shoal");
  const words = ["deno", "shoal.js", "get", "a b"];
  assertEquals(invocationFrom({ ...STARTED, words, mainPath: "shoal.js" }), "deno shoal.js");
});

Deno.test("where nothing is known, the main module is run with the permissions that it has", () => {
  assertEquals(invocationFrom(STARTED), "deno run -A cli.ts");
  assertEquals(invocationFrom({ ...STARTED, permissionSet: "get" }), "deno run -P=get cli.ts");
});

Deno.test("a word is quoted for the shell only where it has to be", () => {
  assertEquals(shellWord("a/b-c.txt"), "a/b-c.txt");
  assertEquals(shellWord(""), "''");
  assertEquals(shellWord("it's $x"), `'it'\\''s $x'`);
});
