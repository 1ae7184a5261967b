/** What uploads take on a server's disk, by what is there: broken off, held, stored, across restarts. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { eventually } from "../support/master.ts";
import { hasPython, Peer } from "../support/python_peer.ts";
import {
  freePort,
  runShoal,
  Scratch,
  type ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

const MIB = 1024 * 1024;
const UPLOADER = fileURLToPath(new URL("../support/broken_uploads.py", import.meta.url));
const hasAddresses = Deno.build.os === "linux" && await hasPython();

async function targetOf(server: ShoalProcess): Promise<number> {
  return (await server.event((event) => event.event === "ready"))["tcpPort"] as number;
}

/** What lies in the served folder, hidden files included. */
function onDiskBytes(folder: string): number {
  let sum = 0;
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    sum += entry.isDirectory ? onDiskBytes(path) : Deno.lstatSync(path).size;
  }
  return sum;
}

/** Begins an upload and sends so much of it; returns the connection, or `undefined` if it is refused. */
async function begun(
  port: number,
  name: string,
  sizeBytes: number,
  sentBytes: number,
): Promise<TcpPeer | undefined> {
  const peer = await TcpPeer.connect(port);
  await peer.say({ command: "put", name, size: sizeBytes, mtime: 0 });
  if ((await peer.message())["status"] !== "ready") {
    peer[Symbol.dispose]();
    return undefined;
  }
  await peer.say({ command: "body", offset: 0 });
  for (let at = 0; at < sentBytes; at += MIB) {
    await peer.frame(randomFile(Math.min(MIB, sentBytes - at), at)).catch(() => {});
  }
  return peer;
}

async function put(scratch: Scratch, port: number, name: string, bytes: Uint8Array) {
  const path = join(scratch.root, name);
  await Deno.writeFile(path, bytes);
  return await runShoal(["put", path, "--server", `127.0.0.1:${port}`]);
}

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const QUOTA = ["--allow-upload", "--upload-quota", "6mb"];
const QUOTA_BYTES = 6e6;

e2e(
  "uploads that break off leave no more than the quota, and give way to one that does not",
  async () => {
    await using scratch = await Scratch.make();
    const file = randomFile(5 * MIB, 1);
    {
      await using server = await startServer(scratch, freePort(), QUOTA);
      const port = await targetOf(server);
      for (let i = 0; i < 8; i++) {
        (await begun(port, `junk ${i}`, 4 * MIB, 3.5 * MIB))?.[Symbol.dispose]();
        assert(onDiskBytes(scratch.served) <= QUOTA_BYTES, `after ${i + 1}`);
      }
      await eventually("something is left", 10_000, () => onDiskBytes(scratch.served) > 3 * MIB);
      // The server notices the end of each connection in its own time.
      await eventually(
        "the whole upload has room",
        30_000,
        async () => (await put(scratch, port, "film.bin", file)).code === 0,
      );
      assert(onDiskBytes(scratch.served) <= QUOTA_BYTES);
      assertSameBytes(await Deno.readFile(join(scratch.served, "film.bin")), file);
    }
    // What was stored counts for the next run, too, and until it is gone.
    await using server = await startServer(scratch, freePort(), QUOTA);
    const port = await targetOf(server);
    const refused = await put(scratch, port, "other.bin", randomFile(2 * MIB, 2));
    assertMatch(refused.stderr, /no more than 0\.\d+ MB|no more than \d+ kB/, refused.stderr);
    assertMatch(refused.stderr, /now \(--upload-quota\)/);
    await Deno.remove(join(scratch.served, "film.bin"));
    await eventually(
      "there is room again",
      20_000,
      async () => (await put(scratch, port, "other.bin", randomFile(2 * MIB, 2))).code === 0,
    );
  },
);

e2e("what was cut off by the end of the server counts for the next one", async () => {
  await using scratch = await Scratch.make();
  {
    await using server = await startServer(scratch, freePort(), QUOTA);
    const held = await begun(await targetOf(server), "junk", 5 * MIB, 4 * MIB);
    await eventually("it is written", 20_000, () => onDiskBytes(scratch.served) >= 3 * MIB);
    Deno.kill(server.pid, "SIGKILL");
    held?.[Symbol.dispose]();
  }
  const left = onDiskBytes(scratch.served);
  assert(left >= 3 * MIB);
  await using server = await startServer(scratch, freePort(), QUOTA);
  const port = await targetOf(server);
  (await begun(port, "more junk", 5 * MIB, 4 * MIB))?.[Symbol.dispose]();
  await eventually(
    "the older one gave way",
    20_000,
    () => onDiskBytes(scratch.served) >= 3 * MIB && onDiskBytes(scratch.served) <= QUOTA_BYTES,
  );
  // Whoever began it may still go on with the other.
  using peer = await TcpPeer.connect(port);
  await peer.say({ command: "put", name: "more junk", size: 5 * MIB, mtime: 0 });
  const { status, offset } = await peer.message();
  assertEquals([status, Number(offset) >= 3 * MIB], ["ready", true]);
});

