/** A folder made a mirror: what no server has goes, each thing named, and nothing else ever does. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path/join";
import { ShoalError } from "../../mod.ts";
import { contentsOf, e2e, randomFile } from "../support/e2e.ts";
import { QUIET, type Scene, withScene } from "../support/folder_scene.ts";

const isWindows = Deno.build.os === "windows";

function changes(scene: Scene): string[] {
  return scene.events.flatMap((event) =>
    event.event === "change"
      ? `${event.action}${event.isDone ? "d" : ""} ${event.path.slice(scene.out.length + 3)}`
      : []
  );
}

function warnings(scene: Scene): string[] {
  return scene.events.flatMap((event) =>
    event.event === "notice" && event.level === "warning" ? event.message : []
  );
}

async function writeHere(scene: Scene, name: string, text = "mine"): Promise<string> {
  const path = join(scene.out, "t", name);
  await Deno.mkdir(join(path, ".."), { recursive: true });
  await Deno.writeTextFile(path, text);
  return path;
}

e2e(
  "a mirror replaces what differs and removes what no server has, deepest first, and leaves what none would list",
  withScene(async (scene) => {
    for (let i = 0; i < 20; i++) await scene.write("s", `t/${i % 3}/${i}`, `file ${i}`);
    await scene.write("s", "t/long", randomFile(1_200_000, 1));
    for (const folder of ["t/2", "t/1", "t"]) await Deno.utime(join(scene.dir("s"), folder), 9, 9);
    await scene.serve("s");
    await scene.get();
    const before = Object.keys(contentsOf(join(scene.dir("s"), "t")));
    await writeHere(scene, "1/1", "changed");
    await writeHere(scene, "long", "short");
    for (const name of ["stray", "old/deep/a", "old/b", "2/c"]) await writeHere(scene, name);
    for (const name of [".hidden", "kept/.git/config", "x.01234567.part"]) {
      await writeHere(scene, name);
    }
    const outside = join(scene.root, "outside");
    await Deno.mkdir(outside);
    await Deno.writeTextFile(join(outside, "mine"), "mine");
    if (!isWindows) await Deno.symlink(outside, join(scene.out, "t/link"));
    const results = await scene.get({ mirror: true });
    assertEquals(results.filter(({ event }) => event === "failed"), []);
    const removed = ["2/c", ...(isWindows ? [] : ["link"]), "old/b", "old/deep/a", "stray"];
    assertEquals(changes(scene), [...removed, "old/deep", "old"].map((name) => `removed ${name}`));
    assertEquals(scene.folder.removed, removed.length + 2);
    for (const folder of ["t", "t/1", "t/2"]) {
      const [here, there] = [scene.out, scene.dir("s")].map((dir) =>
        Deno.statSync(join(dir, folder))
      );
      assertEquals(here?.mtime, there?.mtime, folder);
    }
    assertEquals(scene.read("1/1"), "file 1");
    assertEquals(scene.read("kept/.git/config"), "mine");
    assertEquals(Deno.readTextFileSync(join(outside, "mine")), "mine");
    const left = [".hidden", "kept/.git/config", "x.01234567.part"];
    assertEquals(
      Object.keys(contentsOf(join(scene.out, "t"))).sort(),
      [...before, ...left].sort(),
    );
  }),
);

e2e(
  "a dry run says what would be fetched, replaced and removed, and does nothing",
  withScene(async (scene) => {
    for (const name of ["a", "b", "c"]) await scene.write("s", `t/${name}`, name);
    await scene.write("s", "t/long", randomFile(1_200_000, 1));
    await scene.serve("s");
    await scene.get();
    await Deno.remove(join(scene.out, "t/a"));
    await writeHere(scene, "b", "mine");
    await writeHere(scene, "stray");
    // What nobody vouches for any more has to be read.
    await Deno.utime(join(scene.out, "t/long"), 1, 1);
    const before = contentsOf(scene.out);
    assertEquals((await scene.get({ mirror: true, dryRun: true })).map(({ name }) => name), [
      "t/c",
    ]);
    assertEquals(changes(scene), ["remove stray", "fetch a", "replace b"]);
    assertEquals(scene.folder.planned, { fetch: 1, replace: 1, remove: 1, bytes: 2 });
    assertEquals(scene.folder.removed, 0);
    await scene.get({ dryRun: true });
    // What is somebody's own is not replaced: the file would have another name, as it then has.
    assertEquals(changes(scene), ["fetch a", "fetch b (2)"]);
    assertEquals(contentsOf(scene.out), before);
    const usual = scene.events.flatMap((event) =>
      event.event === "change" ? [event.usualPath] : []
    );
    assertEquals(usual, [undefined, join(scene.out, "t/b")]);
    await scene.get({ dryRun: true, outDir: join(scene.root, "elsewhere") });
    assertEquals(scene.folder.planned?.fetch, 4);
    assert(![...Deno.readDirSync(scene.root)].some(({ name }) => name === "elsewhere"));
    const got = await scene.get();
    const fetched = got.flatMap((each) =>
      each.event === "done" && !each.present && each.size < 100
        ? [each.path.slice(scene.out.length + 3)]
        : []
    );
    assertEquals(fetched.sort(), ["a", "b (2)"]);
  }),
);

e2e(
  "nothing is removed where servers list different names, and that is said",
  withScene(async (scene) => {
    for (const server of ["s1", "s2"]) {
      await scene.write(server, "t/a", "a");
      await scene.write(server, `t/only ${server}`, server);
      await scene.serve(server);
    }
    const stray = await writeHere(scene, "stray");
    await scene.get({ mirror: true });
    assertEquals(changes(scene), []);
    assertEquals(warnings(scene), [
      "nothing is removed of 't/': servers list different things, or not everything",
    ]);
    assertEquals(Deno.readTextFileSync(stray), "mine");
  }),
);

e2e(
  "nothing is removed where a file could not be had",
  withScene(async (scene) => {
    await scene.write("s", "t/a", "a");
    await scene.write("s", "t/b", "b");
    await scene.serve("s");
    const stray = await writeHere(scene, "stray");
    // A file cannot take the place of a folder in which there is something.
    await writeHere(scene, "a/mine");
    const results = await scene.get({ mirror: true });
    assert(results.some(({ event, name }) => event === "failed" && name === "t/a"));
    assertEquals(changes(scene), []);
    assertEquals(warnings(scene), ["nothing is removed of 't/': not everything could be had"]);
    assertEquals(Deno.readTextFileSync(stray), "mine");
  }),
);

e2e(
  "a target that is a link is filled and nothing is removed from it",
  withScene(async (scene) => {
    if (isWindows) return;
    await scene.write("s", "t/a", "a");
    await scene.serve("s");
    const real = join(scene.out, "real");
    await Deno.mkdir(real, { recursive: true });
    await Deno.writeTextFile(join(real, "mine"), "mine");
    await Deno.symlink(real, join(scene.out, "t"));
    const results = await scene.get({ mirror: true });
    assert(results.some((each) => each.event === "failed" && each.code === "not_writable"));
    assertEquals(Deno.readTextFileSync(join(real, "mine")), "mine");
  }),
);

e2e(
  "only whole folders are mirrored, and none within another",
  withScene(async (scene) => {
    for (
      const options of [
        { names: ["a"] },
        { names: ["t/", "*.jpg"] },
        { names: ["t/", "t/u/"] },
        { names: ["t/"], sha256: "0".repeat(64) },
      ]
    ) {
      const error = await assertRejects(() => scene.get({ ...options, mirror: true }), ShoalError);
      assertEquals((error as ShoalError).code, "usage");
    }
    await assertRejects(() => scene.get({ names: ["a"], dryRun: true }), ShoalError, "dry run");
  }),
);

e2e(
  "what is here already gets the time and the leave to be run that it has at its server, and is not fetched again",
  withScene(async (scene) => {
    for (const name of ["a", "b"]) await scene.write("s", `t/${name}`, name);
    if (!isWindows) await Deno.chmod(join(scene.dir("s"), "t/a"), 0o755);
    await scene.serve("s");
    await scene.get();
    const paths = ["a", "b"].map((name) => join(scene.out, "t", name));
    for (const path of paths) {
      await Deno.utime(path, 5, 5);
      if (!isWindows) await Deno.chmod(path, path.endsWith("b") ? 0o755 : 0o644);
    }
    const looks = () =>
      paths.map((path) => {
        const { mtime, mode, ino } = Deno.statSync(path);
        return [mtime?.getTime(), isWindows || ((mode ?? 0) & 0o111) !== 0, ino];
      });
    const inodes = looks().map((look) => look[2]);
    const touched = looks();
    await scene.get({ dryRun: true });
    assertEquals(looks(), touched);
    const results = await scene.get();
    assert(results.every((each) => each.event === "done" && each.present));
    assertEquals(looks(), [[QUIET * 1000, true, inodes[0]], [QUIET * 1000, isWindows, inodes[1]]]);
    // What was set is known: nothing is read to find it untouched.
    const changed = Deno.statSync(paths[0]!).ctime;
    await scene.get();
    assertEquals(Deno.statSync(paths[0]!).ctime, changed);
  }),
);

e2e(
  "what is listed and is there under another spelling is not removed under that",
  withScene(async (scene) => {
    if (isWindows) return;
    await scene.write("s", "t/sub/x", "x");
    await scene.serve("s");
    await writeHere(scene, "real/stray");
    await Deno.symlink("real", join(scene.out, "t/sub"));
    const results = await scene.get({ mirror: true });
    assertEquals(results.filter(({ event }) => event === "failed"), []);
    assertEquals(changes(scene), ["removed real/stray"]);
    assertEquals(scene.read("real/x"), "x");
  }),
);

e2e(
  "a mirror removes nothing where a server leaves something out, and says what",
  withScene(async (scene) => {
    if (isWindows) return;
    await scene.write("s", "t/a", "a");
    await Deno.symlink("/etc/hosts", join(scene.dir("s"), "t/secret"));
    await scene.serve("s");
    await writeHere(scene, "secret");
    await writeHere(scene, "stray");
    const results = await scene.get({ mirror: true });
    assertEquals(results.map(({ event, name }) => [event, name]), [["done", "t/a"]]);
    assertEquals(changes(scene), []);
    assertEquals([scene.read("secret"), scene.read("stray")], ["mine", "mine"]);
    assert(warnings(scene).some((warning) => warning.includes("'t/secret' cannot be fetched")));
  }),
);
