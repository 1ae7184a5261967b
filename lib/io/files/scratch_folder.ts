/** A folder in the system's temporary folder, for files that are not kept. */
import { SCRATCH_FILE_AGE_MS } from "./limits.ts";
import { join } from "@std/path/join";

export class ScratchFolder {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(prefix: string): Promise<ScratchFolder> {
    return new ScratchFolder(await Deno.makeTempDir({ prefix }));
  }

  /** The path of a folder inside, made if it is missing. */
  async folder(name: string): Promise<string> {
    const path = join(this.path, name);
    await Deno.mkdir(path, { recursive: true });
    return path;
  }

  /** Writes `pieces`, one after the other, as a finished file. */
  async write(folder: string, name: string, pieces: Iterable<Uint8Array>): Promise<string> {
    const path = join(await this.folder(folder), name);
    using file = await Deno.open(path, { write: true, createNew: true });
    for (const piece of pieces) await file.write(piece);
    const finished = new Date(Date.now() - SCRATCH_FILE_AGE_MS);
    await file.utime(finished, finished);
    return path;
  }

  async remove(): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}
