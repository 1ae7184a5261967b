/** A get of a folder that is ended in the middle, gently or not, and what a server does with what is no file. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { canMount, SmallDisk } from "../support/small_disk.ts";
import {
  freePort,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";
import { AS_ORDINARY_USER, makeFifo, modes } from "../support/special_files.ts";

const isLinux = Deno.build.os === "linux";
const FILES = 400;

async function writeTree(scratch: Scratch): Promise<void> {
  for (let i = 0; i < FILES; i++) await scratch.serve(`t/${i}`, randomFile(20_000, i));
}

function stagingFolders(out: string): string[] {
  return [...Deno.readDirSync(out)].map(({ name }) => name).filter((name) =>
    name.startsWith(".staged.")
  );
}

/** Until some of the files that have come wait for their names. */
async function inTheMiddle(out: string): Promise<void> {
  for (;;) {
    const [stage] = stagingFolders(out);
    if (stage !== undefined && [...Deno.readDirSync(join(out, stage))].length > 50) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function wholeFiles(scratch: Scratch): Promise<number> {
  let count = 0;
  for (const { name } of Deno.readDirSync(join(scratch.out, "t"))) {
    assertSameBytes(await scratch.read(`t/${name}`), randomFile(20_000, Number(name)));
    count += 1;
  }
  return count;
}

e2e(
  "Ctrl-C in the middle of a folder: what came is there whole, and it says how to go on",
  async () => {
    await using scratch = await Scratch.make();
    const port = String(freePort());
    await writeTree(scratch);
    await using _server = await startServer(scratch, Number(port));
    const args = ["get", "t/", "--out", scratch.out, "--port", port];
    const env = scratch.env;
    await using get = new ShoalProcess([...args, "--rate", "4MB"], { env, json: false });
    await inTheMiddle(scratch.out);
    get.signal("SIGINT");
    assertEquals(await get.exit(), 130, get.description());
    assertMatch(get.stderr, /To resume: .*get t\//);
    const count = await wholeFiles(scratch);
    assert(count >= 50 && count < FILES, `${count} files`);
    assertEquals(stagingFolders(scratch.out), []);
    const again = await runShoal(args, { env });
    assertEquals(again.code, 0, again.process.description());
    assertEquals(await wholeFiles(scratch), FILES);
  },
  !isLinux,
);

e2e(
  "killed in the middle of a folder: no file is there that is not whole, and the next run tidies up",
  async () => {
    await using scratch = await Scratch.make();
    const port = String(freePort());
    await writeTree(scratch);
    await using _server = await startServer(scratch, Number(port));
    const args = ["get", "t/", "--out", scratch.out, "--port", port];
    const env = scratch.env;
    await using get = new ShoalProcess([...args, "--rate", "4MB"], { env });
    await inTheMiddle(scratch.out);
    get.signal("SIGKILL");
    await get.exit();
    await wholeFiles(scratch);
    assertEquals(stagingFolders(scratch.out).length, 1);
    // Other names change the listing, but not where it goes.
    await scratch.serve("t/400", randomFile(20_000, 400));
    await using _other = await startServer(scratch, Number(port));
    const again = await runShoal(args, { env });
    assertEquals(again.code, 0, again.process.description());
    assert(await wholeFiles(scratch) >= FILES);
    assertEquals(stagingFolders(scratch.out), []);
  },
  !isLinux,
);

e2e(
  "a disk without room for more names: exit 5, what is whole stays, and nothing lies around",
  async () => {
    await using scratch = await Scratch.make();
    const port = String(freePort());
    await writeTree(scratch);
    await using _server = await startServer(scratch, Number(port));
    await using disk = await SmallDisk.mount(scratch.out, 64 * 1024 * 1024, 200);
    const args = ["get", "t/", "--out", disk.folder, "--port", port];
    const run = await runShoal(args, { env: scratch.env });
    assertEquals(run.code, 5, run.process.description());
    const count = await wholeFiles(scratch);
    assert(count > 0 && count < 200, `${count} files`);
    assertEquals(stagingFolders(scratch.out), []);
  },
  !canMount,
);

e2e(
  "what is no file, may not be read or has no name is left out by the server, which says so",
  async () => {
    await using scratch = await Scratch.make();
    const port = String(freePort());
    for (let i = 0; i < 20; i++) await scratch.serve(`t/${i}`, randomFile(20_000, i));
    await makeFifo(join(scratch.served, "t/pipe"));
    const shell = `printf x > "$(printf '${scratch.served}/t/bad\\377')"`;
    await new Deno.Command("sh", { args: ["-c", shell] }).output();
    const socket = Deno.listen({ transport: "unix", path: join(scratch.served, "t/socket") });
    try {
      await using _modes = await modes({ [join(scratch.served, "t/7")]: 0 });
      await using server = new ShoalProcess(["server", scratch.served, "--port", port], {
        env: scratch.env,
        via: AS_ORDINARY_USER,
      });
      await server.event(({ event }) => event === "ready");
      const get = await runShoal(["get", "t/", "--out", scratch.out, "--port", port], {
        env: scratch.env,
      });
      assertEquals(get.code, 0, get.process.description());
      assertEquals(await wholeFiles(scratch), 19);
      const said = server.events.map((event) => JSON.stringify(event)).join("\n");
      for (const name of ["t/pipe", "t/socket", "t/7", "t/bad"]) {
        assertMatch(said, new RegExp(`${name}[^"]* is skipped`));
      }
    } finally {
      socket.close();
    }
  },
  !isLinux,
);
