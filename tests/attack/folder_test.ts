/**
 * What a server of a folder can say and send that is not so: nothing wrong is kept, whoever said it is named, and what
 * honest servers have comes all the same.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { e2e, randomFile } from "../support/e2e.ts";
import { type Scene, withScene } from "../support/folder_scene.ts";
import {
  digest,
  type EvilEntry,
  EvilFolder,
  type EvilFolderOptions,
  manifestOf,
} from "./evil_folder.ts";

const LIAR = "127.0.0.66";
const MIB = 1024 * 1024;

function evil(
  { port }: Scene,
  options: Omit<EvilFolderOptions, "address" | "discoveryPort">,
): Promise<EvilFolder> {
  return EvilFolder.start({ address: LIAR, discoveryPort: port, ...options });
}

async function writeTree(scene: Scene): Promise<void> {
  for (let i = 0; i < 20; i++) await scene.write("s", `t/${i}`, randomFile(500, i));
}

const FILE = { kind: 1, sizeBytes: 5, sha256: new Uint8Array(32).fill(7) };
const named = (...names: readonly string[]): EvilEntry[] =>
  names.map((name) => ({ ...FILE, name }));

/** Manifests that are refused whole, and what is said of them. */
const LIES: Readonly<Record<string, readonly [Uint8Array<ArrayBuffer>, RegExp]>> = {
  "a name outside": [manifestOf(named("../outside")), /name: dot component/],
  "an absolute name": [manifestOf(named("/etc/passwd")), /name: empty component/],
  "twins": [manifestOf(named("a", "a")), /out of order/],
  "a file that is a folder as well": [manifestOf(named("a", "a!", "a/b")), /folder of another/],
  "a link that leads out": [
    manifestOf([{ kind: 4, name: "a", target: "../../etc" }]),
    /link leads out/,
  ],
  "an unknown kind": [manifestOf([{ kind: 7, name: "a" }]), /unknown kind/],
  "a million entries in a few bytes": [manifestOf(named("a"), 1_000_000), /./],
  "more entries than may be": [manifestOf([], 1_000_001), /too many entries/],
  "bytes left over": [manifestOf(named("a", "b"), 1), /trailing bytes/],
  "no manifest at all": [randomFile(3_000, 1), /not a manifest/],
  "nothing": [new Uint8Array([0]), /not a manifest/],
};

for (const [what, [manifest, says]] of Object.entries(LIES)) {
  e2e(
    `a listing with ${what} is refused, its server named, and the honest one's used`,
    withScene(async (scene) => {
      await writeTree(scene);
      await using _liar = await evil(scene, { manifest });
      await scene.serve("s");
      const results = await scene.get();
      assertEquals(results.filter(({ event }) => event === "failed"), []);
      assertEquals(results.length, 20);
      assertMatch(scene.warnings, new RegExp(`from ${LIAR} is not used: .*${says.source}`));
      assertEquals([...Deno.readDirSync(scene.root)].filter(({ name }) => name === "outside"), []);
    }),
  );
}

const NO_LISTINGS: Readonly<Record<string, Pick<EvilFolderOptions, "manifest" | "claimedBytes">>> =
  {
    "that is none": { manifest: randomFile(3_000, 1) },
    "that claims to be too long": { manifest: randomFile(3_000, 1), claimedBytes: 256 * MIB + 1 },
  };

for (const [what, options] of Object.entries(NO_LISTINGS)) {
  e2e(
    `where nobody else has the folder, a listing ${what} ends the run with exit code 4`,
    withScene(async (scene) => {
      await using _liar = await evil(scene, options);
      const results = await scene.get({ waitMs: 3_000 });
      assertEquals(results.map((each) => each.event === "failed" && each.code), ["unverified"]);
      assertMatch(scene.warnings, new RegExp(LIAR));
    }),
  );

  e2e(
    `a listing ${what} ends no search: who comes seconds later is heard`,
    withScene(async (scene) => {
      await writeTree(scene);
      await using _liar = await evil(scene, options);
      const getting = scene.get({ waitMs: 60_000 });
      const untilMs = Date.now() + 30_000;
      const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
      while (!scene.warnings.includes(`from ${LIAR} is not used`) && Date.now() < untilMs) {
        await pause(20);
      }
      await pause(2_000);
      await scene.serve("s");
      const results = await getting;
      assertEquals(results.filter(({ event }) => event === "failed"), []);
      assertEquals(results.length, 20);
      // It is told once, however often the liar is heard.
      assertEquals(scene.warnings.split("is not used").length, 2);
    }),
  );
}

