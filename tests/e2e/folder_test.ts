/** Folders as one transfer: the same tree at the other end, whatever is in it and whoever has which part of it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { stagingTag } from "../../lib/io/files/staged_files.ts";
import type { SafeFileName } from "../../lib/ids.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { QUIET, withScene } from "../support/folder_scene.ts";

const isWindows = Deno.build.os === "windows";
/** Every name below a folder, with what it is. */
function treeOf(dir: string, prefix = ""): string[] {
  return [...Deno.readDirSync(join(dir, prefix))].flatMap((entry) => {
    const name = prefix + entry.name;
    const path = join(dir, name);
    if (entry.isSymlink) return [`${name} -> ${Deno.readLinkSync(path)}`];
    if (entry.isDirectory) return [`${name}/`, ...treeOf(dir, `${name}/`)];
    const { mode, mtime, size } = Deno.statSync(path);
    return [`${name} ${size} ${mtime?.getTime()} ${((mode ?? 0) & 0o100) !== 0 ? "x" : ""}`];
  }).sort();
}

e2e(
  "a folder arrives as it is: bytes, times, who may be run, empty folders, links, long files",
  withScene(async (scene) => {
    for (let i = 0; i < 300; i++) {
      await scene.write("s", `t/${i % 9}/file ${i} ü`, randomFile(i * 40, i));
    }
    await scene.write("s", "t/long.bin", randomFile(3_000_001, 7));
    await scene.write("s", "t/middle.bin", randomFile(700_000, 8));
    await scene.write("s", "t/copy of middle.bin", randomFile(700_000, 8));
    await scene.write("s", "t/run.sh", "#!/bin/sh\n");
    await scene.write("s", "other/not asked for", "x");
    await Deno.mkdir(join(scene.dir("s"), "t/empty/nested"), { recursive: true });
    if (!isWindows) {
      await Deno.chmod(join(scene.dir("s"), "t/run.sh"), 0o755);
      await Deno.symlink("../run.sh", join(scene.dir("s"), "t/1/link"));
    }
    await scene.serve("s");
    const results = await scene.get({ links: true });
    assertEquals(results.filter(({ event }) => event === "failed"), []);
    assertEquals(treeOf(join(scene.out, "t")), treeOf(join(scene.dir("s"), "t")));
    for (const name of ["long.bin", "copy of middle.bin", "8/file 296 ü"]) {
      const path = (dir: string) => join(dir, "t", name);
      assertEquals(Deno.readFileSync(path(scene.out)), Deno.readFileSync(path(scene.dir("s"))));
    }
    assertEquals(results.length, 304);
    assertEquals([scene.folder.files, scene.folder.failedFiles], [304, 0]);
    const [server] = scene.folder.servers;
    assert(server !== undefined && server.bytes >= 3_000_001, "nobody delivered anything");
    assertEquals([...Deno.readDirSync(scene.out)].map(({ name }) => name), ["t"]);
  }),
);

e2e(
  "again, nothing is fetched; then what changed is, and what somebody has touched here stays",
  withScene(async (scene) => {
    for (let i = 0; i < 50; i++) await scene.write("s", `t/${i}`, `first ${i}`);
    let server = await scene.serve("s");
    await scene.get();
    const again = await scene.get();
    assert(again.every((each) => each.event === "done" && each.present));
    assertEquals([scene.folder.presentFiles, scene.folder.servers], [50, []]);

    await server.close();
    await scene.write("s", "t/7", "second 7");
    await scene.write("s", "t/8", "second 8");
    await scene.write("s", "t/new", "new");
    await Deno.writeTextFile(join(scene.out, "t/8"), "mine");
    server = await scene.serve("s");
    const third = await scene.get();
    assertEquals(third.filter(({ event }) => event === "failed"), []);
    assertEquals(scene.folder.presentFiles, 48);
    assertEquals(scene.read("7"), "second 7");
    assertEquals(scene.read("new"), "new");
    assertEquals([scene.read("8"), scene.read("8 (2)")], ["mine", "second 8"]);
    await scene.get({ force: true });
    assertEquals(scene.read("8"), "second 8");
  }),
);

e2e(
  "where all is there no thread is started to fetch or write; what is amiss is put right all the same",
  withScene(async (scene) => {
    const isStarted = (): boolean =>
      scene.events.some((event) =>
        event.event === "notice" && /^(receiver|assembler)\b/.test(event.message)
      );
    for (let i = 0; i < 9; i++) await scene.write("s", `t/sub/${i}`, `content ${i}`);
    await scene.serve("s");
    await scene.get();
    assertEquals(isStarted(), true);
    const timeOfSub = () => Deno.statSync(join(scene.out, "t/sub")).mtime;
    const [whole, time] = [treeOf(scene.out), timeOfSub()];
    await scene.get();
    assertEquals([isStarted(), scene.folder.presentFiles], [false, 9]);
    const staged = join(scene.out, `.staged.${stagingTag("t" as SafeFileName)}.part`);
    const amiss = [
      () => Deno.utime(join(scene.out, "t/sub"), 1, 1),
      () => Deno.remove(join(scene.out, "t/sub/3")),
      () => Deno.mkdir(staged).then(() => Deno.writeTextFile(join(staged, "0"), "torn")),
    ];
    for (const spoil of amiss) {
      await spoil();
      await scene.get();
      assertEquals(isStarted(), true);
      assertEquals([treeOf(scene.out), timeOfSub()], [whole, time]);
    }
  }),
);

