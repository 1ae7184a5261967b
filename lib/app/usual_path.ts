/** Where a file would be if its name were free and every file system could hold it. */
import { join } from "@std/path/join";
import type { SafeFileName } from "../ids.ts";
import type { DoneEvent } from "./events.ts";

/** What a `done` event says of it: nothing, if that is where it is. */
export function usualPath(
  outDir: string,
  name: SafeFileName,
  path: string,
): Pick<DoneEvent, "usualPath"> {
  const usual = join(outDir, name);
  return usual === path ? {} : { usualPath: usual };
}
