/** A file beyond 4 GiB, most of it holes, so that it takes no room: every offset in it needs more than 32 bits. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { e2e, randomFile } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

const GIB = 1024 ** 3;
const SIZE = 4 * GIB + 5_000_011;
/** Where there is something: at the ends, across each boundary of signed and unsigned 32 bits, and just beyond. */
const PLACES = [0, 2 * GIB - 70_000, 4 * GIB - 70_000, 4 * GIB + 1_000_000, SIZE - 65_537];
const PLACE_BYTES = 65_537;
const DISK_BYTES_MAX = 256 * 1024 * 1024;

function bytesAt(path: string, position: number): Uint8Array {
  using file = Deno.openSync(path);
  file.seekSync(position, Deno.SeekMode.Start);
  const bytes = new Uint8Array(PLACE_BYTES);
  for (let at = 0; at < bytes.length;) at += file.readSync(bytes.subarray(at)) ?? Infinity;
  return bytes;
}

for (const transport of ["--udp", "--tcp"]) {
  e2e(`a file beyond 4 GiB comes whole, over ${transport.slice(2)}`, async () => {
    await using scratch = await Scratch.make();
    const source = join(scratch.served, "disk.img");
    {
      using file = await Deno.open(source, { write: true, createNew: true });
      await file.truncate(SIZE);
      for (const [i, place] of PLACES.entries()) {
        await file.seek(place, Deno.SeekMode.Start);
        await file.write(randomFile(PLACE_BYTES, i));
      }
    }
    await Deno.utime(source, 1_600_000_000, 1_600_000_000);
    const port = freePort();
    await using _server = await startServer(scratch, port, []);
    const how = transport === "--tcp"
      ? ["--server", `127.0.0.1:${port}`, transport]
      : ["--port", `${port}`];
    const options = [...how, "--timeout", "60"];
    const get = await runShoal(["get", "disk.img", "--out", scratch.out, ...options]);
    assertEquals(get.code, 0, get.process.description());
    const path = join(scratch.out, "disk.img");
    const { size, blocks } = await Deno.stat(path);
    assertEquals(size, SIZE);
    if (blocks !== null) assert(512 * blocks < DISK_BYTES_MAX, `${blocks} blocks`);
    for (const place of PLACES) assertEquals(bytesAt(path, place), bytesAt(source, place));
    // Between them there is nothing.
    for (const place of [GIB, 3 * GIB, 4 * GIB + 2_000_000]) {
      assert(bytesAt(path, place).every((byte) => byte === 0), `at ${place}`);
    }
    const done = get.events.find(({ event }) => event === "done");
    const hashed = await runShoal(["hash", path]);
    const sha256 = hashed.events.find(({ event }) => event === "hash")?.["sha256"];
    assertEquals([done?.["size"], done?.["sha256"]], [SIZE, sha256]);
  });
}
