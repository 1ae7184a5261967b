/** `get NAME -o FILE`: one file, under exactly the name that is given, or a clear reason. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { assertRefused, e2e, randomFile } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

const utf8 = new TextEncoder();

function getting(scratch: Scratch, port: number, args: readonly string[], json = true) {
  const patience = ["--timeout", "2", "--retries", "2"];
  const options = { cwd: scratch.root, json };
  return runShoal(["get", ...args, "--port", String(port), ...patience], options);
}

for (const way of ["UDP", "TCP", "the ASCII dialect"]) {
  e2e(`over ${way}, the file has exactly the name that was given`, async () => {
    await using scratch = await Scratch.make();
    const bytes = randomFile(200_000, 1);
    await scratch.serve("name.bin", bytes);
    const port = freePort();
    await using _server = await startServer(scratch, port);
    const how = {
      "UDP": [],
      "TCP": ["--tcp", "--server", `127.0.0.1:${port}`],
      "the ASCII dialect": ["--dialect", "ascii", "--server", `127.0.0.1:${port}`],
    }[way]!;
    const get = (...args: string[]) => getting(scratch, port, ["name.bin", ...args, ...how]);
    const first = await get("-o", "out/ä 🎈");
    assertEquals(first.code, 0, first.process.description());
    assertEquals(await scratch.read("ä 🎈"), bytes);
    const again = await get("-o", join(scratch.out, "ä 🎈"));
    assertEquals(again.events.find(({ event }) => event === "done")?.["present"], true);
    await Deno.writeTextFile(join(scratch.out, "other"), "mine");
    const refused = await get("--output", "out/other");
    assertEquals(refused.code, 5, refused.process.description());
    assertMatch(refused.stderr, /already exists and is a different file\nhint: Add --force/);
    assertEquals(await Deno.readTextFile(join(scratch.out, "other")), "mine");
    assertEquals((await get("-o", "out/other", "--force")).code, 0);
    assertEquals(await scratch.read("other"), bytes);
    const left = [...Deno.readDirSync(scratch.out)].map(({ name }) => name).sort();
    assertEquals(left, ["other", "ä 🎈"]);
  });
}

e2e("an empty file, and one that is asked for by content, have the name as well", async () => {
  await using scratch = await Scratch.make();
  await scratch.serve("empty", new Uint8Array(0));
  const port = freePort();
  await using _server = await startServer(scratch, port);
  const sha256 = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  assertEquals((await getting(scratch, port, ["empty", "-o", "out/a"])).code, 0);
  assertEquals((await getting(scratch, port, [sha256, "-o", "out/b"])).code, 0);
  assertEquals([...Deno.readDirSync(scratch.out)].map(({ name }) => name).sort(), ["a", "b"]);
});

const REFUSED: readonly (readonly [string, readonly string[], number, RegExp])[] = [
  ["several names", ["a", "b", "-o", "x"], 2, /several files cannot become one/],
  ["a glob", ["*", "-o", "x"], 2, /several files cannot become one/],
  ["a folder's files", ["dir/", "-o", "x"], 2, /several files cannot become one/],
  ["a folder as the name", ["a", "-o", "out"], 2, /out is a folder/],
  ["a name that ends like a folder's", ["a", "-o", "new/"], 2, /cannot be the name of a file/],
  ["a device as the name", ["a", "-o", "/dev/null"], 2, /not a regular file\nhint: .* - to write/],
  ["no name but the folder above", ["a", "-o", ".."], 2, /\.\. cannot be the name of a file/],
  ["a folder that is not there", ["a", "-o", "none/x"], 5, /none does not exist/],
  ["a file as the folder", ["a", "-o", "file/x"], 5, /file does not exist/],
  [
    "names for every file system",
    ["a", "-o", "x", "--portable-names"],
    2,
    /does nothing with --output/,
  ],
];

for (const [what, args, code, message] of REFUSED) {
  e2e(`${what}: refused before anything is asked`, async () => {
    await using scratch = await Scratch.make();
    await Deno.writeFile(join(scratch.root, "file"), utf8.encode("in the way"));
    assertRefused(await getting(scratch, freePort(), args, false), code, message);
  });
}
