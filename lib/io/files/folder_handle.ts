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
  if (!canUseDescriptors()) {
    if (!Deno.statSync(path).isDirectory) throw new Deno.errors.NotADirectory(path);
    return { path, realPath: () => Deno.realPathSync(path), close() {} };
  }
  const descriptor = openSync(path, O_RDONLY | O_DIRECTORY);
  const anchor = `/proc/self/fd/${descriptor}`;
  return {
    path: anchor,
    realPath: () => readlinkSync(anchor),
    close: () => closeSync(descriptor),
  };
}

let areUsable: boolean | undefined;

function canUseDescriptors(): boolean {
  return areUsable ??= Deno.build.os === "linux" &&
    (["read", "write"] as const).every((name) =>
      Deno.permissions.querySync({ name, path: "/proc/self/fd" }).state === "granted"
    );
}
