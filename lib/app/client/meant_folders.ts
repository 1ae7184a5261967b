/** Names that nobody offers as files, and that are folders: whoever leaves out the slash gets the folder all the same. */
import type { FailedEvent, GetEvent } from "../events.ts";
import type { GetResult } from "../options.ts";
import { unmarked } from "../../marked_name.ts";
import { folderHint } from "../../protocol/download/download_texts.ts";

interface Fetching {
  /** What became of each name, of which a folder's are several. */
  readonly fetch: (
    names: readonly string[],
    onEvent: (event: GetEvent) => void,
  ) => Promise<readonly GetResult[]>;
  readonly onEvent: ((event: GetEvent) => void) | undefined;
  /** Whether who has nothing of a name says that it is a folder. */
  readonly isTold: boolean;
}

/** As `fetch`, and for each name that is not found and may be a folder, that. */
export async function fetchMeant(
  names: readonly string[],
  { fetch, onEvent, isTold }: Fetching,
): Promise<readonly GetResult[]> {
  const typed = new Set(names.map(unmarked));
  const held = new Map<string, FailedEvent>();
  const results = await fetch(names, (event) => {
    if (event.event === "failed" && typed.has(event.name) && mayBeFolder(event, isTold)) {
      held.set(event.name, event);
    } else onEvent?.(event);
  });
  if (held.size === 0) return results;
  const missing = [...held.keys()];
  const untold = new Map(held);
  const asFolders = await fetch(missing.map((name) => `${name}/`), (event) => {
    const name = event.event === "failed" ? event.name.replace(/\/$/, "") : "";
    const failure = held.get(name);
    untold.delete(name);
    onEvent?.(failure !== undefined && isMissing(event) ? failure : event);
  }).catch((error: unknown) => {
    // What came of the names stands, whatever kept their folders from being asked for.
    for (const failure of untold.values()) onEvent?.(failure);
    throw error;
  });
  const found = new Map(missing.map((name, i) => [name, asFolders[i]!]));
  return results.map((result, i) => {
    const folder = found.get(unmarked(names[i]!));
    if (folder === undefined) return result;
    // Neither a file nor a folder: what was said of the file says more.
    return folder.length === 1 && isMissing(folder[0]!) ? result : folder;
  });
}

function mayBeFolder({ code, name, hint }: FailedEvent, isTold: boolean): boolean {
  return code === "not_found" && !name.endsWith("/") && (!isTold || hint === folderHint(name));
}

function isMissing(event: GetEvent): boolean {
  return event.event === "failed" && (event.code === "not_found" || event.code === "no_server");
}
