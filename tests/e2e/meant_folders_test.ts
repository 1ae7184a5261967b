/** A folder without its slash, and `--out` with the name of a file. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { e2e, randomFile } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, ShoalProcess } from "../support/shoal_process.ts";

e2e("get photos gets the folder, over UDP and over TCP", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  for (const name of ["a.jpg", "sub/b.jpg"]) {
    await scratch.serve(`photos/${name}`, randomFile(5_000, 1));
  }
  await scratch.serve("notes.txt", randomFile(10, 2));
  await using server = new ShoalProcess(["server", scratch.served, "-p", String(port)], {
    env: scratch.env,
  });
  const { tcpPort } = await server.event(({ event }) => event === "ready");
  for (const how of [["-p", String(port)], ["--tcp", "--server", `127.0.0.1:${tcpPort}`]]) {
    const out = join(scratch.out, how[0]!);
    const run = await runShoal(["get", "photos", "notes.txt", "--out", out, ...how], {
      json: false,
    });
    assertEquals([run.code, run.stderr], [0, ""], run.process.description());
    assertEquals(Deno.readFileSync(join(out, "photos/sub/b.jpg")).length, 5_000);
    assertEquals(Deno.readFileSync(join(out, "notes.txt")).length, 10);
  }
  const none = await runShoal(["get", "photo", "-p", String(port), "--out", scratch.out]);
  assertEquals(none.code, 3, none.process.description());
});

e2e("--out film.mkv is a file", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("film.mkv", randomFile(5_000, 1));
  await using server = new ShoalProcess(["server", scratch.served, "-p", String(port)], {
    env: scratch.env,
  });
  await server.event(({ event }) => event === "ready");
  Deno.mkdirSync(scratch.out, { recursive: true });
  const path = join(scratch.out, "film.mkv");
  const run = await runShoal(["get", "film.mkv", "--out", path, "-p", String(port)]);
  assertEquals(run.code, 0, run.process.description());
  assertEquals(Deno.readFileSync(path).length, 5_000);
});
