/** What a server tells of who fetches what, as its operator sees it. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { e2e, randomFile } from "../support/e2e.ts";
import {
  freePort,
  type JsonEvent,
  runShoal,
  Scratch,
  ShoalProcess,
} from "../support/shoal_process.ts";

const isEnd = ({ event, state }: JsonEvent): boolean => event === "transfer" && state === "ended";

function startServer(scratch: Scratch, port: number, json = true): ShoalProcess {
  return new ShoalProcess(["server", scratch.served, "-p", String(port)], {
    env: scratch.env,
    json,
  });
}

e2e(
  "each transfer has a line when it starts and one when it ends, over UDP and over TCP",
  async () => {
    for (const way of ["UDP", "TCP"]) {
      await using scratch = await Scratch.make();
      const port = freePort();
      await scratch.serve("clip.mov", randomFile(3_000_000, 1));
      await using server = startServer(scratch, port, false);
      while (!server.stdout.includes("Waiting for client to request\n")) await server.change();
      const how = way === "TCP" ? ["--tcp", "--server", `127.0.0.1:${port}`] : ["-p", String(port)];
      const { code, process } = await runShoal(["get", "clip.mov", "--out", scratch.out, ...how]);
      assertEquals(code, 0, process.description());
      while (!/^Sent /m.test(server.stdout)) await server.change();
      const lines = server.stdout.split("\n").filter((line) => /clip\.mov/.test(line));
      assertEquals(lines.length, 3, server.stdout);
      assertEquals(lines[0], "Received request for file: clip.mov");
      assertMatch(lines[1]!, /^Sending clip\.mov to 127\.0\.0\.1:\d+$/);
      assertMatch(lines[2]!, /^Sent clip\.mov to 127\.0\.0\.1: 3\.0 MB( in \d+\.\d+ s)?$/);
    }
  },
);

e2e("a folder is one transfer, and what is asked for and not sent is none", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  for (let i = 0; i < 60; i++) await scratch.serve(`photos/${i}.jpg`, randomFile(2_000, i + 1));
  await using server = startServer(scratch, port);
  await server.event(({ event }) => event === "ready");
  const args = ["get", "photos/", "--out", scratch.out, "-p", String(port)];
  assertEquals((await runShoal(args)).code, 0);
  const ended = await server.event(isEnd);
  const { what, name, files, bytes } = ended;
  assertEquals([what, name, files, bytes], ["folder", "photos", 60, 120_000]);
  // Again, nothing is fetched.
  assertEquals((await runShoal(args)).code, 0);
  server.signal("SIGINT");
  await server.exit();
  const ids = server.events.filter(({ event }) => event === "transfer").map(({ id }) => id);
  assertEquals(new Set(ids).size, 1);
});

e2e("many small files are told as a few and the rest", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  for (let i = 0; i < 40; i++) await scratch.serve(`f${i}.txt`, randomFile(1_000, i + 1));
  await using server = startServer(scratch, port, false);
  while (!server.stdout.includes("Waiting for client to request\n")) await server.change();
  const args = ["get", "*.txt", "--out", scratch.out, "-p", String(port)];
  assertEquals((await runShoal(args)).code, 0);
  while (!/^Sent \d+ more files/m.test(server.stdout)) await server.change();
  const lines = server.stdout.split("\n");
  const count = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length;
  assertEquals(count(/^Sending /), 5, server.stdout);
  assertStringIncludes(server.stdout, "Sent 36 more files to 127.0.0.1: 36.0 kB");
});

e2e("who stops in the middle was sent a part", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("long.mov", randomFile(20_000_000, 1));
  await using server = startServer(scratch, port);
  await server.event(({ event }) => event === "ready");
  const args = ["get", "long.mov", "--out", scratch.out, "-p", String(port), "--rate", "2MB/s"];
  await using client = new ShoalProcess(args);
  await client.event(({ event, bytes }) => event === "progress" && (bytes as number) > 1_000_000);
  client.signal("SIGINT");
  assertEquals(await client.exit(), 130);
  const { bytes, size } = await server.event(isEnd);
  assertEquals(size, 20_000_000);
  assert((bytes as number) > 500_000 && (bytes as number) < 19_000_000, `${bytes}`);
});
