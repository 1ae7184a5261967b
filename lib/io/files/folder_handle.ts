/**
 * Open folders. Linux gives every descriptor a name of its own: a path below `/proc/self/fd/N` starts in the
 * folder that the descriptor is of, as it would for `openat` and its kin, so that nothing has to be called through
 * FFI. Elsewhere, and where that name may not be used, the path that was opened has to do.
 */
import { closeSync, constants, openSync, readlinkSync } from "node:fs";
import type { FolderHandle } from "./disk.ts";

// Absent on Windows.
const { O_RDONLY, O_DIRECTORY = 0 } = constants;

/** Opens a folder, links followed. Throws what the operating system says. */
export function openFolder(path: string): FolderHandle {
  return (areUsable ? openByDescriptor(path) : undefined) ?? openByName(path);
}

/** Whether descriptors may be used, as far as is known: asking might prompt. */
let areUsable = Deno.build.os === "linux";

/** `undefined` where the runtime keeps `/proc` from those who may not do everything. */
function openByDescriptor(path: string): FolderHandle | undefined {
  const isPermitted = (["read", "write"] as const).every((name) =>
    Deno.permissions.querySync({ name, path: "/proc/self/fd" }).state === "granted"
  );
  if (!isPermitted) {
    areUsable = false;
    return undefined;
  }
  const descriptor = openSync(path, O_RDONLY | O_DIRECTORY);
  const anchor = `/proc/self/fd/${descriptor}`;
  try {
    readlinkSync(anchor);
  } catch {
    closeSync(descriptor);
    areUsable = false;
    return undefined;
  }
  return {
    path: anchor,
    realPath: () => readlinkSync(anchor),
    close: () => closeSync(descriptor),
  };
}

function openByName(path: string): FolderHandle {
  if (!Deno.statSync(path).isDirectory) throw new Deno.errors.NotADirectory(path);
  return { path, realPath: () => Deno.realPathSync(path), close() {} };
}
