/** Folders where datagrams do not help: over TCP alone, and told of by masters. */
import "../support/libraries.ts";
import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path/join";
import { getOverTcpSettled, serve, ShoalError, type TcpGetOptions } from "../../mod.ts";
import type { GetEvent } from "../../lib/app/events.ts";
import { toHex } from "../../lib/ids.ts";
import { unitsOf } from "../../lib/protocol/folder/bundles.ts";
import { rootOfLayer } from "../../lib/protocol/merkle/merkle.ts";
import { decodeManifest, type TreeFile } from "../../lib/wire/manifest.ts";
import { TcpPeer } from "../support/tcp_peer.ts";
import { e2e, failures, randomFile } from "../support/e2e.ts";
import { withFolder, writeFile } from "../support/folder.ts";
import { freeTcpPort, runGet, startMaster, startRegistered } from "../support/master.ts";
import { freePort, Scratch } from "../support/shoal_process.ts";

const isWindows = Deno.build.os === "windows";
/** Long ago, in seconds: such a file is quiet. */
const QUIET = 1_600_000_000;

/** Bundles, units, a file that comes in chunks, and what is no file. */
async function makeTree(dir: string): Promise<void> {
  for (let i = 0; i < 200; i++) await writeQuiet(dir, `t/${i % 7}/${i} ü`, randomFile(i * 50, i));
  await writeQuiet(dir, "t/middle.bin", randomFile(700_000, 8));
  await writeQuiet(dir, "t/long.bin", randomFile(3_000_001, 7));
  await writeQuiet(dir, "beside it", "x");
  await Deno.mkdir(join(dir, "t/empty"), { recursive: true });
  if (!isWindows) await Deno.symlink("../middle.bin", join(dir, "t/1/link"));
}

async function writeQuiet(dir: string, name: string, content: string | Uint8Array): Promise<void> {
  await writeFile(dir, name, content);
  await Deno.utime(join(dir, name), QUIET, QUIET);
}

/** Every name below a folder, with what it is and holds. */
async function treeOf(dir: string, prefix = ""): Promise<string[]> {
  const found: string[] = [];
  for (const entry of Deno.readDirSync(join(dir, prefix))) {
    const name = prefix + entry.name;
    const path = join(dir, name);
    if (entry.isSymlink) found.push(`${name} -> ${Deno.readLinkSync(path)}`);
    else if (entry.isDirectory) found.push(`${name}/`, ...await treeOf(dir, `${name}/`));
    else {
      const digest = await crypto.subtle.digest("SHA-256", Deno.readFileSync(path));
      found.push(`${name} ${Deno.statSync(path).mtime?.getTime()} ${new Uint8Array(digest)}`);
    }
  }
  return found.sort();
}

async function fetchWhole(
  peer: TcpPeer,
  question: object,
  size: number,
): Promise<Uint8Array<ArrayBuffer>> {
  await peer.say({ command: "fetch", ...question });
  assertEquals((await peer.message())["length"], size);
  const frames: Uint8Array<ArrayBuffer>[] = [];
  for (let frame = await peer.takeFrame(); frame!.length > 0; frame = await peer.takeFrame()) {
    frames.push(frame!.slice());
  }
  assertEquals((await peer.message())["status"], "sent");
  return new Uint8Array(await new Blob(frames).arrayBuffer());
}

/** A server of `root/s`, and a way to fetch from it over TCP. */
async function withServer(
  body: (
    root: string,
    get: (options?: Partial<TcpGetOptions>) => ReturnType<typeof getOverTcpSettled>,
    port: number,
  ) => Promise<void>,
): Promise<void> {
  await withFolder({}, async (root) => {
    await makeTree(join(root, "s"));
    const server = await serve({
      ...{ dir: join(root, "s"), cacheDir: join(root, "cache-s"), port: freePort() },
      ...{ server: "127.0.0.1", broadcast: ["127.255.255.255"] },
    });
    try {
      await body(root, (options = {}) =>
        getOverTcpSettled({
          ...{ names: ["t/"], outDir: join(root, "out"), cacheDir: join(root, "cache-get") },
          ...{ server: `127.0.0.1:${server.ready.tcpPort}`, timeoutMs: 5_000, retries: 2 },
          ...options,
        }), server.ready.tcpPort);
    } finally {
      await server.close();
    }
  });
}

e2e(
  "over TCP alone a folder arrives as it is, as one transfer, and is there the next time",
  () =>
    withServer(async (root, get) => {
      const events: GetEvent[] = [];
      const onEvent = (event: GetEvent): void => void events.push(event);
      const results = await get({ links: true, onEvent });
      assertEquals(results.filter(({ event }) => event === "failed"), []);
      assertEquals(results.length, 202);
      assertEquals(await treeOf(join(root, "out/t")), await treeOf(join(root, "s/t")));
      assertEquals([...Deno.readDirSync(join(root, "out"))].map(({ name }) => name), ["t"]);
      const folder = events.find(({ event }) => event === "folder");
      assert(folder?.event === "folder" && folder.files === 202, "nothing was said of a folder");
      assertEquals(folder.servers.map(({ bytes }) => bytes > 3_000_000), [true]);

      const again = await get({ links: true });
      assert(again.every((each) => each.event === "done" && each.present));
    }),
);

