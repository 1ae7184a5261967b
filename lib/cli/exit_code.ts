/** One exit code for several files. */
import type { FailedEvent } from "../app/events.ts";
import { EXIT, type ExitCode, ShoalError } from "../errors.ts";

/** What failed alike has its code; a mixture is just a failure. */
export function exitCodeOf(failed: readonly FailedEvent[]): ExitCode {
  const codes = new Set(failed.map(({ code, message }) => new ShoalError(code, message).exitCode));
  const [code = EXIT.done] = codes;
  return codes.size > 1 ? EXIT.failed : code;
}
