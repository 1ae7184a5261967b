/** A served folder that is mounted anew under its server: the same files by other numbers, then others by the same names. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { randomFile } from "../support/e2e.ts";
import { labObstacle } from "../support/lab.ts";
import type { ShoalProcess } from "../support/shoal_process.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const OBSTACLE = await labObstacle("nsenter");

/** Runs a script where the server sees its folder: its mounts are its own. */
async function inMounts(server: ShoalProcess, script: string): Promise<string> {
  const args = ["-t", `${server.pid}`, "-m", "sh", "-ec", script];
  const { success, stdout, stderr } = await new Deno.Command("nsenter", { args }).output();
  const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  assert(success, said);
  return said.trim();
}

lan(
  "a folder is mounted anew under its server: what is in it comes, before, while and after",
  async (site) => {
    const [host, client] = await site.hosts(1, 2);
    const [first, second] = [randomFile(24 * MIB, 1), randomFile(24 * MIB, 2)];
    const served = join(site.scratch.root, "mounted");
    const kept = join(site.scratch.root, "kept");
    for (const [folder, bytes] of [["first", first], ["second", second]] as const) {
      await site.scratch.serve("film", bytes, join(kept, folder));
    }
    await site.scratch.serve("film", first, served);
    await Deno.copyFile(join(kept, "first/film"), join(served, "film"));
    await new Deno.Command("touch", {
      args: ["-r", join(kept, "first/film"), join(served, "film")],
    })
      .output();
    const server = site.start(host, ["server", served]);
    await server.event(({ event }) => event === "ready");
    let fillers = 0;
    /** A file system of its own each time, with another number for the file, and its time as it was. */
    const mount = (folder: string): Promise<string> =>
      inMounts(
        server,
        `umount -l ${served} 2>/dev/null || true
      mount -t tmpfs -o size=64m tmpfs ${served}
      for i in $(seq ${fillers++}); do : > ${served}/.filler$i; done
      cp -p ${kept}/${folder}/film ${served}/film
      stat -c %i ${served}/film`,
      );
    const get = (out: string, ...args: string[]): Fetch =>
      new Fetch(site, client, out, "film", ...args);

    const numbers = [await inMounts(server, `stat -c %i ${served}/film`)];
    await get("before", "--retries", "30").brings({ film: first });
    await host.shape(1, "80mbit");
    const during = get("while", "--retries", "30");
    await during.has(4 * MIB);
    numbers.push(await mount("first"));
    await during.brings({ film: first });
    numbers.push(await mount("first"));
    await get("after", "--retries", "30").brings({ film: first });
    assertEquals(new Set(numbers).size, numbers.length, "each mount numbers it otherwise");

    // Other bytes by the same name: nobody is given the old ones, or a mixture.
    await mount("second");
    await get("other", "--retries", "30").brings({ film: second });
  },
  OBSTACLE,
);
