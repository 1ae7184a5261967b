/** Where files are fetched to, and what an earlier run has left there, is not always what one would expect. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, failures, randomFile } from "../support/e2e.ts";
import {
  freePort,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";
import { makeFifo } from "../support/special_files.ts";

const FILE = randomFile(300_000, 1);
const ENCODER = new TextEncoder();

/** A scratch with a server of these files, and what runs a `get` there. */
async function scene(files: Readonly<Record<string, Uint8Array>>) {
  const scratch = await Scratch.make();
  for (const [name, bytes] of Object.entries(files)) await scratch.serve(name, bytes);
  const port = freePort();
  const server = await startServer(scratch, port);
  const argsOf = (args: readonly string[]) => ["get", ...args, "--port", String(port)];
  const get = (...args: string[]) => runShoal(argsOf(args), { env: scratch.env });
  const start = (...args: string[]) => new ShoalProcess(argsOf(args), { env: scratch.env });
  const dispose = async (): Promise<void> => {
    await server[Symbol.asyncDispose]();
    await scratch[Symbol.asyncDispose]();
  };
  return { scratch, get, start, [Symbol.asyncDispose]: dispose };
}

for (const force of [[], ["--force"]]) {
  const how = force.length > 0 ? ", with --force" : "";

  e2e(`a pipe or a folder of that name is neither written to nor removed${how}`, async () => {
    await using it = await scene({ pipe: FILE, folder: FILE });
    const { out } = it.scratch;
    await makeFifo(join(out, "pipe"));
    await Deno.mkdir(join(out, "folder"));
    await Deno.writeTextFile(join(out, "folder", "kept"), "kept");
    const run = await it.get("pipe", "folder", "--out", out, ...force);
    assertEquals(run.code, 5, run.process.description());
    const codes = failures(run.events).map(({ code }) => code);
    assertEquals(codes, ["not_writable", "not_writable"], run.process.description());
    assert(Deno.lstatSync(join(out, "pipe")).isFifo);
    assertEquals(Deno.readTextFileSync(join(out, "folder", "kept")), "kept");
  });

  e2e(`-o that is a folder removes nothing of it${how}`, async () => {
    await using it = await scene({ film: FILE });
    const kept = join(it.scratch.out, "kept");
    await Deno.mkdir(kept);
    await Deno.writeTextFile(join(kept, "note"), "kept");
    const run = await it.get("film", "-o", kept, ...force);
    assertEquals(run.code, 2, run.process.description());
    assertEquals([...Deno.readDirSync(kept)].map(({ name }) => name), ["note"]);
  });
}

e2e("a link that leads nowhere is not written through: the file comes beside it", async () => {
  await using it = await scene({ film: FILE });
  const { out, root } = it.scratch;
  await Deno.symlink(join(root, "nowhere"), join(out, "film"));
  const run = await it.get("film", "--out", out);
  assertEquals(run.code, 0, run.process.description());
  assertSameBytes(await it.scratch.read("film (2)"), FILE);
  assertEquals([...Deno.readDirSync(root)].some(({ name }) => name === "nowhere"), false);
});

/** What a crash, or a disk, may have made of what an earlier run left. */
const DAMAGES: Readonly<Record<string, { of: RegExp; to: (bytes: Uint8Array) => Uint8Array }>> = {
  "a journal of zeros": { of: /\.journal$/, to: (bytes) => new Uint8Array(bytes.length) },
  "a journal that is cut off": { of: /\.journal$/, to: (bytes) => bytes.subarray(0, 10) },
  "a journal of nothing": { of: /\.journal$/, to: () => new Uint8Array(0) },
  "a part of zeros": { of: /\.part$/, to: (bytes) => new Uint8Array(bytes.length) },
  "a part that is cut off": { of: /\.part$/, to: (bytes) => bytes.subarray(0, 70_000) },
};

e2e(
  "whatever became of what an earlier run left, the file comes, and nothing of that is said to be resumed that was not",
  async () => {
    await using it = await scene({ film: FILE });
    for (const [name, { of, to }] of Object.entries(DAMAGES)) {
      const out = join(it.scratch.out, name);
      await Deno.mkdir(out);
      // At this rate it is interrupted after some of it has come, and before all of it has.
      await using first = it.start("film", "--out", out, "--rate", "150KB");
      await first.event(({ event, bytes }) => event === "progress" && Number(bytes) >= 131_072);
      first.signal("SIGKILL");
      await first.exit();
      for (const entry of Deno.readDirSync(out)) {
        if (!of.test(entry.name)) continue;
        const path = join(out, entry.name);
        await Deno.writeFile(path, to(await Deno.readFile(path)));
      }
      const run = await it.get("film", "--out", out);
      assertEquals(run.code, 0, `${name}: ${run.process.description()}`);
      assertSameBytes(await Deno.readFile(join(out, "film")), FILE, name);
      assertEquals([...Deno.readDirSync(out)].map((entry) => entry.name), ["film"], name);
      const warnings = run.events.filter(({ event, level }) =>
        event === "notice" && level === "warning"
      );
      assert(warnings.length <= 1, `${name}: ${run.process.description()}`);
      const done = run.events.find(({ event }) => event === "done");
      if (name === "a part of zeros") assertEquals(Number(done?.["resumedBytes"] ?? 0), 0);
    }
  },
);

e2e("an output folder that goes while files come to it is told, and the run ends", async () => {
  await using it = await scene({ film: FILE });
  const out = join(it.scratch.root, "gone");
  await using get = it.start("film", "--out", out, "--rate", "150KB");
  await get.event(({ event, bytes }) => event === "progress" && Number(bytes) > 0);
  await Deno.remove(out, { recursive: true });
  assertEquals(await get.exit(), 5, get.description());
  assertMatch(get.description(), /there is no such file or folder/);
});

e2e(
  "what is offered may be of the future, be empty, or be a folder that was made anew",
  async () => {
    await using it = await scene({ old: ENCODER.encode("old"), late: ENCODER.encode("late") });
    const { served, out } = it.scratch;
    const future = new Date("2150-01-01");
    await Deno.utime(join(served, "late"), future, future);
    await Deno.mkdir(join(served, "empty"));
    const first = await it.get("late", "--out", out);
    assertEquals(first.code, 0, first.process.description());
    assertEquals(Deno.statSync(join(out, "late")).mtime, future);
    const empty = await it.get("empty/", "--out", out);
    assertEquals(empty.code, 0, empty.process.description());
    assertEquals([...Deno.readDirSync(join(out, "empty"))], []);
    await Deno.rename(served, `${served}.old`);
    await Deno.mkdir(served);
    await it.scratch.serve("fresh", ENCODER.encode("fresh"));
    const again = await it.get("fresh", "--out", out);
    assertEquals(again.code, 0, again.process.description());
    assertEquals(new TextDecoder().decode(await it.scratch.read("fresh")), "fresh");
  },
);
