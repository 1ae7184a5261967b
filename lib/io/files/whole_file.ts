/** Small files, written in one go. */
import type { Bytes } from "../../ids.ts";
import { diskError } from "./disk_error.ts";

/** Replaces what is at `path`. Throws ShoalError `disk_full`, `not_writable`, `disk`. */
export async function writeWholeFile(path: string, bytes: Bytes): Promise<void> {
  try {
    await Deno.writeFile(path, bytes);
  } catch (cause) {
    throw diskError(`cannot write ${path}`, cause);
  }
}
