/** Files that are none, and files that may not be read: made in ways that also bind root. */
import { canRunProcesses } from "./shoal_process.ts";

const isRoot = canRunProcesses && Deno.build.os === "linux" &&
  (await Deno.permissions.query({ name: "sys", kind: "uid" })).state === "granted" &&
  Deno.uid() === 0;

const CAPABILITIES = "-dac_override,-dac_read_search";

/** Prefix of a command that file modes bind, even if root runs it. */
export const AS_ORDINARY_USER: readonly string[] = isRoot
  ? ["setpriv", `--bounding-set=${CAPABILITIES}`, `--inh-caps=${CAPABILITIES}`]
  : [];

/** Sets the modes of paths until it is disposed of. */
export async function modes(wanted: Readonly<Record<string, number>>) {
  const before = Object.keys(wanted).map((path) => [path, Deno.statSync(path).mode ?? 0] as const);
  const restore = async (): Promise<void> => {
    for (const [path, mode] of before) await Deno.chmod(path, mode & 0o777);
  };
  for (const [path, mode] of Object.entries(wanted)) await Deno.chmod(path, mode);
  return { restore, [Symbol.asyncDispose]: restore };
}

export async function makeFifo(path: string): Promise<void> {
  if (!await succeeds("mkfifo", path)) throw new Error(`cannot make ${path}`);
}

/** A device that reads as zeros without end; `false` where only root may make one. */
export function makeZeroDevice(path: string): Promise<boolean> {
  return succeeds("mknod", path, "c", "1", "5");
}

async function succeeds(command: string, ...args: string[]): Promise<boolean> {
  const { success } = await new Deno.Command(command, { args, stdout: "null", stderr: "null" })
    .output();
  return success;
}
