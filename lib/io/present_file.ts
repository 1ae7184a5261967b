/** Whether the file that is wanted is in the target folder already, under its name or a numbered one. */
import { join } from "@std/path";
import type { HashHex } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import { MIB } from "../limits.ts";
import { StreamingHash } from "../protocol/sha256.ts";
import { yieldToEvents } from "./clock.ts";
import { numberedNames, type TargetNames } from "./target_names.ts";

/** Its path; `undefined` if it is not there. Throws ShoalError `not_writable` when a folder has the name. */
export async function findPresent(
  names: TargetNames,
  sizeBytes: number,
  sha256: HashHex,
): Promise<string | undefined> {
  for (const name of numberedNames(names.base)) {
    const path = join(names.folder, name);
    const info = lstat(path);
    if (info === undefined) return undefined;
    if (info.isDirectory && name === names.base) {
      throw new ShoalError("not_writable", `${path} is a folder`);
    }
    if (!info.isFile || info.size !== sizeBytes) continue;
    if (await hashOf(path) === sha256) return path;
  }
  return undefined;
}

/** Its SHA-256; other work gets its turn between reads. `undefined` if it cannot be read. */
async function hashOf(path: string): Promise<string | undefined> {
  const hash = new StreamingHash();
  const buffer = new Uint8Array(MIB);
  try {
    using file = Deno.openSync(path, { read: true });
    for (;;) {
      const count = file.readSync(buffer);
      if (count === null) return hash.digestHex();
      hash.update(buffer.subarray(0, count));
      await yieldToEvents();
    }
  } catch {
    return undefined;
  }
}

function lstat(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.lstatSync(path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  }
}
