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
  return (areUsable === false ? undefined : openByDescriptor(path)) ?? openByName(path);
}

/** Whether descriptors may be used, once that is known: asking might prompt. */
let areUsable: boolean | undefined = Deno.build.os === "linux" ? undefined : false;

/** `undefined` where the runtime keeps `/proc` from those who may not do everything. */
function openByDescriptor(path: string): FolderHandle | undefined {
  areUsable ??= isPermitted();
  if (!areUsable) return undefined;
  const { descriptor, close } = openedByLibc(path) ?? openedByNode(path);
  const anchor = `/proc/self/fd/${descriptor}`;
  return {
    path: anchor,
    realPath: () => Deno.readLinkSync(anchor),
    close,
  };
}

function isPermitted(): boolean {
  const isGranted = (["read", "write"] as const).every((name) =>
    Deno.permissions.querySync({ name, path: "/proc/self/fd" }).state === "granted"
  );
  return isGranted && isNamed();
}

/** Whether an open folder has a name that may be looked at. */
function isNamed(): boolean {
  let close = (): void => {};
  try {
    const opened = openedByLibc("/") ?? openedByNode("/");
    close = opened.close;
    Deno.readLinkSync(`/proc/self/fd/${opened.descriptor}`);
    return true;
  } catch {
    return false;
  } finally {
    close();
  }
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
  // Where it is none, that is said without Node.
  if (!Deno.statSync(path).isDirectory) throw new Deno.errors.NotADirectory(path);
  // Absent on Windows.
  const { closeSync, openSync, constants: { O_RDONLY, O_DIRECTORY = 0 } } = nodeFs();
  const descriptor = openSync(path, O_RDONLY | O_DIRECTORY);
  return { descriptor, close: () => closeSync(descriptor) };
}

function openByName(path: string): FolderHandle {
  if (!Deno.statSync(path).isDirectory) throw new Deno.errors.NotADirectory(path);
  return { path, realPath: () => Deno.realPathSync(path), close() {} };
}
