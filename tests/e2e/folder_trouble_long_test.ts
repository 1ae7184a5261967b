/** What goes wrong with a folder while it is fetched: what is whole stays, each failure costs itself alone, and the next run goes on. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import type { DoneEvent, FailedEvent } from "../../lib/app/events.ts";
import type { GetOptions } from "../../mod.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { type Scene, withScene } from "../support/folder_scene.ts";
import { canMount, SmallDisk } from "../support/small_disk.ts";

const isWindows = Deno.build.os === "windows";
const FILES = 400;
/** So slow that something can happen in the middle. */
const SLOWLY = { rateBytesPerS: 1.5e6 };

async function writeTree(scene: Scene): Promise<void> {
  for (let i = 0; i < FILES; i++) await scene.write("s", `t/${i}`, randomFile(20_000, i));
}

/** With the first files that have come, and wait for their names, something happens. */
function inTheMiddle(scene: Scene, happens: () => unknown): Pick<GetOptions, "rateBytesPerS"> {
  const timer = setInterval(() => {
    if (stagedCount(scene.out) < 20) return;
    clearInterval(timer);
    happens();
  }, 5);
  return SLOWLY;
}

function stagedCount(out: string): number {
  try {
    const stage = [...Deno.readDirSync(out)].find(({ name }) => name.startsWith(".staged."));
    return stage === undefined ? 0 : [...Deno.readDirSync(join(out, stage.name))].length;
  } catch {
    return 0;
  }
}

function failedOf(results: readonly (DoneEvent | FailedEvent)[]): FailedEvent[] {
  return results.filter((each) => each.event === "failed");
}

function doneOf(results: readonly (DoneEvent | FailedEvent)[]): DoneEvent[] {
  return results.filter((each) => each.event === "done");
}

/** Every file that is there is what it is at the server, and nothing lies around. */
function assertWhole(scene: Scene): void {
  for (const { name } of Deno.readDirSync(join(scene.out, "t"))) {
    const path = (dir: string): string => join(dir, "t", name);
    assertEquals(Deno.readFileSync(path(scene.out)), Deno.readFileSync(path(scene.dir("s"))), name);
  }
  const beside = [...Deno.readDirSync(scene.out)].map(({ name }) => name);
  assertEquals(beside.filter((name) => name.startsWith(".")), []);
}

async function assertGoesOn(scene: Scene): Promise<void> {
  assertEquals(failedOf(await scene.get()), []);
  assertEquals(scene.folder.files, FILES);
  assert(scene.folder.presentFiles > 0, "everything was fetched again");
  assertWhole(scene);
}

e2e(
  "a disk that is full in the middle: what is whole stays and is told, and the next run goes on",
  withScene(async (scene) => {
    await writeTree(scene);
    await scene.serve("s");
    await Deno.mkdir(scene.out);
    await using disk = await SmallDisk.mount(scene.out, 16 * 1024 * 1024);
    let filler = "";
    const results = await scene.get(inTheMiddle(scene, () => filler = disk.fill()));
    assertEquals(failedOf(results).map(({ code }) => code), ["disk_full"]);
    assert(doneOf(results).length > 0 && doneOf(results).length < FILES);
    await Deno.remove(filler);
    assertWhole(scene);
    await assertGoesOn(scene);
  }),
  !canMount,
);

e2e(
  "the server ends in the middle: what is whole stays, and the next run goes on with another one",
  withScene(async (scene) => {
    await writeTree(scene);
    const server = await scene.serve("s");
    const results = await scene.get({
      timeoutMs: 1_000,
      ...inTheMiddle(scene, () => server.close()),
    });
    assert(failedOf(results).length > 0, "it was too fast");
    assertEquals(results.length, FILES);
    const codes = new Set(failedOf(results).map(({ code }) => code));
    assert(codes.isSubsetOf(new Set(["stalled", "changed"])), [...codes].join());
    assertWhole(scene);
    await scene.serve("s");
    await assertGoesOn(scene);
  }),
);

e2e(
  "the server is started again in the middle, at another port of data: it goes on",
  withScene(async (scene) => {
    await writeTree(scene);
    const server = await scene.serve("s");
    let again: Promise<unknown> | undefined;
    const results = await scene.get({
      retries: 8,
      ...inTheMiddle(scene, () => again = server.close().then(() => scene.serve("s"))),
    });
    await again;
    assertEquals(failedOf(results), []);
    assertEquals(doneOf(results).length, FILES);
    assertWhole(scene);
  }),
);

