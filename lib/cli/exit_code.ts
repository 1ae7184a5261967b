/** One exit code for several files. */
import type { FailedEvent } from "../app/events.ts";
import { EXIT, type ExitCode, ShoalError } from "../errors.ts";

/**
 * What failed alike has its code; a mixture is just a failure, and so is what failed beside files that
 * were done. A full disk is that, whatever found room before.
 */
export function exitCodeOf(failed: readonly FailedEvent[], doneCount = 0): ExitCode {
  if (failed.length > 0 && failed.every(({ code }) => code === "disk_full")) return EXIT.disk;
  const codes = new Set(failed.map(({ code, message }) => new ShoalError(code, message).exitCode));
  const [code = EXIT.done] = codes;
  const isMixed = codes.size > 1 || (codes.size > 0 && doneCount > 0);
  return isMixed ? EXIT.failed : code;
}
