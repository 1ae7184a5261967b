/** Hints that something below a folder changed, where the platform gives any. */

/**
 * Calls `onHint` after changes below `dir`, at any time and more often than needed, until the
 * returned function is called. Hints can be missing altogether: they save time, and nothing else.
 */
export function watchFolder(dir: string, onHint: () => void): () => void {
  let watcher: Deno.FsWatcher;
  try {
    watcher = Deno.watchFs(dir, { recursive: true });
  } catch {
    // Too many folders for the system's limit, or no such thing on this platform.
    return () => {};
  }
  void follow(watcher, onHint);
  return () => watcher.close();
}

async function follow(watcher: Deno.FsWatcher, onHint: () => void): Promise<void> {
  try {
    for await (const { kind } of watcher) {
      // Our own reading is an access, and must not lead to more of it.
      if (kind !== "access") onHint();
    }
  } catch {
    // The watched folder itself may go: the regular scans see to it.
  }
}
