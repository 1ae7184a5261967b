/** Turns errors of the local disk into errors for the user. */
import { join } from "@std/path/join";
import { ShoalError } from "../../errors.ts";
import type { Disk } from "./disk.ts";
import { SHORT_NAME_BYTES_MAX } from "./limits.ts";
import { systemErrorText } from "../../system_error.ts";

const utf8 = new TextEncoder();

const NOT_WRITABLE = new Set([
  ...["EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR", "ELOOP"],
  // Something else has the name.
  "EEXIST",
]);
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** `what` begins the message, such as "cannot write /tmp/x". */
export function diskError(what: string, cause: unknown): ShoalError {
  if (cause instanceof ShoalError) return cause;
  const code = codeOf(cause);
  const message = systemErrorText(cause);
  if (typeof code === "string" && FULL.has(code)) {
    return new ShoalError("disk_full", `${what}: no space left`, { cause });
  }
  if (typeof code === "string" && NOT_WRITABLE.has(code)) {
    return new ShoalError("not_writable", `${what}: ${message}`, { cause });
  }
  return new ShoalError("disk", `${what}: ${message}`, { cause });
}

/** Whether something else has the name already. */
export function isTaken(cause: unknown): boolean {
  return codeOf(cause) === "EEXIST";
}

/** The operating system's code of an error, such as `ENOENT`. */
export function codeOf(cause: unknown): unknown {
  return (cause as { code?: unknown } | null)?.code;
}

/**
 * That `folder` cannot hold `name`, where that is why it could not be made there. `undefined`: it is something
 * else. File systems say it in several ways, and some only that there is no such file.
 */
export function nameError(
  disk: Disk,
  folder: string,
  name: string,
  cause: unknown,
): ShoalError | undefined {
  const code = codeOf(cause);
  if (code === "ENAMETOOLONG") return tooLong(folder, name, cause);
  const isRefused = code === "EINVAL" || code === "EILSEQ";
  if (!isRefused && !(code === "ENOENT" && isFolder(disk, folder))) return undefined;
  return unnameable(folder, name, cause);
}

/**
 * As far as that can be told before anything is made: Windows takes some characters for something else than a part
 * of a name, and drops some from its end.
 *
 * @throws ShoalError `unnameable`
 */
export function requireNameable(disk: Disk, folder: string, name: string): void {
  if (isTooLong(disk, folder, name)) throw tooLong(folder, name);
  if (Deno.build.os === "windows" && /[<>:"|?*]|[. ]$/.test(name)) throw unnameable(folder, name);
}

/** Whether the disk itself says so: how long a name may be differs. */
export function isTooLong(disk: Disk, folder: string, name: string): boolean {
  if (utf8.encode(name).length <= SHORT_NAME_BYTES_MAX) return false;
  try {
    disk.lookAt(join(folder, name));
    return false;
  } catch (cause) {
    return codeOf(cause) === "ENAMETOOLONG";
  }
}

function tooLong(folder: string, name: string, cause?: unknown): ShoalError {
  const message = `the name '${name}' is too long for the file system of ${folder}`;
  return new ShoalError("unnameable", message, { cause });
}

function unnameable(folder: string, name: string, cause?: unknown): ShoalError {
  const message = `the file system of ${folder} cannot hold the name '${name}'`;
  return new ShoalError("unnameable", message, { cause });
}

function isFolder(disk: Disk, path: string): boolean {
  try {
    return disk.isFolder(path);
  } catch {
    return false;
  }
}
