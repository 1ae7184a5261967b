/**
 * What is known of the file systems that files lie on. Some have no inode numbers and make them up: they
 * differ at each mount, and even while one lasts, so that nothing can be recognised by them.
 */
import * as libc from "./libc_files.ts";
import { DEVICES_KNOWN_MAX } from "./limits.ts";
import { nodeFs } from "./node_fs.ts";

/** Of `statfs(2)`: FAT, exFAT, FUSE, and SMB in its three generations. */
const WITHOUT_INODES = new Set([
  0x4d44,
  0x2011bab0,
  0x65735546,
  0x517b,
  0xff534d42,
  0xfe534d42,
]);

const known = new Map<number, boolean>();

/** Whether the inode number of the file at `path`, which is on `device`, stays what it is. */
export function hasLastingInodes(device: number, path: string): boolean {
  const before = known.get(device);
  if (before !== undefined) return before;
  const lasting = !WITHOUT_INODES.has(typeOf(path));
  if (known.size >= DEVICES_KNOWN_MAX) known.clear();
  known.set(device, lasting);
  return lasting;
}

/** 0 where it can't be asked. */
function typeOf(path: string): number {
  if (Deno.build.os !== "linux") return 0;
  if (Deno.permissions.querySync({ name: "sys", kind: "statfs" }).state !== "granted") return 0;
  try {
    // Signed on some processors.
    return libc.fileSystemAt(path)?.type ?? nodeFs().statfsSync(path).type >>> 0;
  } catch {
    return 0;
  }
}
