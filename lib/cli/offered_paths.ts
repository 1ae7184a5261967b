/** What a `server` command line offers: a folder, files, standard input. Nothing is opened for good here. */
import type { FileToOffer, ServeOptions } from "../app/options.ts";
import { ShoalError } from "../errors.ts";
import { openRegularFile } from "../io/files/regular_file.ts";
import { displayName } from "../names.ts";

const STANDARD_INPUT = "-";

/** What a server offers, whatever else it is told. */
export type Offered = Pick<ServeOptions, "dir" | "files" | "streams">;

/**
 * @param paths files, a folder, and `-`, at least one of these
 * @param name what the only file, or standard input, is offered under
 * @throws ShoalError `usage`
 */
export function offeredBy(
  paths: readonly string[],
  name: string | undefined,
  stdin: () => ReadableStream<Uint8Array>,
): Offered {
  const inputCount = paths.filter((path) => path === STANDARD_INPUT).length;
  const onDisk = paths.filter((path) => path !== STANDARD_INPUT);
  const folders = onDisk.filter((path) => isFolder(path, onDisk.length === 1));
  const files = onDisk.filter((path) => !folders.includes(path));
  if (inputCount > 1) throw usage("standard input can be offered once", "Name - once.");
  if (folders.length > 1) {
    const [first, second] = folders.map(displayName);
    throw usage(
      `server takes one folder: ${first}, not also ${second}`,
      "Offer a folder above both, or start a server for each.",
    );
  }
  if (inputCount === 1 && name === undefined) {
    throw usage("standard input has no name", "Say what it is offered under: --name NAME.");
  }
  if (name !== undefined && inputCount === 0 && files.length !== 1) {
    throw usage(
      `--name is for standard input or for one file, not for ${files.length}`,
      "Leave it out: files are offered under their own names.",
    );
  }
  const [dir] = folders;
  return {
    ...(dir !== undefined && { dir }),
    ...(files.length > 0 && {
      files: files.map((path) => fileToOffer(path, inputCount === 0 ? name : undefined)),
    }),
    ...(inputCount > 0 && name !== undefined && { streams: [{ name, stream: stdin() }] }),
  };
}

function fileToOffer(path: string, name: string | undefined): FileToOffer {
  return name === undefined ? { path } : { path, name };
}

/** @param isOnly what is not there is taken for a folder then, as that is what is offered most */
function isFolder(path: string, isOnly: boolean): boolean {
  const opened = openRegularFile(path, "follow");
  if (opened.ok) {
    opened.file.close();
    return false;
  }
  return opened.problem === "folder" || (isOnly && opened.problem === "missing");
}

function usage(message: string, hint: string): ShoalError {
  return new ShoalError("usage", message, { hint });
}