e2e("what others only announce, or hold, takes nobody's room", async () => {
  await using scratch = await Scratch.make();
  await using server = await startServer(scratch, freePort(), QUOTA);
  const port = await targetOf(server);
  const held: (TcpPeer | undefined)[] = [];
  const ends: Promise<void>[] = [];
  let endedCount = 0;
  try {
    for (let i = 0; i < 20; i++) {
      const peer = await begun(port, `held ${i}`, 5 * MIB, 10);
      held.push(peer);
      // The server says nothing to them unless it hangs up.
      if (peer !== undefined) ends.push(peer.takeFrame().then(() => void (endedCount += 1)));
    }
    assertEquals(ends.length, 20);
    const stored = await put(scratch, port, "film.bin", randomFile(5 * MIB, 3));
    assertEquals(stored.code, 0, stored.process.description());
    // Not because they were given up for their silence.
    assertEquals(endedCount, 0);
  } finally {
    for (const each of held) each?.[Symbol.dispose]();
    await Promise.all(ends);
  }
});

e2e("each host has its share, where the user says so, and resumes what is its own", async () => {
  await using scratch = await Scratch.make();
  const args = ["--allow-upload", "--quota-per-host", "3mb"];
  await using server = await startServer(scratch, freePort(), args);
  const port = await targetOf(server);
  const junk = ["junk", String(2 * MIB), String(MIB)];
  await using other = await Peer.start(UPLOADER, String(port), "127.0.0.2", "stored", ...junk);
  assertEquals(other.line, "stored");
  await using third = await Peer.start(UPLOADER, String(port), "127.0.0.3", "broken", ...junk);
  assertEquals(third.line, "broken");
  // The same name and size from another address is another upload.
  using peer = await TcpPeer.connect(port);
  await peer.say({ command: "put", name: "junk", size: 2 * MIB + 1, mtime: 0 });
  assertEquals(await peer.message(), { status: "ready", offset: 0 });
  const stored = await put(scratch, port, "film.bin", randomFile(2 * MIB, 4));
  assertEquals(stored.code, 0, stored.process.description());
  const refused = await put(scratch, port, "second.bin", randomFile(2 * MIB, 5));
  assertMatch(refused.stderr, /from one host now \(--quota-per-host\)/);
  await using again = await Peer.start(UPLOADER, String(port), "127.0.0.2", "stored", ...junk);
  assertMatch(again.line, /^refused .*--quota-per-host/);
}, !hasAddresses);

e2e("empty files and the folders they are in have their bounds, across restarts", async () => {
  await using scratch = await Scratch.make();
  const args = ["--allow-upload", "--upload-entries", "12", "--entries-per-host", "8"];
  {
    await using server = await startServer(scratch, freePort(), args);
    using peer = await TcpPeer.connect(await targetOf(server));
    // Three folders and a file, then three more files: seven.
    assertEquals(await putEmpty(peer, "a/b/c/0"), "stored");
    for (const name of ["a/b/c/1", "1", "2"]) assertEquals(await putEmpty(peer, name), "stored");
    const refused =
      /^this server accepts no more than (\d) more files and folders from one host now \(--entries-per-host\)$/;
    assertMatch(await putEmpty(peer, "d/e/f/g"), refused);
    assertEquals(entriesIn(scratch.served), 7, "what is refused makes no folders");
    assertEquals(await putEmpty(peer, "3"), "stored");
    assertMatch(await putEmpty(peer, "4"), refused);
    assertEquals(entriesIn(scratch.served), 8);
  }
  await using server = await startServer(scratch, freePort(), args);
  const port = await targetOf(server);
  using peer = await TcpPeer.connect(port);
  assertMatch(await putEmpty(peer, "4"), /--entries-per-host/);
  {
    await using other = await Peer.start(UPLOADER, `${port}`, "127.0.0.2", "stored", "5", "1", "1");
    assertEquals(other.line, "stored");
  }
  await Deno.remove(join(scratch.served, "a"), { recursive: true });
  await eventually(
    "there is room again",
    20_000,
    async () => await putEmpty(peer, "x/y/z/0") === "stored",
  );
  assertMatch(await putEmpty(peer, "u/v"), /no more than 1 more files and folders from one host/);
  assertEquals(await putEmpty(peer, "u"), "stored");
  assertEquals(entriesIn(scratch.served), 9);
}, !hasAddresses);

/** Files and folders below the served folder, but for the hidden ones of the server itself. */
function entriesIn(folder: string): number {
  let count = 0;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (name.startsWith(".")) continue;
    count += 1 + (isDirectory ? entriesIn(join(folder, name)) : 0);
  }
  return count;
}

/** What became of an empty file: "stored", or why not. */
async function putEmpty(peer: TcpPeer, name: string): Promise<string> {
  await peer.say({ command: "put", name, size: 0, mtime: 0 });
  const ready = await peer.message();
  if (ready["status"] !== "ready") return String(ready["message"]);
  await peer.say({ command: "body", offset: 0 });
  await peer.frame(new Uint8Array(0));
  await peer.say({ command: "end", sha256: EMPTY_SHA256 });
  return String((await peer.message())["status"]);
}
