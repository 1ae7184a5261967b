/** Somebody on the same machine who puts a link in the place of a folder, and takes it away again. */
import { join } from "@std/path/join";

/** Everything below, by name. */
export function namesBelow(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? [name, ...namesBelow(join(folder, name))] : [name]
  );
}

/**
 * Does `work` while the folder `name` in `dir` is swapped for a link to `outside` and back, as fast as a shell can. It is
 * a folder again afterwards.
 *
 * @param restS how long each of the two stays, in seconds
 */
export async function swapping(
  dir: string,
  name: string,
  outside: string,
  work: () => Promise<void>,
  restS = 0,
): Promise<void> {
  const real = `${name}.real`;
  const rest = restS > 0 ? `sleep ${restS};` : "";
  const swaps =
    `while [ -e "$4" ]; do mv "$1" "$2"; ln -s "$3" "$1"; ${rest} rm "$1"; mv "$2" "$1"; ${rest} done`;
  // It ends between two swaps, so that nothing moves any more afterwards.
  const goesOn = await Deno.makeTempFile();
  const swapper = new Deno.Command("sh", {
    args: ["-c", swaps, "sh", name, real, outside, goesOn],
    cwd: dir,
    ...{ stdin: "null", stdout: "null", stderr: "null" },
  }).spawn();
  try {
    await work();
  } finally {
    await Deno.remove(goesOn);
    await swapper.status;
    putBack(join(dir, name), join(dir, real));
  }
}

function putBack(path: string, real: string): void {
  try {
    if (Deno.lstatSync(path).isSymlink) Deno.removeSync(path);
  } catch {
    // It was between the two.
  }
  try {
    Deno.renameSync(real, path);
  } catch {
    // It is there.
  }
}
