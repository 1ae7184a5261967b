/** The user's cache folder. */
import { isAbsolute } from "@std/path/is-absolute";
import { join } from "@std/path/join";

/** The cache folder for Shoal, which may not exist yet; `undefined` where that cannot be known without a prompt. */
export function cacheFolder(): string | undefined {
  if (Deno.build.os === "windows") return below(absoluteVariable("LOCALAPPDATA"), "shoal");
  const home = absoluteVariable("HOME");
  if (Deno.build.os === "darwin") return below(home, "Library", "Caches", "shoal");
  return below(absoluteVariable("XDG_CACHE_HOME") ?? below(home, ".cache"), "shoal");
}

/** An absolute path from the environment: relative ones are ignored, as the XDG specification asks. */
export function absoluteVariable(name: string): string | undefined {
  if (Deno.permissions.querySync({ name: "env", variable: name }).state !== "granted") {
    return undefined;
  }
  const value = Deno.env.get(name);
  return value !== undefined && isAbsolute(value) ? value : undefined;
}

/** Of the files that SQLite keeps of a database, its own first. */
export const DATABASE_SUFFIXES: readonly string[] = ["", "-wal", "-shm", "-journal"];

/**
 * Makes the folder if it is missing, for its owner alone, and the folders above it.
 *
 * @param files names of what is to be opened in it: none of them may be a link
 * @throws Error that says what is wrong with it: somebody else could have put anything there
 */
export function requirePrivateFolder(dir: string, files: readonly string[]): void {
  Deno.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const { mode, uid } = Deno.statSync(dir);
  // Whoever made a link can make another one, to a folder of ours that is not meant.
  for (const owner of [uid, Deno.lstatSync(dir).uid]) {
    if (isSomebodyElse(owner)) throw new Error(`${dir} belongs to somebody else`);
  }
  if (Deno.build.os !== "windows" && mode !== null && (mode & OTHERS_MAY_WRITE) !== 0) {
    throw new Error(`others may write to ${dir}`);
  }
  for (const file of files) {
    const path = join(dir, file);
    if (isLink(path)) throw new Error(`${path} is a link`);
  }
}

/** Write permission of the group and of everybody. */
const OTHERS_MAY_WRITE = 0o022;

function isSomebodyElse(uid: number | null): boolean {
  const mayAsk = Deno.permissions.querySync({ name: "sys", kind: "uid" }).state === "granted";
  const ownUid = mayAsk ? Deno.uid() : null;
  return ownUid !== null && uid !== null && uid !== ownUid;
}

function isLink(path: string): boolean {
  try {
    return Deno.lstatSync(path).isSymlink;
  } catch {
    // What is not there is made.
    return false;
  }
}

function below(base: string | undefined, ...parts: string[]): string | undefined {
  return base === undefined ? undefined : join(base, ...parts);
}