e2e(
  "over TCP alone a folder is made what it is at its server, and a dry run says how",
  () =>
    withServer(async (root, get) => {
      await get({ links: true });
      await Deno.writeTextFile(join(root, "out/t/stray"), "mine");
      await Deno.writeTextFile(join(root, "out/t/1/1 ü"), "changed");
      const changes: string[] = [];
      const onEvent = (event: GetEvent): void => {
        if (event.event !== "change") return;
        changes.push(`${event.action} ${event.isDone} ${event.path.slice(root.length + 7)}`);
      };
      const before = await treeOf(join(root, "out"));
      await get({ links: true, mirror: true, dryRun: true, onEvent });
      assertEquals(changes.splice(0), ["remove false stray", "replace false 1/1 ü"]);
      assertEquals(await treeOf(join(root, "out")), before);
      await get({ links: true, mirror: true, onEvent });
      assertEquals(changes, ["remove true stray"]);
      assertEquals(await treeOf(join(root, "out/t")), await treeOf(join(root, "s/t")));
      await assertRejects(() => get({ names: ["beside it"], mirror: true }), ShoalError, "folders");
      await assertRejects(() => get({ dialect: "ascii", mirror: true }), ShoalError, "no folders");
    }),
);

e2e(
  "over TCP a folder and names that are none come side by side, and what is nowhere is said",
  () =>
    withServer(async (root, get) => {
      const names = ["t/1/", "beside it", "nowhere/", "t/2/*"];
      const results = await get({ names });
      const failed = results.flatMap((each) =>
        each.event === "failed" ? [[each.name, each.code]] : []
      );
      assertEquals(failed, [["nowhere/", "not_found"]]);
      const come = await treeOf(join(root, "out"));
      const served = await treeOf(join(root, "s"));
      const wanted = served.filter((line) => /^(t\/[12]\/.* \d+ |beside it)/.test(line));
      for (const line of wanted) assert(come.includes(line), `${line} is not there`);
    }),
);

e2e(
  "over TCP a manifest, its layer and its units are had by root, until a file is another one",
  () =>
    withServer(async (root, _get, port) => {
      using peer = await TcpPeer.connect(port);
      const found = async (question: object): Promise<Record<string, unknown>> => {
        await peer.say({ command: "fetch", length: 0, ...question });
        const reply = await peer.message();
        if (reply["status"] !== "file") return reply;
        while ((await peer.takeFrame())!.length > 0);
        return { ...reply, end: await peer.message() };
      };
      let manifest = await found({ tree: "t" });
      while (manifest["code"] === "pending") manifest = await found({ tree: "t" });
      const { root: treeRoot, size, sha256 } = manifest;
      assert(typeof size === "number");
      const bytes = await fetchWhole(peer, { root: treeRoot, size }, size);
      assertEquals(toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))), sha256);
      const entries = decodeManifest(bytes);
      assert(!("problem" in entries));
      const files = entries.filter((entry): entry is TreeFile => entry.kind === "file");
      const bundle = unitsOf(files).find((unit) =>
        unit.files.some(({ name }) => name === "3/3 ü")
      )!;
      assert(bundle.files.length > 1);
      const question = { root: bundle.root, size: bundle.sizeBytes };
      const body = await fetchWhole(peer, question, bundle.sizeBytes);
      const wanted = bundle.files.map(({ name }) => Deno.readFileSync(join(root, "s/t", name)));
      assertEquals(body, new Uint8Array(await new Blob(wanted).arrayBuffer()));

      await peer.say({ command: "layer", root: treeRoot, size });
      assertEquals((await peer.message())["status"], "layer");
      const layer = (await peer.takeFrame())!;
      assertEquals(rootOfLayer(new Uint8Array(layer), size), treeRoot);
      await peer.takeFrame();
      await peer.message();
      // A bundle has none, and nobody's files are hashed again for want of it.
      await peer.say({ command: "layer", ...question });
      assertEquals((await peer.message())["code"], "not_found");
      assertEquals((await found({ tree: "t" }))["root"], treeRoot);

      await writeQuiet(join(root, "s"), "t/3/3 ü", "another");
      await Deno.utime(join(root, "s/t/3/3 ü"), QUIET + 9, QUIET + 9);
      assertEquals(((await found(question))["end"] as Record<string, unknown>)["code"], "changed");
      // Who could not read it looks again by itself: no scan is waited for.
      assertEquals((await found(question))["code"], "not_found");
      assertEquals((await found({ tree: "nowhere" }))["code"], "not_found");
      for (const bad of [{ tree: "../t" }, { tree: 7 }, { root: treeRoot }, { root: "00", size }]) {
        assertEquals((await found(bad))["code"], "bad_request");
      }
    }),
);

e2e(
  "a client whose broadcasts reach nobody gets a folder that a master tells of, from all who have it",
  async () => {
    await using scratch = await Scratch.make();
    const port = freeTcpPort();
    await using _master = await startMaster(port);
    const [both, early] = [join(scratch.root, "both"), join(scratch.root, "early")];
    await makeTree(both);
    for (let i = 0; i < 20; i++) await writeQuiet(early, `t/0/more ${i}`, randomFile(1_000, i));
    await using _first = await startRegistered(scratch, [port], { folder: both });
    await using _second = await startRegistered(scratch, [port], { folder: early });
    const get = await runGet(scratch, [port], "t/", ...isWindows ? [] : ["--links"]);
    assertEquals(get.code, 0, get.process.description());
    const come = await treeOf(join(scratch.out, "t"));
    const served = [...await treeOf(join(both, "t")), ...await treeOf(join(early, "t"))];
    assertEquals(come, [...new Set(served)].sort());
    const folder = get.events.find(({ event }) => event === "folder");
    assertEquals(folder?.["files"], 222);

    const nowhere = await runGet(scratch, [port], "nowhere/");
    assertEquals(nowhere.code, 3, nowhere.process.description());
    assertEquals(failures(nowhere.events).length, 1);
  },
);
