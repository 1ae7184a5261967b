/** What the tests may do: queried, never asked for, so that `deno test` without flags passes. */
import "./libraries.ts";

async function isGranted(descriptor: Deno.PermissionDescriptor): Promise<boolean> {
  return (await Deno.permissions.query(descriptor)).state === "granted";
}

/** Whether folders can be made, filled and read. */
export async function canTouchFiles(): Promise<boolean> {
  return await isGranted({ name: "read" }) && await isGranted({ name: "write" }) &&
    await isGranted({ name: "env" });
}

/** Whether sockets can be opened. */
export async function canUseNetwork(): Promise<boolean> {
  return await isGranted({ name: "net" });
}

/** Whether `command` may be run and this platform has commands like it. */
export async function canRun(command: string): Promise<boolean> {
  return Deno.build.os !== "windows" && await isGranted({ name: "run", command });
}

/** Whether file modes do not bind this process. */
export async function isRoot(): Promise<boolean> {
  return await isGranted({ name: "sys", kind: "uid" }) && Deno.uid() === 0;
}
