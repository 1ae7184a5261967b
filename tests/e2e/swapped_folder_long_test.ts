/** Somebody on the same machine who swaps a folder for a link that leads out, and back, as fast as a shell can. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { find, framesOf, random64, readOffer, TYPE, want } from "../attack/frames.ts";
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
async function raced(
  work: (round: number) => Promise<void>,
  isOver = overAfter(RACE_MS),
): Promise<void> {
  for (let round = 0; !isOver(); round++) await work(round);
}

function overAfter(ms: number): () => boolean {
  const endMs = performance.now() + ms;
  return () => performance.now() >= endMs;
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

/** Long enough for the server to look at the one and take it for the other. */
const REST_S = 0.3;
/** One that is asked again begins again. */
const CLASSIC_EVERY_MS = 170;
const LOOT_MS_MAX = 40_000;
const SECRET_BYTES = 40_000;
const [INSIDE, OUTSIDE] = [0x49, 0x58];

/** What one asker was sent, by any protocol: bytes of files, and names. */
interface Loot {
  insideBytes: number;
  outsideBytes: number;
  names: Set<string>;
}

/** A race in which nothing of what is inside was sent has shown nothing: it goes on for a while. */
function overWith(loot: Loot): () => boolean {
  const [isEnough, isTooMuch] = [overAfter(RACE_MS), overAfter(LOOT_MS_MAX)];
  return () => isTooMuch() || isEnough() && loot.insideBytes > 0;
}

function take(loot: Loot, payload: Uint8Array): void {
  for (const byte of payload) {
    if (byte === INSIDE) loot.insideBytes += 1;
    if (byte === OUTSIDE) loot.outsideBytes += 1;
  }
}

/** Sends what `first` gives every now and then, and what `onDatagram` makes of each answer to the port that it names. */
async function overUdp(
  server: Deno.NetAddr,
  isOver: () => boolean,
  everyMs: number,
  first: () => Uint8Array<ArrayBuffer>,
  onDatagram: (datagram: Uint8Array) => readonly [Uint8Array<ArrayBuffer>, number] | undefined,
): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const asking = setInterval(() => void socket.send(first(), server).catch(() => {}), everyMs);
  const ending = setInterval(() => isOver() && socket.close(), 50);
  try {
    for await (const [datagram] of socket) {
      const answer = onDatagram(datagram);
      if (answer === undefined) continue;
      const [reply, replyPort] = answer;
      await socket.send(reply, { ...server, port: replyPort || server.port }).catch(() => {});
    }
  } finally {
    clearInterval(asking);
    clearInterval(ending);
  }
}

const QUERIES = [{ name: "sub/secret" }, { name: "sub/only" }] as const;

/** Finds, then wants all of whatever is offered. */
async function byShoal(dataPort: number, loot: Loot): Promise<void> {
  const server = { transport: "udp", hostname: "127.0.0.1", port: dataPort } as const;
  const query = (): Uint8Array<ArrayBuffer> => find(random64(), QUERIES);
  await overUdp(server, overWith(loot), 5, query, (datagram) => {
    for (const frame of framesOf(datagram)) {
      if (frame.type === TYPE.data) take(loot, frame.bytes.subarray(32));
      if (frame.type === TYPE.pending) {
        frame.u64();
        loot.names.add(QUERIES[frame.u16()]!.name);
      }
      if (frame.type !== TYPE.offer) continue;
      const offered = readOffer(frame);
      loot.names.add(offered.name);
      const ask = { nonce: random64(), token: offered.token, number: 0 };
      return [want(ask, offered, [[0, offered.sizeBytes]]), offered.dataPort];
    }
    return undefined;
  });
}

async function byClassic(port: number, loot: Loot): Promise<void> {
  const server = { transport: "udp", hostname: "127.0.0.1", port } as const;
  let at = 0;
  const request = (): Uint8Array<ArrayBuffer> =>
    new TextEncoder().encode(`get ${QUERIES[at++ % 2]!.name}`);
  await overUdp(server, overWith(loot), CLASSIC_EVERY_MS, request, (datagram) => {
    const isChunk = datagram.length > 40 && datagram[0] === 0;
    if (isChunk) take(loot, datagram.subarray(8, datagram.length - 32));
    return undefined;
  });
}

async function bySession(tcpPort: number, loot: Loot): Promise<void> {
  using peer = await TcpPeer.connect(tcpPort);
  await raced(async (round) => {
    await peer.say({ command: "list" });
    const { files } = await peer.message() as { files: { name: string }[] };
    for (const { name } of files) loot.names.add(name);
    await peer.say({ command: "fetch", ...QUERIES[round % 2] });
    if ((await peer.message())["status"] !== "file") return;
    for (let part = await peer.takeFrame(); part?.length; part = await peer.takeFrame()) {
      take(loot, part);
    }
    await peer.message();
  }, overWith(loot));
}

e2e(
  "nothing outside is read for anybody while the folder of a file is swapped for a link",
  async () => {
    await using scratch = await Scratch.make();
    const outside = await makeOutside(scratch);
    for (
      const [folder, byte] of [[join(scratch.served, "sub"), INSIDE], [outside, OUTSIDE]] as const
    ) {
      await scratch.serve("secret", new Uint8Array(SECRET_BYTES).fill(byte), folder);
    }
    await scratch.serve("only", new Uint8Array(SECRET_BYTES).fill(OUTSIDE), outside);
    const port = freePort();
    await using server = await startServer(scratch, port);
    const ready = await server.event(({ event }) => event === "ready");
    const loot: Record<string, Loot> = {};
    const take = (what: string): Loot =>
      loot[what] = { insideBytes: 0, outsideBytes: 0, names: new Set() };
    await swapping(scratch.served, "sub", outside, async () => {
      await Promise.all([
        byShoal(Number(ready["dataPort"]), take("shoal")),
        byClassic(port, take("classic")),
        bySession(Number(ready["tcpPort"]), take("session")),
      ]);
    }, REST_S);
    for (const [what, { insideBytes, outsideBytes, names }] of Object.entries(loot)) {
      assert(insideBytes > 0, `${what} got nothing`);
      assertEquals(outsideBytes, 0, what);
      assertEquals([...names].filter((name) => !name.endsWith("/secret")), [], what);
    }
  },
  isElsewhere,
);
