/** Which seeds a run takes: others with each commit, so that worlds nobody has seen are tried. */

/** A 32-bit number from the commit that is checked out; 1 where there is none. */
export async function baseSeed(): Promise<number> {
  try {
    const { success, stdout } = await new Deno.Command("git", {
      args: ["rev-parse", "HEAD"],
      cwd: new URL("../..", import.meta.url),
      stderr: "null",
    }).output();
    const commit = new TextDecoder().decode(stdout).trim();
    return success && /^[0-9a-f]{40}/.test(commit) ? parseInt(commit.slice(0, 8), 16) : 1;
  } catch {
    return 1;
  }
}

/** Seed number `index` of a run. */
export function seedAt(base: number, index: number): number {
  return (base + index) >>> 0;
}
