/** How a launcher starts the bundle: what Deno is told, so that it looks up nothing and asks nobody. */

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly unstable: readonly string[];
  readonly tasks: Readonly<Record<string, string>>;
}

export interface StartPlan {
  /** Of `deno run`, whatever the command. */
  readonly flags: readonly string[];
  /** Of the heap, for each command that has any: what its task in `deno.json` says. */
  readonly heapFlags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string>>;
}

export function startPlan({ unstable, tasks }: Manifest): StartPlan {
  const heapFlags = Object.entries(tasks).flatMap(([command, line]) => {
    const flag = / cli\.ts /.test(line) ? /--v8-flags=\S+/.exec(line)?.[0] : undefined;
    return flag === undefined ? [] : [[command, flag]];
  });
  return {
    flags: [
      "-A",
      "--no-prompt",
      // Files of the folder that the program lies in, or is used in, are none of its own.
      "--no-config",
      "--no-lock",
      "--no-npm",
      "--no-remote",
      "--cached-only",
      ...unstable.map((feature) => `--unstable-${feature}`),
      // What might be imported later is not read at the start; with that, it has to be allowed to be read.
      "--unstable-lazy-dynamic-imports",
    ],
    heapFlags: Object.fromEntries(heapFlags),
    environment: { DENO_NO_UPDATE_CHECK: "1", DENO_NO_PACKAGE_JSON: "1" },
  };
}
