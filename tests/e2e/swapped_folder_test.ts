/** Somebody on the same machine who swaps a folder for a link that leads out, and back, as fast as a shell can. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile, sha256Hex } from "../support/e2e.ts";
import { namesBelow, swapping } from "../support/folder_swap.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

const RACE_MS = 3_000;
const FILES_PER_GET = 60;
const FILE_BYTES = 70_000;
const isElsewhere = Deno.build.os !== "linux";

/** A folder outside, with a file that must stay alone. */
async function makeOutside(scratch: Scratch): Promise<string> {
  const outside = join(scratch.root, "outside");
  await Deno.mkdir(outside);
  await Deno.writeTextFile(join(outside, "b"), "b");
  return outside;
}

/** Again and again until the race is over. */
async function raced(work: (round: number) => Promise<void>): Promise<void> {
  const endMs = performance.now() + RACE_MS;
  for (let round = 0; performance.now() < endMs; round++) await work(round);
}

e2e("what get writes stays in its folder while that is swapped for a link", async () => {
  await using scratch = await Scratch.make();
  const outside = await makeOutside(scratch);
  for (let i = 0; i < FILES_PER_GET; i++) {
    const name = i % 2 === 0 ? `sub/${i}` : `sub/deep-${i}/x`;
    await scratch.serve(name, randomFile(FILE_BYTES, i));
  }
  const port = freePort();
  await using _server = await startServer(scratch, port);
  await Deno.mkdir(join(scratch.out, "sub"));
  let refused = 0;
  await swapping(scratch.out, "sub", outside, () =>
    raced(async () => {
      const args = ["get", "sub/**", "--out", scratch.out, "--port", `${port}`];
      const { events } = await runShoal(args);
      refused += events.filter(({ event }) => event === "failed").length;
    }));
  assertEquals(namesBelow(outside), ["b"]);
  const stored = namesBelow(join(scratch.out, "sub")).length;
  assert(stored > 0 && refused > 0, `${stored} stored, ${refused} refused: they never met`);
}, isElsewhere);

// The runtime keeps descriptors' names from programs that may not do everything: there the path has to do.
for (const files of ["--allow-read --allow-write", "--allow-read --allow-write=OUT"]) {
  e2e(`get writes below its folder with ${files} alone`, async () => {
    await using scratch = await Scratch.make();
    const file = randomFile(FILE_BYTES, 1);
    await scratch.serve("sub/deep/x", file);
    const port = freePort();
    await using _server = await startServer(scratch, port);
    const options = {
      permissions: `--allow-net --allow-env ${files.replace("OUT", scratch.out)}`,
    };
    const args = ["--out", scratch.out, "--port", `${port}`];
    const run = await runShoal(["get", "sub/**", ...args], options);
    assertEquals(run.code, 0, run.process.description());
    assertSameBytes(await scratch.read("sub/deep/x"), file);

    const outside = await makeOutside(scratch);
    await Deno.remove(join(scratch.out, "sub/deep"), { recursive: true });
    await Deno.symlink(outside, join(scratch.out, "sub/deep"));
    const refused = await runShoal(["get", "sub/**", ...args], options);
    assertEquals(refused.code, 5, refused.process.description());
    assertEquals(namesBelow(outside), ["b"]);
  }, isElsewhere);
}

/** Stores a file by hand, in as few steps as there are. Whether the server did it. */
async function put(port: number, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
  using peer = await TcpPeer.connect(port);
  await peer.say({ command: "put", name, size: bytes.length, mtime: 0 });
  if ((await peer.message())["status"] !== "ready") return false;
  await peer.say({ command: "body", offset: 0 });
  await peer.frame(bytes);
  await peer.frame(new Uint8Array(0));
  await peer.say({ command: "end", sha256: await sha256Hex(bytes) });
  return (await peer.message())["status"] === "stored";
}

for (const swapped of ["sub", ".shoal-uploads"]) {
  e2e(
    `what put stores stays in the served folder while ${swapped} is swapped for a link`,
    async () => {
      await using scratch = await Scratch.make();
      const outside = await makeOutside(scratch);
      await Deno.mkdir(join(scratch.served, swapped));
      const port = freePort();
      await using server = await startServer(scratch, port, ["--allow-upload"]);
      const ready = await server.event(({ event }) => event === "ready");
      const [stored, refused] = [new Set<string>(), new Set<string>()];
      await swapping(scratch.served, swapped, outside, () =>
        raced(async (round) => {
          const names = [`sub/${round}`, `sub/deep-${round}/x`];
          await Promise.all(names.map(async (name, i) => {
            const isStored = await put(
              Number(ready["tcpPort"]),
              name,
              randomFile(1_000, 2 * round + i),
            );
            (isStored ? stored : refused).add(name);
          }));
        }));
      assertEquals(namesBelow(outside), ["b"]);
      assert(stored.size > 0 && refused.size > 0, `${stored.size} stored, ${refused.size} refused`);
      const there = new Set(namesBelow(join(scratch.served, "sub")));
      for (const name of stored) assert(there.has(name.split("/")[1]!), `${name} is not there`);
    },
    isElsewhere,
  );
}
