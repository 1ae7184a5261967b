/**
 * A `get` that is killed at every single step of its writing, one run a step: `strace` ends it as it is
 * about to make its k-th call of a kind that concerns the file, its part, its journal or their folder. After each
 * crash the target is as it was or whole, and the next `get` ends with the right file and nothing else.
 */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { basename } from "@std/path/basename";
import { join } from "@std/path/join";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import {
  canRunProcesses,
  freePort,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const NAME = "film.bin";
/** Three chunks and a bit, so that there is a journal. */
const FILE = randomFile(3 * 64 * 1024 + 17, 1);
const OLD = randomFile(1_000, 2);
/** Whatever creates, writes, names, syncs or removes. */
const CALLS = [
  ...["mkdir", "openat", "write", "ftruncate", "utimensat", "fsync"],
  ...["linkat", "rename", "unlink"],
];
/** Where a file that is there is replaced. */
const REPLACING_CALLS = ["utimensat", "fsync", "rename", "unlink"];
/** Of one kind. */
const STEPS_MAX = 50;
/** Descriptors that a `get` of one file has, and more. */
const DESCRIPTORS = 100;

const obstacle = await straceObstacle();
const skipped = obstacle === undefined ? "" : ` [skipped: ${obstacle}]`;

async function straceObstacle(): Promise<string | undefined> {
  if (!canRunProcesses || Deno.build.os !== "linux") return "programs cannot be traced here";
  try {
    const command = new Deno.Command("strace", {
      args: ["-e", "trace=none", "true"],
      stderr: "null",
    });
    return (await command.output()).success ? undefined : "programs cannot be traced here";
  } catch {
    return "strace is not installed";
  }
}

/** Kills the program as one of its threads makes its k-th such call on one of these paths. */
function killedAt(call: string, step: number, paths: readonly string[], log: string): string[] {
  const only = paths.flatMap((path) => ["-P", path]);
  const rules = ["-e", `trace=${call}`, "-e", `inject=${call}:signal=KILL:when=${step}`];
  return ["strace", "-f", "-qq", "-o", log, ...only, ...rules];
}

/** What is in the folder, if it is there, the finished file apart. */
async function leftovers(folder: string): Promise<string[]> {
  const entries = await Array.fromAsync(Deno.readDir(folder)).catch(() => []);
  return entries.map(({ name }) => name).filter((name) => name !== NAME).sort();
}

/** Kills `get` at each step in turn. Returns how many there were. */
async function killAtEachStep(
  scratch: Scratch,
  calls: readonly string[],
  before?: Uint8Array,
): Promise<number> {
  await scratch.serve(NAME, FILE);
  const port = freePort();
  await using _server = await startServer(scratch, port);
  const [target, log] = [join(scratch.out, NAME), join(scratch.root, "trace")];
  const args = ["get", NAME, "--out", scratch.out, "--port", `${port}`];
  if (before !== undefined) args.push("--force");
  // The names of part and journal are known before: they follow from the content.
  const tag = await partTag(scratch, args);
  const part = join(scratch.out, `${NAME}.${tag}.part`);
  const files = [target, part, `${part}.journal`];
  // What lies in a folder that is held open is reached through that, whichever descriptor it has.
  const held = Array.from({ length: DESCRIPTORS }, (_, each) => `/proc/self/fd/${each}`);
  const paths = [
    ...[...files, scratch.out, ...held],
    ...files.flatMap((path) => held.map((folder) => join(folder, basename(path)))),
  ];

  const allowed = [part, `${part}.journal`].map((path) => basename(path));
  let steps = 0;
  for (const call of calls) {
    for (let step = 1;; step++) {
      assertLess(step, STEPS_MAX, call);
      const where = `${call} ${step}`;
      await Deno.remove(scratch.out, { recursive: true });
      if (before !== undefined) {
        await Deno.mkdir(scratch.out);
        await Deno.writeFile(target, before);
      }
      await using killed = new ShoalProcess(args, { via: killedAt(call, step, paths, log) });
      if (await killed.exit() === 0) break;
      steps += 1;

      const found = await Deno.readFile(target).catch(() => undefined);
      const isAsBefore = found?.length === before?.length;
      if (!isAsBefore) {
        assertSameBytes(found!, FILE, `${where}: neither what was there nor the file`);
      }
      for (const name of await leftovers(scratch.out)) assert(allowed.includes(name), where);
      await using again = new ShoalProcess(args);
      assertEquals(await again.exit(), 0, `${where}: ${again.description()}`);
      assertSameBytes(await Deno.readFile(target), FILE, where);
      assertEquals(await leftovers(scratch.out), [], where);
    }
  }
  return steps;
}

/** The eight digits in the part's name, as a get is told of them in its trace. */
async function partTag(scratch: Scratch, args: readonly string[]): Promise<string> {
  const log = join(scratch.root, "first");
  const via = ["strace", "-f", "-qq", "-s", "4096", "-o", log, "-e", "trace=openat"];
  await using first = new ShoalProcess(args, { via });
  assertEquals(await first.exit(), 0, first.description());
  const tag = /film\.bin\.([0-9a-f]{8})\.part"/.exec(await Deno.readTextFile(log))?.[1];
  assert(tag !== undefined, "no part file was opened");
  return tag;
}

e2e(`killed at any step, a get leaves nothing or a part, and resumes${skipped}`, async () => {
  await using scratch = await Scratch.make();
  assertGreater(await killAtEachStep(scratch, CALLS), 10);
}, obstacle !== undefined);

e2e(`killed at any step, get --force leaves the old file or the new one${skipped}`, async () => {
  await using scratch = await Scratch.make();
  assertGreater(await killAtEachStep(scratch, REPLACING_CALLS, OLD), 3);
}, obstacle !== undefined);
