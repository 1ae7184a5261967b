/** House rules that a machine can check. Each failure says what to do instead. */
import { assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { importsOf, type Source, violationsOf } from "./support/architecture.ts";
import { lonelyExports } from "./support/lonely_exports.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const FOLDERS = ["lib", "workers", "tests", "bench", "tools"];
const canRead = (await Deno.permissions.query({ name: "read", path: ROOT })).state === "granted";

Deno.test({
  name: "every source file keeps the house rules",
  ignore: !canRead,
  async fn() {
    const sources = await Array.fromAsync(ownSources());
    assertEquals(sources.length > 50, true, "the walk found next to nothing");
    assertEquals(sources.flatMap(violationsOf), []);
  },
});

Deno.test({
  name: "no import runs in a circle",
  ignore: !canRead,
  async fn() {
    const sources = await Array.fromAsync(ownSources());
    assertEquals(circlesOf(sources), []);
  },
});

for (
  const entry of ["workers/receiver.ts", "workers/assembler.ts", "lib/app/client/get_files.ts"]
) {
  Deno.test({
    name: `${entry} is loaded without those of Node's modules that take longest to load`,
    ignore: !canRead,
    async fn() {
      const sources = await Array.fromAsync(ownSources());
      const loaded = loadedBy(sources, entry);
      assertEquals(loaded.has(entry), true);
      const slow = ["buffer", "crypto", "fs", "path", "process", "url", "zlib"].map((name) =>
        `node:${name}`
      );
      assertEquals(
        slow.filter((name) => loaded.has(name)),
        [],
        "process.getBuiltinModule is for these",
      );
    },
  });
}

Deno.test("what is loaded at the start is told from what is loaded later, and from types", () => {
  const sources = [
    { path: "lib/a.ts", text: 'import { b } from "./b.ts";\nimport type { C } from "./c.ts";' },
    { path: "lib/b.ts", text: 'import { join } from "@std/path/join";\nawait import("./d.ts");' },
  ];
  assertEquals([...loadedBy(sources, "lib/a.ts")], ["lib/a.ts", "lib/b.ts", "@std/path/join"]);
});

Deno.test({
  name: "no two things in lib share a name",
  ignore: !canRead,
  async fn() {
    assertEquals(twinsOf(await Array.fromAsync(sourcesBelow("lib"))), []);
  },
});

Deno.test({
  name: "what lib exports is used by another file",
  ignore: !canRead,
  async fn() {
    assertEquals(lonelyExports(await Array.fromAsync(ownSources())), []);
  },
});

Deno.test("an export that no other file uses is found", () => {
  const file = (path: string, text: string): Source => ({ path, text });
  const a = file("lib/a.ts", "export class X {}\nexport type Y = X;\nclass Z {}");
  assertEquals(lonelyExports([a, file("tests/b.ts", 'import { X } from "../lib/a.ts";')]), [
    "lib/a.ts exports Y, which no other file uses: keep it to the file",
  ]);
  const uses = [
    'import { type X as W, type Y } from "./a.ts";',
    'export type {\n  X,\n  Y,\n} from "./a.ts";',
    'import * as all from "./a.ts";',
    'const all = await import("./a.ts");',
  ];
  for (const use of uses) assertEquals(lonelyExports([a, file("lib/b.ts", use)]), [], use);
  assertEquals(lonelyExports([file("lib/limits.ts", "export const A_MAX = 1;")]), []);
});

Deno.test("two files of one name, and two exports of one name, are found", () => {
  const file = (path: string, text = ""): Source => ({ path, text });
  assertEquals(twinsOf([file("lib/a/b.ts"), file("lib/c/b.ts")]), ["b.ts: lib/a/b.ts, lib/c/b.ts"]);
  assertEquals(twinsOf([file("lib/a/limits.ts"), file("lib/c/limits.ts")]), []);
  const exports = ["export class X {}", "export interface X {}", "export type X = 1;"];
  for (const text of exports) {
    const twins = twinsOf([file("lib/a.ts", "export function X() {}"), file("lib/b.ts", text)]);
    assertEquals(twins, ["X: lib/a.ts, lib/b.ts"]);
  }
  assertEquals(
    twinsOf([file("lib/a.ts", "export class X {}"), file("lib/b.ts", "class X {}")]),
    [],
  );
});

Deno.test("an import against the direction is found", () => {
  assertEquals(problems("lib/wire/a.ts", 'import { b } from "../protocol/b.ts";'), [
    "lib/wire/a.ts:2 imports lib/protocol/b.ts: a wire file uses root, wire",
  ]);
  assertEquals(problems("lib/protocol/a.ts", 'export * from "../io/b.ts";').length, 1);
  assertEquals(problems("lib/app/a.ts", 'const b = await import("../cli/b.ts");').length, 1);
  assertEquals(problems("lib/io/a.ts", 'import "../app/b.ts";').length, 1);
  assertEquals(problems("workers/a.ts", 'import { b } from "../lib/app/b.ts";').length, 1);
  assertEquals(problems("lib/io/a.ts", 'import { b } from "../wire/b.ts";'), []);
  assertEquals(
    problems("lib/cli/a.ts", 'import m from "../../deno.json" with { type: "json" };'),
    [],
  );
});

Deno.test("an import from a room that is not open to this one is found", () => {
  assertEquals(problems("lib/protocol/base/a.ts", 'import { b } from "../merkle/b.ts";'), [
    "lib/protocol/base/a.ts:2 imports lib/protocol/merkle/b.ts: the room base uses no other",
  ]);
  assertEquals(problems("lib/app/list/a.ts", 'import { b } from "../client/b.ts";').length, 1);
  assertEquals(problems("lib/io/shed/a.ts", 'import { b } from "../net/b.ts";').length, 1);
  assertEquals(problems("lib/app/client/a.ts", 'import { b } from "../list/b.ts";'), []);
  assertEquals(problems("lib/app/list/a.ts", 'import { b } from "../events.ts";'), []);
  assertEquals(problems("lib/protocol/merkle/a.ts", 'import { b } from "./b.ts";'), []);
});

Deno.test("the platform's disk comes from a runtime", () => {
  const use = 'import { denoDisk } from "../files/deno_disk.ts";';
  for (const path of ["lib/io/hash/a.ts", "lib/io/workers/a.ts"]) {
    assertEquals(problems(path, use).length, 1, path);
  }
  assertEquals(
    problems("lib/app/a.ts", 'import { d } from "../io/files/deno_disk.ts";').length,
    1,
  );
  const byRuntime = 'import { denoDisk } from "./files/deno_disk.ts";';
  assertEquals(problems("lib/io/runtime.ts", byRuntime), []);
  const byWorker = 'import { denoDisk } from "../lib/io/files/deno_disk.ts";';
  assertEquals(problems("workers/a.ts", byWorker), []);
});

Deno.test("a use case that takes its clock or its sockets from elsewhere than a runtime is found", () => {
  for (const part of ["system/deno_clock.ts", "net/net.ts", "net/tcp_stream.ts"]) {
    assertEquals(
      problems("lib/app/session/a.ts", `import { b } from "../../io/${part}";`).length,
      1,
    );
    assertEquals(
      problems("lib/app/session/a.ts", `import type { b } from "../../io/${part}";`),
      [],
    );
  }
});

Deno.test("a part of the platform that a file of lib/io takes itself is found, and allowed to who makes runtimes", () => {
  for (const part of ["deno_clock", "deno_random", "deno_workers"]) {
    const use = `import { b } from "../system/${part}.ts";`;
    assertEquals(problems("lib/io/uploads/a.ts", use).length, 1);
    assertEquals(problems("lib/io/net/tcp_stream.ts", use), []);
    assertEquals(
      problems("tests/a_test.ts", `import { b } from "../lib/io/system/${part}.ts";`),
      [],
    );
    assertEquals(problems("lib/io/runtime.ts", `import { b } from "./system/${part}.ts";`), []);
  }
});

Deno.test("an import that spans lines is found, one in a comment or a string is not", () => {
  assertEquals(problems("lib/wire/a.ts", 'import {\n  b,\n} from "../io/b.ts";').length, 1);
  assertEquals(problems("lib/wire/a.ts", '// import { b } from "../io/b.ts";'), []);
  assertEquals(problems("lib/wire/a.ts", 'const s = `import { b } from "../io/b.ts";`;'), []);
});

Deno.test("a clock, a timer, a chance or the platform outside the files for it is found", () => {
  const uses = [
    "Deno.args;",
    "Date.now();",
    "new Date();",
    "performance.now();",
    "setTimeout(f, 1);",
    "setInterval(f, 1);",
    "Math.random();",
    "console.log(1);",
    "crypto.getRandomValues(b);",
    "new Worker(u);",
  ];
  for (const use of uses) {
    assertEquals(problems("lib/protocol/a.ts", use).length, 1, use);
    assertEquals(problems("lib/io/workers/a.ts", use).length, 1, use);
    assertEquals(problems("lib/io/system/deno_clock.ts", use), []);
    assertEquals(problems("tests/a_test.ts", use), []);
  }
  assertEquals(problems("lib/wire/a.ts", "// Deno.args\nthis.performance.now; updated.Date;"), []);
  assertEquals(problems("lib/app/a.ts", 'const text = "Deno.args and new Date()";'), []);
});

Deno.test("what hides a type is found", () => {
  for (
    const use of [
      "let a: any;",
      "f<any>();",
      "x as any;",
      `// @ts-${"ignore"}`,
      `// @ts-${"nocheck"}`,
    ]
  ) {
    assertEquals(problems("lib/wire/a.ts", use).length, 1, use);
    assertEquals(problems("tests/a_test.ts", use).length, 1, use);
  }
  assertEquals(problems("lib/wire/a.ts", "// for any of them\nconst anyone = 1;"), []);
});

Deno.test("a bound outside its room's limits.ts is found", () => {
  for (
    const bound of ["const TRIES_MAX = 3;", "export const PAUSE_MS = 5;", "const A_PER_B = 2;"]
  ) {
    assertEquals(problems("lib/app/a.ts", bound).length, 1, bound);
    assertEquals(problems("lib/app/limits.ts", bound), []);
    assertEquals(problems("tests/a_test.ts", bound), []);
  }
  assertEquals(problems("lib/wire/a.ts", "const HEADER_BYTES = 12;"), []);
});

Deno.test("a default for an option outside lib/app/option_defaults.ts is found", () => {
  for (
    const use of [
      "f(options.retries ?? RETRIES_DEFAULT);",
      "const n = given ?? RETRIES_DEFAULT,",
      "const { retries = RETRIES_DEFAULT } = options;",
      "const { host, classic = true } = this.#options;",
      "f(this.#options.rateBytesPerS ?? 0);",
      'f(options.dialect ?? "shoal");',
      "f(this.#options.masters ?? []);",
      "f(options.hidden ?? false);",
    ]
  ) {
    assertEquals(problems("lib/app/a.ts", use).length, 1, use);
    assertEquals(problems("lib/app/option_defaults.ts", use), []);
    assertEquals(problems("lib/protocol/a.ts", use), []);
  }
  const others = [
    "const { retries } = options;",
    "const { seed = random.u32() } = given;",
    "export const HEADER_BYTES_DEFAULT = OTHER_BYTES_DEFAULT;",
    "f({ retriesMax: RETRIES_DEFAULT });",
    "options.onEvent?.(event);",
  ];
  for (const other of others) assertEquals(problems("lib/cli/a.ts", other), [], other);
});

Deno.test("a look into the text of an address outside lib/address.ts is found", () => {
  for (
    const look of [
      'a.split(":");',
      'a.lastIndexOf(":");',
      'a.startsWith("127.");',
      'b("127.0.0.1");',
    ]
  ) {
    assertEquals(problems("lib/app/a.ts", look).length, 1, look);
    assertEquals(problems("lib/address.ts", look), []);
    assertEquals(problems("tests/a_test.ts", look), []);
  }
  assertEquals(problems("lib/app/a.ts", "// like 127.0.0.1"), []);
});

Deno.test("node: and npm: outside their places are found", () => {
  assertEquals(problems("lib/app/a.ts", 'import { x } from "node:fs";').length, 1);
  assertEquals(problems("lib/io/a.ts", 'import { x } from "node:fs";').length, 1);
  assertEquals(problems("lib/io/files/deno_disk.ts", 'import { x } from "node:fs";'), []);
  assertEquals(problems("lib/protocol/base/sha256.ts", 'import { x } from "node:crypto";'), []);
  assertEquals(problems("lib/protocol/b.ts", 'import { x } from "node:crypto";').length, 1);
  assertEquals(problems("lib/io/a.ts", 'import { x } from "npm:x";').length, 1);
  assertEquals(problems("lib/io/a.ts", 'import { x } from "jsr:x";').length, 1);
  assertEquals(problems("lib/io/a.ts", 'import { x } from "https://x";').length, 1);
});

Deno.test("a file without a head comment, with an open task or of too many lines is found", () => {
  assertEquals(violationsOf({ path: "lib/wire/a.ts", text: "const a = 1;\n" }).length, 1);
  assertEquals(problems("lib/wire/a.ts", `// TO${"DO"}: later`).length, 1);
  assertEquals(problems("lib/wire/a.ts", "\n".repeat(1000)).length, 1);
  assertEquals(problems("lib/wire/BadName.ts", "").length, 1);
});

Deno.test("a circle of imports is found", () => {
  const file = (path: string, text: string): Source => ({ path, text });
  const a = file("lib/a.ts", 'import { b } from "./b.ts";');
  const b = file("lib/b.ts", 'import { c } from "./c.ts";');
  assertEquals(circlesOf([a, b, file("lib/c.ts", 'import { a } from "./a.ts";')]), [
    "lib/a.ts → lib/b.ts → lib/c.ts → lib/a.ts",
  ]);
  // Types vanish before the program runs.
  assertEquals(circlesOf([a, b, file("lib/c.ts", 'import type { a } from "./a.ts";')]), []);
});

function problems(path: string, body: string): string[] {
  return violationsOf({ path, text: `/** What this is for. */\n${body}\n` });
}

function circlesOf(sources: readonly Source[]): string[] {
  const graph = new Map(sources.map((source) => [source.path, importsOf(source)]));
  const finished = new Set<string>();
  const circles: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) circles.push([...trail.slice(start), path].join(" → "));
    if (start !== -1 || finished.has(path)) return;
    for (const { target, isType } of graph.get(path) ?? []) {
      if (!isType) visit(target, [...trail, path]);
    }
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path, []);
  return circles;
}

