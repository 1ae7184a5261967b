/** A disk that is quickly full: a file system of its own in memory. Needs root. */

async function run(command: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" })
    .output();
  return success;
}

async function canMountHere(): Promise<boolean> {
  const wanted = [{ name: "run" }, { name: "read" }, { name: "write" }] as const;
  for (const each of wanted) {
    if ((await Deno.permissions.query(each)).state !== "granted") return false;
  }
  if (Deno.build.os !== "linux") return false;
  const folder = await Deno.makeTempDir({ prefix: "shoal-test-" });
  const isMounted = await run("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder);
  if (isMounted) await run("umount", folder);
  await Deno.remove(folder);
  return isMounted;
}

export const canMount = await canMountHere();
if (!canMount) console.log("tests of a full disk are skipped: they need root, to mount one");

export class SmallDisk implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** @param inodes how many files, folders and links it takes; as many as fit by default */
  static async mount(folder: string, sizeBytes: number, inodes?: number): Promise<SmallDisk> {
    const options = `size=${sizeBytes}${inodes === undefined ? "" : `,nr_inodes=${inodes}`}`;
    if (!await run("mount", "-t", "tmpfs", "-o", options, "tmpfs", folder)) {
      throw new Error(`cannot mount ${folder}`);
    }
    return new SmallDisk(folder);
  }

  /** Takes all the room that is left; returns the path of what took it. */
  fill(): string {
    const path = `${this.folder}/filler`;
    using file = Deno.openSync(path, { createNew: true, write: true });
    try {
      for (;;) file.writeSync(new Uint8Array(64 * 1024));
    } catch {
      return path;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!await run("umount", this.folder)) throw new Error(`${this.folder} is still in use`);
  }
}