e2e(
  "a folder that is removed in the middle: what came stays whole, the rest fails, and the run ends",
  withScene(async (scene) => {
    await writeTree(scene);
    await scene.serve("s");
    const dir = join(scene.dir("s"), "t");
    const results = await scene.get({
      timeoutMs: 1_000,
      ...inTheMiddle(scene, () => Deno.removeSync(dir, { recursive: true })),
    });
    assert(failedOf(results).length > 0, "it was too fast");
    for (const { name, path } of doneOf(results)) {
      assertEquals(Deno.readFileSync(path), randomFile(20_000, Number(name.slice(2))));
    }
  }),
);

e2e(
  "files that change, shrink or vanish after the folder was listed cost no other file, and the new ones come",
  withScene(async (scene) => {
    await writeTree(scene);
    await scene.serve("s");
    const path = (i: number): string => join(scene.dir("s"), `t/${i}`);
    // The last in the order of their names.
    const results = await scene.get(inTheMiddle(scene, () => {
      Deno.writeFileSync(path(97), randomFile(20_000, 5_097));
      Deno.writeFileSync(path(98), randomFile(10, 98));
      Deno.removeSync(path(99));
    }));
    assertEquals(failedOf(results).filter(({ name }) => name !== "t/99"), []);
    assertEquals(Deno.readFileSync(join(scene.out, "t/97")), randomFile(20_000, 5_097));
    assertEquals(Deno.readFileSync(join(scene.out, "t/98")), randomFile(10, 98));
  }),
);

e2e(
  "a file, a folder or a link that leads out in the target cost what is below them, and nothing is written outside",
  withScene(async (scene) => {
    for (const name of ["file/x", "out/x", "folder", "other"]) {
      await scene.write("s", `t/${name}`, name);
    }
    await scene.serve("s");
    const target = join(scene.out, "t");
    await Deno.mkdir(join(target, "folder"), { recursive: true });
    await Deno.mkdir(join(scene.root, "elsewhere"));
    await Deno.writeTextFile(join(scene.root, "elsewhere/x"), "out/x");
    await Deno.writeTextFile(join(target, "file"), "mine");
    await Deno.symlink("../../elsewhere", join(target, "out"));
    const results = await scene.get();
    const failed = failedOf(results).map(({ name, code }) => [name, code]);
    assertEquals(failed.filter(([name]) => name?.endsWith("/x")), [
      ["t/file/x", "not_writable"],
      ["t/out/x", "not_writable"],
    ]);
    assertEquals([scene.read("other"), scene.read("folder (2)"), scene.read("file")], [
      "other",
      "folder",
      "mine",
    ]);
    assertEquals([...Deno.readDirSync(join(scene.root, "elsewhere"))].length, 1);
  }),
  isWindows,
);

e2e(
  "two folders with the same in them, in one run",
  withScene(async (scene) => {
    for (let i = 0; i < 50; i++) {
      for (const folder of ["t", "u"]) await scene.write("s", `${folder}/${i}`, `file ${i}`);
    }
    await scene.serve("s");
    const results = await scene.get({ names: ["t/", "u/"] });
    assertEquals(failedOf(results), []);
    assertEquals(results.length, 100);
  }),
);

e2e(
  "two runs into one folder at once: the second says so, whatever has changed meanwhile",
  withScene(async (scene) => {
    await writeTree(scene);
    await scene.serve("s");
    const started = Promise.withResolvers<void>();
    const first = scene.get(inTheMiddle(scene, () => started.resolve()));
    await started.promise;
    const second = failedOf(await scene.get());
    assertEquals(second.map(({ code }) => code), ["busy_target"]);
    assertMatch(second[0]!.message, /another get writes/);
    assertEquals(failedOf(await first), []);
    assertWhole(scene);
  }),
);

e2e(
  "names that the disk cannot hold are written in portable ones, and known again by these",
  withScene(async (scene) => {
    for (const name of ["a:b/what?", "plain"]) await scene.write("s", `t/${name}`, name);
    await scene.serve("s");
    for (const cacheDir of ["cache 1", "cache 2"]) {
      const results = await scene.get({
        portableNames: true,
        cacheDir: join(scene.root, cacheDir),
      });
      assertEquals(failedOf(results), []);
      assertEquals(scene.read("a%3Ab/what%3F"), "a:b/what?");
    }
    assertEquals(scene.folder.presentFiles, 2);
    assertEquals([...Deno.readDirSync(join(scene.out, "t/a%3Ab"))].length, 1);
  }),
  isWindows,
);