/** Names that stand for two things: of files, and of what they export. */
function twinsOf(sources: readonly Source[]): string[] {
  const places = new Map<string, string[]>();
  const note = (name: string, path: string): void => {
    const known = places.get(name) ?? [];
    if (!known.includes(path)) places.set(name, [...known, path]);
  };
  const exported =
    /^export (?:abstract |async )?(?:class|interface|type|function\*?|enum|const) (?<name>\w+)/gm;
  for (const { path, text } of sources) {
    const base = path.slice(path.lastIndexOf("/") + 1);
    if (base !== "limits.ts") note(base, path);
    for (const { groups } of text.matchAll(exported)) note(groups!["name"]!, path);
  }
  return [...places].filter(([, paths]) => paths.length > 1)
    .map(([name, paths]) => `${name}: ${paths.join(", ")}`);
}

async function* ownSources(): AsyncGenerator<Source> {
  for (const path of ["mod.ts", "cli.ts"]) yield await source(path);
  for (const folder of FOLDERS) yield* sourcesBelow(folder);
}

async function* sourcesBelow(folder: string): AsyncGenerator<Source> {
  for await (const entry of Deno.readDir(`${ROOT}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* sourcesBelow(path);
    else if (path.endsWith(".ts") && !path.endsWith(".d.ts")) yield await source(path);
  }
}

async function source(path: string): Promise<Source> {
  return { path, text: await Deno.readTextFile(`${ROOT}/${path}`) };
}

/** What a thread whose entry this is has loaded before it does anything. */
function loadedBy(sources: readonly Source[], entry: string): ReadonlySet<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const loaded = new Set([entry]);
  for (const path of loaded) {
    const source = byPath.get(path);
    for (const { target, isType, isLazy } of source === undefined ? [] : importsOf(source)) {
      if (!isType && !isLazy) loaded.add(target);
    }
  }
  return loaded;
}
