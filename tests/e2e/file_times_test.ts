/** When a file was modified arrives with it, to the nanosecond and from before 1970, by each way that files come. */
import { assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import type { ModificationTime } from "../../lib/ids.ts";
import { denoDisk } from "../../lib/io/files/deno_disk.ts";
import { fileTimesAt } from "../../lib/io/files/libc_files.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

/** Elsewhere, milliseconds are all that can be had. */
const isExact = fileTimesAt(".", "follow") !== undefined;

const TIMES: Readonly<Record<string, ModificationTime>> = {
  "new.bin": { mtimeMs: 1_700_000_000_123, mtimeRestNs: 456_789 },
  "old.bin": { mtimeMs: -446_751_899_877, mtimeRestNs: 123_456 },
  "whole.bin": { mtimeMs: 1_700_000_000_000 },
};

async function writeAll(dir: string): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  let seed = 0;
  for (const [name, time] of Object.entries(TIMES)) {
    await Deno.writeFile(join(dir, name), randomFile(50_000, seed++));
    const file = denoDisk.open(join(dir, name));
    file.setModified(time);
    file.close();
  }
}

function timeAt(path: string): unknown {
  const { mtimeMs, mtimeRestNs = 0 } = denoDisk.examine(path)!;
  return [mtimeMs, isExact ? mtimeRestNs : 0];
}

function timesIn(dir: string): unknown {
  return Object.keys(TIMES).map((name) => [name, timeAt(join(dir, name))]);
}

for (const transport of [[], ["--tcp"]]) {
  e2e(`${["get", ...transport].join(" ")} keeps the times of files and folders`, async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const folder = join(scratch.served, "t");
    await writeAll(folder);
    await writeAll(join(folder, "sub"));
    for (const dir of [join(folder, "sub"), folder]) {
      denoDisk.setFolderModified(dir, TIMES["old.bin"]!);
    }
    await using _server = await startServer(scratch, port, []);
    const options = ["--server", `127.0.0.1:${port}`, ...transport];
    const ask = (...names: string[]) =>
      runShoal(["get", ...names, "--out", scratch.out, ...options]);
    const whole = await ask("t/");
    assertEquals(whole.code, 0, whole.process.description());
    const came = join(scratch.out, "t");
    for (const each of ["", "sub"]) {
      assertEquals(timesIn(join(came, each)), timesIn(join(folder, each)));
      assertEquals(timeAt(join(came, each)), timeAt(join(folder, each)));
    }
    await Deno.remove(came, { recursive: true });
    const single = await ask(...Object.keys(TIMES).map((name) => `t/${name}`));
    assertEquals(single.code, 0, single.process.description());
    assertEquals(timesIn(came), timesIn(folder));
  });
}

e2e("put keeps the time of a file", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await writeAll(scratch.root);
  await using _server = await startServer(scratch, port, ["--allow-upload"]);
  for (const name of Object.keys(TIMES)) {
    const put = await runShoal(["put", join(scratch.root, name), "--server", `127.0.0.1:${port}`]);
    assertEquals(put.code, 0, put.process.description());
  }
  assertEquals(timesIn(scratch.served), timesIn(scratch.root));
});