e2e(
  "whoever only claims to have a folder keeps no mirror from removing; who has it and lies does",
  withScene(async (scene) => {
    await writeTree(scene);
    await scene.serve("s");
    await scene.get();
    const stray = join(scene.out, "t", "stray");
    await Deno.writeTextFile(stray, "mine");
    const manifest = randomFile(3_000, 1);
    {
      await using _liar = await evil(scene, { manifest });
      await scene.get({ mirror: true });
      assertMatch(scene.warnings, /nothing is removed of 't\/': a server offers it/);
      assertEquals(scene.folder.removed, 0);
    }
    await using _stranger = await evil(scene, { manifest, onlyClaims: true });
    await scene.get({ mirror: true });
    assertEquals(scene.folder.removed, 1, scene.warnings);
    assertEquals(await Deno.stat(stray).catch(() => undefined), undefined);
  }),
);

e2e(
  "a listing that claims more bytes than one may have is not asked for",
  withScene(async (scene) => {
    await writeTree(scene);
    await using _liar = await evil(scene, {
      manifest: manifestOf(named("a")),
      claimedBytes: 256 * MIB + 1,
    });
    await scene.serve("s");
    const results = await scene.get();
    assertEquals(results.filter(({ event }) => event === "failed"), []);
    assertMatch(scene.warnings, new RegExp(`from ${LIAR} is not used: too long`));
  }),
);

e2e(
  "sizes and roots that are not those of the bytes: no file of it gets its name, all others come",
  withScene(async (scene) => {
    await writeTree(scene);
    const bytes = randomFile(40_000, 99);
    const sha256 = await digest(bytes.slice(0, 900));
    const manifest = manifestOf([
      { kind: 1, name: "lie long", sizeBytes: 30_000, sha256, root: sha256 },
      { kind: 1, name: "lie longer", sizeBytes: 3 * MIB, sha256, root: sha256 },
      { kind: 1, name: "lie short", sizeBytes: 700, sha256 },
    ]);
    await using liar = await evil(scene, { manifest, contents: () => bytes });
    await scene.serve("s");
    const results = await scene.get();
    const failed = results.flatMap((each) => (each.event === "failed" ? [each.name] : []));
    assertEquals(failed.sort(), ["t/lie long", "t/lie longer", "t/lie short"]);
    assertEquals(results.length, 23);
    const names = [...Deno.readDirSync(join(scene.out, "t"))].map(({ name }) => name);
    assertEquals(names.filter((name) => name.startsWith("lie")), []);
    assertEquals([...Deno.readDirSync(scene.out)].length, 1);
    assert(liar.asked > 0, "nobody asked");
  }),
);

e2e(
  "links in a circle are left out and named, kept as links with --links, and harm nothing",
  withScene(async (scene) => {
    await writeTree(scene);
    const circle = (a: string, b: string) => ({ kind: 4, name: a, target: b });
    const manifest = manifestOf([circle("x", "y"), circle("y", "x"), circle("z", "z")]);
    await using _liar = await evil(scene, { manifest });
    await scene.serve("s");
    const results = await scene.get();
    assertEquals(results.filter(({ event }) => event === "failed"), []);
    assertMatch(scene.warnings, /'t\/x' and 2 more left out/);
  }),
);

const FILES = 150;
const bytesOf = (i: number) => randomFile(9_000, i);

/** The listing that an honest server of `t/` has, whose files are several units. */
async function honestListing(scene: Scene): Promise<Uint8Array<ArrayBuffer>> {
  const entries: EvilEntry[] = [];
  for (let i = 0; i < FILES; i++) {
    const [name, bytes] = [`${1_000 + i}`, bytesOf(i)];
    await scene.write("s", `t/${name}`, bytes);
    entries.push({ kind: 1, name, sizeBytes: bytes.length, sha256: await digest(bytes) });
  }
  return manifestOf(entries);
}

const wrongBytes = (_: string, sizeBytes: number) => randomFile(sizeBytes, 5_000);

e2e(
  "the right listing and wrong bytes: the other server brings them all",
  withScene(async (scene) => {
    const manifest = await honestListing(scene);
    await using liar = await evil(scene, { manifest, contents: wrongBytes });
    await scene.serve("s");
    const results = await scene.get();
    assertEquals(results.filter(({ event }) => event === "failed"), []);
    for (let i = 0; i < FILES; i++) {
      assertEquals(Deno.readFileSync(join(scene.out, `t/${1_000 + i}`)), bytesOf(i));
    }
    assert(liar.asked > 0, "nobody asked");
  }),
);

e2e(
  "the right listing and wrong bytes, and nobody else: each file fails, and none has its name",
  withScene(async (scene) => {
    const manifest = await honestListing(scene);
    await using liar = await evil(scene, { manifest, contents: wrongBytes });
    const results = await scene.get({ timeoutMs: 1_500 });
    assertEquals(results.length, FILES);
    assert(results.every(({ event }) => event === "failed"));
    assertEquals([...Deno.readDirSync(join(scene.out, "t"))], []);
    assertEquals([...Deno.readDirSync(scene.out)].length, 1);
    assert(liar.asked > 0, "nobody asked");
  }),
);
