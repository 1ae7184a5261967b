/**
 * Paths below `/proc/self/fd/N`, which begin in the folder that a descriptor is of (`folder_handle.ts`). The calls of the C
 * library take the descriptor itself, which spares the kernel three look-ups a call.
 */
const ANCHOR = "/proc/self/fd/";
const [ZERO, NINE, SLASH] = [0x30, 0x39, 0x2f];

/** What stands for the working folder where a path is not below an open one. */
export const AT_FDCWD = -100;

/** The descriptor that the last path that was given to {@linkcode relativePath} is relative to. */
export let anchor = AT_FDCWD;

/** The path from the open folder on, if it is below one, and that folder as {@linkcode anchor}; else the path as it is. */
export function relativePath(path: string): string {
  anchor = AT_FDCWD;
  if (!path.startsWith(ANCHOR)) return path;
  let at = ANCHOR.length;
  let descriptor = 0;
  for (let code = path.charCodeAt(at); code >= ZERO && code <= NINE; code = path.charCodeAt(at)) {
    descriptor = 10 * descriptor + code - ZERO;
    at += 1;
  }
  // The folder itself has no name in it.
  const isBelow = at > ANCHOR.length && path.charCodeAt(at) === SLASH && at + 1 < path.length;
  if (!isBelow || path.charCodeAt(at + 1) === SLASH) return path;
  anchor = descriptor;
  return path.slice(at + 1);
}
