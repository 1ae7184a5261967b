/**
 * `renameat2(2)` through FFI, which refuses to replace anything. Deno's own rename replaces; without this, a name is
 * taken by a second link, and the first one is removed: twice the work for the disk.
 */
import { isTuningOff } from "../system/tuning.ts";

const SYMBOLS = {
  renameat2: { parameters: ["i32", "buffer", "i32", "buffer", "u32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Rename = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]["renameat2"];

const AT_FDCWD = -100;
const RENAME_NOREPLACE = 1;

/** Not looked for yet, or not to be had. */
let rename: Rename | undefined | "unknown" = "unknown";
const encoder = new TextEncoder();

/** Whether `from` is `to` now; `false` where that name is taken, and where it cannot be done so. Never throws. */
export function renameIfFree(from: string, to: string): boolean {
  if (rename === "unknown") rename = load();
  if (rename === undefined) return false;
  const [old, name] = [encoder.encode(`${from}\0`), encoder.encode(`${to}\0`)];
  return rename(AT_FDCWD, old, AT_FDCWD, name, RENAME_NOREPLACE) === 0;
}

function load(): Rename | undefined {
  if (Deno.build.os !== "linux") return undefined;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return undefined;
  if (isTuningOff()) return undefined;
  try {
    return Deno.dlopen("libc.so.6", SYMBOLS).symbols.renameat2;
  } catch {
    return undefined;
  }
}
