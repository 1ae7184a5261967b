/** Where the hashes of files are kept from one run to the next; the platform's are in `deno_hash_files.ts`. */
import type { Clock } from "../system/clock.ts";
import { type HashTable, SchemaMismatch } from "./hash_table.ts";
import { systemErrorText } from "../../system_error.ts";

/** A database that is open. */
export interface OpenHashes {
  readonly table: HashTable;
  /** It is of no use, and closed: moves it out of the way of the next one, as far as that can be done. */
  readonly setAside: () => void;
}

export interface HashFiles {
  /**
   * Opens the database of a cache folder, made if need be; of the user's own by default.
   *
   * @param onNotice a line for the user: a database that was of no use was replaced
   * @throws whatever keeps it from being used
   */
  open(
    clock: Clock,
    cacheDir: string | undefined,
    onNotice: (message: string) => void,
  ): OpenHashes;
}

// SQLite's error codes do not come through Deno: its messages, which are as old, must do.
export function isBusy(thrown: unknown): boolean {
  return /database (table )?is locked/.test(causeText(thrown));
}

export function isUseless(thrown: unknown): boolean {
  return thrown instanceof SchemaMismatch || /not a database|malformed/.test(causeText(thrown));
}

export function causeText(thrown: unknown): string {
  return systemErrorText(thrown);
}
