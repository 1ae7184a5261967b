/** The machine's facts through Deno's API. Nothing is changed, and nothing asks for a permission. */
import type { HostFacts, PortState } from "./host_facts.ts";
import { isGranted } from "./permissions.ts";
import { isTuningOff } from "./tuning.ts";

const USED: readonly Deno.PermissionDescriptor[] = [
  { name: "net" },
  { name: "read" },
  { name: "write" },
  { name: "sys" },
  { name: "env" },
  { name: "ffi" },
  { name: "run" },
];
/** Where administrators' programs are, which the `PATH` of others may leave out. */
const FOLDERS = ["", "/usr/sbin/", "/sbin/"];

const decoder = new TextDecoder();

export const denoHostFacts: HostFacts = {
  os: Deno.build.os,
  denoVersion: Deno.version.deno,
  get denied() {
    return USED.filter((each) => !isGranted(each)).map(({ name }) => name);
  },
  get isTuningOff() {
    return isTuningOff();
  },
  readText(path) {
    if (!isGranted({ name: "read", path })) return undefined;
    try {
      return Deno.readTextFileSync(path);
    } catch {
      return undefined;
    }
  },
  async run(command, args, timeoutMs) {
    for (const folder of FOLDERS) {
      const path = `${folder}${command}`;
      if (!isGranted({ name: "run", command: path })) continue;
      try {
        return await output(path, args, timeoutMs);
      } catch {
        // It is not there; perhaps in the next folder.
      }
    }
    return undefined;
  },
  port(transport, port) {
    try {
      const at = { hostname: "0.0.0.0", port };
      if (transport === "udp") Deno.listenDatagram({ transport, ...at }).close();
      else Deno.listen({ transport, ...at }).close();
      return "free";
    } catch (error) {
      return portState(error);
    }
  },
};

function portState(error: unknown): PortState {
  return error instanceof Deno.errors.AddrInUse ? "in use" : "not allowed";
}

async function output(
  path: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<string | undefined> {
  const late = AbortSignal.timeout(timeoutMs);
  const command = new Deno.Command(path, {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
    env: { LC_ALL: "C" },
    signal: late,
  });
  const { success, stdout } = await command.output();
  return success ? decoder.decode(stdout) : undefined;
}
