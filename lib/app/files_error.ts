/** What is thrown where several files were asked for and some of them failed: it has what became of each. */
import { ShoalError } from "../errors.ts";
import type { DoneEvent, FailedEvent } from "./events.ts";

/**
 * Not every file arrived. What did is there, and `results` says of each file what became of it; code, message and hint are
 * those of the first that failed.
 *
 * @typeParam Done what `results` has of files that did not fail
 *
 * @example Keep what arrived
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { FilesError, get, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 * const server = await serve({ dir, cacheDir: await Deno.makeTempDir(), port: 0 });
 *
 * try {
 *   await get({
 *     names: ["notes.txt", "missing.txt"],
 *     outDir: await Deno.makeTempDir(),
 *     port: server.ready.port,
 *     broadcast: ["127.255.255.255"], // this machine alone
 *   });
 * } catch (error) {
 *   if (!(error instanceof FilesError)) throw error;
 *   assertEquals(error.code, "not_found");
 *   assertEquals(error.results.map(({ event }) => event), ["done", "failed"]);
 * }
 * await server.close();
 * ```
 */
export class FilesError<Done extends { readonly event: string } = DoneEvent> extends ShoalError {
  /** In the order in which the function that threw this would have returned them. */
  readonly results: readonly (Done | FailedEvent)[];

  /**
   * An error with the code, the message and the hint of the first file that failed.
   *
   * @param results what became of each, of which `failed` failed
   * @param failed at least one of them
   */
  constructor(results: readonly (Done | FailedEvent)[], failed: readonly FailedEvent[]) {
    const { code, message, hint } = failed[0]!;
    const of = `${failed.length} of ${results.length} files failed; the first: `;
    super(code, `${results.length > 1 ? of : ""}${message}`, { hint });
    this.results = results;
  }
}

/** The same results, none of which failed. Throws {@linkcode FilesError} otherwise. */
export function requireAll<Done extends { readonly event: string }>(
  results: readonly (Done | FailedEvent)[],
): readonly Done[] {
  const isFailed = (result: Done | FailedEvent): result is FailedEvent => result.event === "failed";
  const failed = results.filter(isFailed);
  if (failed.length > 0) throw new FilesError(results, failed);
  return results.filter((result): result is Done => !isFailed(result));
}