e2e(
  "what stood beside somebody's own file is not put in its place when it changes",
  withScene(async (scene) => {
    await scene.write("s", "t/a", "first");
    let server = await scene.serve("s");
    await Deno.mkdir(join(scene.out, "t"), { recursive: true });
    await Deno.writeTextFile(join(scene.out, "t/a"), "mine");
    await scene.get();
    assertEquals([scene.read("a"), scene.read("a (2)")], ["mine", "first"]);
    await server.close();
    await scene.write("s", "t/a", "second");
    server = await scene.serve("s");
    await scene.get();
    assertEquals([scene.read("a"), scene.read("a (3)")], ["mine", "second"]);
  }),
);

e2e(
  "a file that was changed in place here, its time put back, is not taken for the one that came",
  withScene(async (scene) => {
    await scene.write("s", "t/a", "right");
    await scene.serve("s");
    await scene.get();
    const path = join(scene.out, "t/a");
    await Deno.writeTextFile(path, "wrong");
    await Deno.utime(path, QUIET, QUIET);
    const results = await scene.get();
    assert(results[0]?.event === "done" && !results[0].present);
    assertEquals(scene.read("a (2)"), "right");
  }),
);

e2e(
  "from servers that have nearly the same, what is equal comes from either, and what is disputed fails alone",
  withScene(async (scene) => {
    for (const server of ["s1", "s2"]) {
      for (let i = 0; i < 100; i++) await scene.write(server, `t/${i}`, randomFile(3_000, i));
      await scene.write(server, `t/only ${server}`, server);
      await scene.write(server, "t/disputed", `by ${server}`);
      await scene.serve(server);
    }
    const results = await scene.get();
    const failed = results.filter((each) => each.event === "failed");
    assertEquals(failed.map(({ name, code }) => [name, code]), [["t/disputed", "ambiguous"]]);
    assertEquals([scene.read("only s1"), scene.read("only s2")], ["s1", "s2"]);
    assertEquals(scene.folder.files, 102);
  }),
);

e2e(
  "without --links a link is the file that it leads to, and one to a folder is left out and named",
  withScene(async (scene) => {
    if (isWindows) return;
    await scene.write("s", "t/real", "content");
    await scene.write("s", "t/sub/x", "x");
    await Deno.symlink("real", join(scene.dir("s"), "t/link"));
    await Deno.symlink("sub", join(scene.dir("s"), "t/to folder"));
    await scene.serve("s");
    const results = await scene.get();
    assertEquals(results.map(({ name }) => name).sort(), ["t/link", "t/real", "t/sub/x"]);
    assertEquals(scene.read("link"), "content");
    const notices = scene.events.flatMap((event) =>
      event.event === "notice" && event.level === "warning" ? [event.message] : []
    );
    assertEquals(notices.length, 1);
    assertMatch(notices[0]!, /'t\/to folder' left out/);
  }),
);

e2e(
  "a folder that nobody has, and an empty one",
  withScene(async (scene) => {
    await Deno.mkdir(join(scene.dir("s"), "t"), { recursive: true });
    await scene.serve("s");
    assertEquals(await scene.get(), []);
    assertEquals(scene.folder.files, 0);
    assert(Deno.statSync(join(scene.out, "t")).isDirectory);
    const results = await scene.get({ names: ["nowhere/"], timeoutMs: 1_000 });
    assertEquals(results.map((each) => each.event === "failed" && each.code), ["not_found"]);
  }),
);

e2e(
  "interrupted, it goes on where it was",
  withScene(async (scene) => {
    for (let i = 0; i < 400; i++) await scene.write("s", `t/${i}`, randomFile(20_000, i));
    await scene.serve("s");
    const abort = new AbortController();
    const results = await scene.get({
      signal: abort.signal,
      rateBytesPerS: 4e6,
      onEvent: (event) => event.event === "done" && abort.abort(),
    });
    assert(results.some((each) => each.event === "failed" && each.code === "interrupted"));
    const again = await scene.get();
    assertEquals(again.filter(({ event }) => event === "failed"), []);
    assertEquals(scene.folder.files, 400);
    assert(scene.folder.presentFiles > 0, "everything was fetched again");
    const left = treeOf(scene.out).filter((name) => name.includes(".part"));
    assertEquals(left, []);
  }),
);
