/** What two programs and a hostile folder can do to a file that is being written. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import {
  freePort,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const MIB = 1024 * 1024;

e2e("of two gets of one file into one folder the second says that the first is at it", async () => {
  await using scratch = await Scratch.make();
  const file = randomFile(4 * MIB, 1);
  await scratch.serve("film.bin", file);
  const port = freePort();
  await using _server = await startServer(scratch, port, ["--rate", "16mbit"]);
  const args = ["get", "film.bin", "--out", scratch.out, "--port", `${port}`];
  await using first = new ShoalProcess(args);
  await first.event(({ event, bytes }) => event === "progress" && Number(bytes) > 0);
  const second = await runShoal(args, { json: false });
  assertEquals(second.code, 5, second.process.description());
  assertMatch(second.stderr, /is already being written\nhint: [^\n]+\n$/);
  assertEquals(await first.exit(), 0, first.description());
  assertSameBytes(await scratch.read("film.bin"), file);
  assertEquals([...Deno.readDirSync(scratch.out)].map(({ name }) => name), ["film.bin"]);
});

e2e("a part file that somebody else has put there is not written through", async () => {
  await using scratch = await Scratch.make();
  const file = randomFile(MIB, 2);
  await scratch.serve("film.bin", file);
  const port = freePort();
  await using _server = await startServer(scratch, port, ["--rate", "8mbit"]);
  const args = ["get", "film.bin", "--out", scratch.out, "--port", `${port}`];
  await using first = new ShoalProcess(args);
  await first.event(({ event, bytes }) => event === "progress" && Number(bytes) > 0);
  first.signal("SIGKILL");
  await first.exit();

  const part = [...Deno.readDirSync(scratch.out)].find(({ name }) => name.endsWith(".part"))!.name;
  const precious = join(scratch.root, "precious");
  await Deno.writeTextFile(precious, "precious");
  for (const name of [part, `${part}.journal`]) {
    await Deno.remove(join(scratch.out, name));
    await Deno.symlink(precious, join(scratch.out, name));
  }
  const again = await runShoal(args, { json: false });
  assertEquals(again.code, 5, again.process.description());
  assertMatch(again.stderr, /is in the way and is not a file\nhint: [^\n]+\n$/);
  assertEquals(await Deno.readTextFile(precious), "precious");
});
