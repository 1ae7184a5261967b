/** `server --web` as it is started, and what other programs fetch from it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { assertRefused, contentsOf, e2e, randomFile, sha256Hex } from "../support/e2e.ts";
import { canRun } from "../support/permissions.ts";
import { freePort, runShoal, Scratch, ShoalProcess } from "../support/shoal_process.ts";

const HAS_TOOLS = await canRun("curl") && await canRun("wget") && await canRun("unzip");

async function ran(command: string, cwd: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args: [...args], cwd })
    .output();
  const text = new TextDecoder();
  assertEquals(code, 0, `${command} ${args.join(" ")}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}

e2e("curl, wget and unzip get what is offered", async () => {
  await using scratch = await Scratch.make();
  const data = randomFile(3_000_000, 1);
  await scratch.serve("disk image.iso", data);
  await scratch.serve("photos/ü 😀.jpg", randomFile(1_000, 2));
  await scratch.serve("photos/more/two.jpg", randomFile(100_000, 3));
  const past = new Date("2024-02-29T12:34:57Z");
  for (const name of ["disk image.iso", "photos/ü 😀.jpg", "photos/more/two.jpg"]) {
    await Deno.utime(join(scratch.served, name), past, past);
  }
  const command = ["server", scratch.served, "-p", String(freePort()), "--web", "--web-port"];
  command.push(String(freePort()), "--web-host", "127.0.0.1");
  await using server = new ShoalProcess(command, { env: scratch.env });
  const { urls, port } = await server.event(({ event }) => event === "web");
  const url = `http://127.0.0.1:${port}/`;
  assertEquals(urls, [url]);
  await server.event((event) => event.event === "indexing" && event["filesLeft"] === 0);

  const { out } = scratch;
  const whole = await sha256Hex(data);
  const saved = async () => await sha256Hex(await Deno.readFile(join(out, "disk image.iso")));
  await ran("curl", out, "-fsS", "-OJ", `${url}files/disk%20image.iso`);
  assertEquals(await saved(), whole);
  await Deno.truncate(join(out, "disk image.iso"), 1_234_567);
  const resume = ["-fsS", "-C", "-", "-o", "disk image.iso"];
  await ran("curl", out, ...resume, `${url}files/disk%20image.iso`);
  assertEquals(await saved(), whole);
  await Deno.truncate(join(out, "disk image.iso"), 2_000_000);
  await ran("wget", out, "-qc", `${url}files/disk%20image.iso`);
  assertEquals(await saved(), whole);
  await ran("curl", out, "-fsS", "-o", "by-hash", `${url}by-hash/sha256/${whole}`);
  assertEquals(await sha256Hex(await Deno.readFile(join(out, "by-hash"))), whole);

  await ran("curl", out, "-fsS", "-o", "photos.zip", `${url}zip/photos/`);
  await ran("unzip", out, "-q", "photos.zip");
  const photos = contentsOf(join(scratch.served, "photos"));
  assertEquals(Object.keys(photos).length, 2);
  assertEquals(contentsOf(join(out, "photos")), photos);
  assertEquals((await Deno.stat(join(out, "photos/more/two.jpg"))).mtime, past);
  const form = ["--data-urlencode", "name=photos/more/", "--data-urlencode", "name=disk image.iso"];
  await ran("curl", out, "-fsS", "-o", "some.zip", ...form, `${url}zip`);
  assertEquals(
    (await ran("unzip", out, "-Z1", "some.zip")).split("\n").slice(0, 2),
    ["photos/more/two.jpg", "disk image.iso"],
  );
}, !HAS_TOOLS);

e2e(
  "the page is told of before the server waits, and takes another port where its own is taken",
  async () => {
    await using scratch = await Scratch.make();
    const args = ["server", scratch.served, "--web", "--web-host", "127.0.0.1"];
    const start = () =>
      new ShoalProcess([...args, "-p", String(freePort())], {
        ...{ env: scratch.env, json: false },
      });
    await using first = start();
    while (!first.stdout.includes("Waiting for client")) await first.change();
    const [, port] = /In a browser: http:\/\/[^/]+:(\d+)\//.exec(first.stdout)!;
    await using second = start();
    while (!second.stdout.includes("Waiting for client")) await second.change();
    const [, other] = /In a browser: http:\/\/[^/]+:(\d+)\//.exec(second.stdout)!;
    assertEquals(port === other, false);
  },
);

e2e("a page that would show in clear what a secret protects is refused", async () => {
  await using scratch = await Scratch.make();
  const file = join(scratch.root, "secret");
  const made = await runShoal(["secret", "new", "--secret-file", file], { env: scratch.env });
  assertEquals(made.code, 0, made.process.description());
  const args = ["server", scratch.served, "-p", String(freePort()), "--web"];
  const refused = await runShoal([...args, "--secret-file", file], { env: scratch.env });
  assertRefused(refused, 2, /--web speaks in clear, and there is a secret/);
  const alone = await runShoal(["server", scratch.served, "--web-port", "1"], {
    env: scratch.env,
  });
  assertRefused(alone, 2, /--web-port does nothing without --web/);
  assertStringIncludes(alone.stderr, "Add --web");
});
