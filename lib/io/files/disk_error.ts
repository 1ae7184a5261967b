/** Turns errors of the local disk into errors for the user. */
import { ShoalError } from "../../errors.ts";

const NOT_WRITABLE = new Set([
  ...["EACCES", "EPERM", "EROFS", "ENOTDIR", "EISDIR", "ELOOP"],
  // Something else has the name.
  "EEXIST",
]);
const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** `what` begins the message, such as "cannot write /tmp/x". */
export function diskError(what: string, cause: unknown): ShoalError {
  if (cause instanceof ShoalError) return cause;
  const code = (cause as { code?: unknown } | null)?.code;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (typeof code === "string" && FULL.has(code)) {
    return new ShoalError("disk_full", `${what}: no space left`, { cause });
  }
  if (
    (typeof code === "string" && NOT_WRITABLE.has(code)) ||
    // What the runtime itself denies has no code of the operating system.
    cause instanceof Deno.errors.NotCapable
  ) {
    return new ShoalError("not_writable", `${what}: ${message}`, { cause });
  }
  return new ShoalError("disk", `${what}: ${message}`, { cause });
}

/** Whether something else has the name already. */
export function isTaken(cause: unknown): boolean {
  return (cause as { code?: unknown } | null)?.code === "EEXIST";
}
