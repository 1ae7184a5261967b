/**
 * Open folders. Linux gives every descriptor a name of its own: a path below `/proc/self/fd/N` starts in the
 * folder that the descriptor is of, as it would for `openat` and its kin, so that nothing has to be called through
 * FFI. Elsewhere, and where that name may not be used, the path that was opened has to do.
 */
import type { FolderHandle } from "./disk.ts";
import * as libc from "./libc_files.ts";
import { nodeFs } from "./node_fs.ts";

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
  const { descriptor, close } = openedByLibc(path) ?? openedByNode(path);
  const anchor = `/proc/self/fd/${descriptor}`;
  try {
    Deno.readLinkSync(anchor);
  } catch {
    close();
    areUsable = false;
    return undefined;
  }
  return {
    path: anchor,
    realPath: () => Deno.readLinkSync(anchor),
    close,
  };
}

interface OpenDescriptor {
  readonly descriptor: number;
  readonly close: () => void;
}

/** `undefined` where that is not to be had, or there is something to be said about the folder. */
function openedByLibc(path: string): OpenDescriptor | undefined {
  const descriptor = libc.openFolderToRead(path);
  return descriptor === undefined ? undefined : { descriptor, close: () => libc.close(descriptor) };
}

function openedByNode(path: string): OpenDescriptor {
  // Absent on Windows.
  const { closeSync, openSync, constants: { O_RDONLY, O_DIRECTORY = 0 } } = nodeFs();
  const descriptor = openSync(path, O_RDONLY | O_DIRECTORY);
  return { descriptor, close: () => closeSync(descriptor) };
}

function openByName(path: string): FolderHandle {
  if (!Deno.statSync(path).isDirectory) throw new Deno.errors.NotADirectory(path);
  return { path, realPath: () => Deno.realPathSync(path), close() {} };
}
