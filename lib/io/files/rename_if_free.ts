/**
 * `renameat2(2)` through FFI, which refuses to replace anything. Deno's own rename replaces; without this, a name is
 * taken by a second link, and the first one is removed: twice the work for the disk.
 */
import { anchor, relativePath } from "./anchored_path.ts";
import { PATH_BYTES_MAX } from "./limits.ts";
import { openLibc } from "../system/libc.ts";

const SYMBOLS = {
  renameat2: { parameters: ["i32", "buffer", "i32", "buffer", "u32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Rename = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"]["renameat2"];

const RENAME_NOREPLACE = 1;

/** Not looked for yet, or not to be had. */
let rename: Rename | undefined | "unknown" = "unknown";
const encoder = new TextEncoder();
const [fromBytes, toBytes] = [new Uint8Array(PATH_BYTES_MAX), new Uint8Array(PATH_BYTES_MAX)];

/** Whether `from` is `to` now; `false` where that name is taken, and where it cannot be done so. Never throws. */
export function renameIfFree(from: string, to: string): boolean {
  if (rename === "unknown") rename = openLibc(SYMBOLS)?.renameat2;
  if (rename === undefined) return false;
  if (!encode(relativePath(from), fromBytes)) return false;
  const fromAnchor = anchor;
  if (!encode(relativePath(to), toBytes)) return false;
  return rename(fromAnchor, fromBytes, anchor, toBytes, RENAME_NOREPLACE) === 0;
}

/** With an end behind it; `false` where that does not fit, or where it would end before. */
function encode(path: string, bytes: Uint8Array): boolean {
  const { read, written } = encoder.encodeInto(path, bytes);
  if (read < path.length || written === bytes.length || path.includes("\0")) return false;
  bytes[written] = 0;
  return true;
}
