/**
 * How many files and sockets this process may have open (`ulimit -n`). What listens takes a part of that, so that
 * a crowd of connections leaves room for the files that they ask for, and for everything else.
 */
import { DESCRIPTORS_RESERVED, DESCRIPTORS_UNKNOWN } from "./limits.ts";

/** `RLIMIT_NOFILE`, and where libc is. */
const PLATFORMS: Partial<Record<typeof Deno.build.os, readonly [number, string]>> = {
  linux: [7, "libc.so.6"],
  darwin: [8, "libSystem.dylib"],
};
/** `struct rlimit`: the soft limit, the hard limit, of 64 bits each. */
const [SOFT, HARD] = [0, 1] as const;

const SYMBOLS = {
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** It can always be opened, if anything can. */
const NULL_DEVICE = "/dev/null";

let known: number | undefined;

/**
 * Raises the soft limit to the hard one where that is possible, and returns what it is now: one that can only be
 * guessed is {@linkcode DESCRIPTORS_UNKNOWN}.
 */
export function descriptorLimit(): number {
  return known ??= raisedLimit() ?? limitInProc() ?? DESCRIPTORS_UNKNOWN;
}

/** At most `wantedMax`, and at most that share of the descriptors that nothing else needs. */
export function descriptorShare(
  wantedMax: number,
  share: number,
  limit = descriptorLimit(),
): number {
  return Math.max(1, Math.min(wantedMax, Math.floor((limit - DESCRIPTORS_RESERVED) * share)));
}

/** What is in the way of opening so many more files or sockets just now; `undefined` where nothing is, or nobody can say. */
export function descriptorObstacle(count: number): unknown {
  if (Deno.build.os === "windows") return undefined;
  if (Deno.permissions.querySync({ name: "read", path: NULL_DEVICE }).state !== "granted") {
    return undefined;
  }
  const opened: Deno.FsFile[] = [];
  try {
    while (opened.length < count) opened.push(Deno.openSync(NULL_DEVICE));
    return undefined;
  } catch (obstacle) {
    return obstacle;
  } finally {
    for (const file of opened) file.close();
  }
}

function raisedLimit(): number | undefined {
  const platform = PLATFORMS[Deno.build.os];
  if (platform === undefined) return undefined;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  const [resource, path] = platform;
  let libc: Deno.DynamicLibrary<typeof SYMBOLS> | undefined;
  try {
    libc = Deno.dlopen(path, SYMBOLS);
    const limits = new BigUint64Array(2);
    if (libc.symbols.getrlimit(resource, limits) !== 0) return undefined;
    const soft = limits[SOFT]!;
    if (soft < limits[HARD]!) {
      limits[SOFT] = limits[HARD]!;
      if (libc.symbols.setrlimit(resource, limits) !== 0) return Number(soft);
    }
    return Number(limits[SOFT]);
  } catch {
    return undefined;
  } finally {
    libc?.close();
  }
}

/** What Linux says; `undefined` where it cannot be asked without a prompt. */
function limitInProc(): number | undefined {
  const path = "/proc/self/limits";
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return undefined;
  try {
    const match = /^Max open files +(\d+)/m.exec(Deno.readTextFileSync(path));
    return match === null ? undefined : Number(match[1]);
  } catch {
    return undefined;
  }
}
