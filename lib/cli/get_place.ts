/** Where a `get` writes: into a folder, to one file, or to standard output; and what somebody meant who typed something else. */
import { basename } from "@std/path/basename";
import { extname } from "@std/path/extname";
import type { FailedEvent } from "../app/events.ts";
import type { GetOptions } from "../app/options.ts";
import { openRegularFile } from "../io/files/regular_file.ts";
import type { Pipes } from "../io/system/pipes.ts";
import { unmarked } from "../marked_name.ts";
import { namePattern } from "../name_pattern.ts";
import type { IdleFlags } from "./command.ts";
import { STANDARD_OUTPUT } from "./data_output.ts";

interface Place {
  readonly out: string;
  readonly output: string | undefined;
  readonly sha256: string | undefined;
  readonly mirror: boolean;
  readonly delete: boolean;
  readonly "dry-run": boolean;
  readonly "portable-names": boolean;
}

export function placeOf(
  place: Place,
  names: readonly string[],
  pipes: Pipes,
): Pick<GetOptions, "outDir" | "file" | "sink"> {
  const { out, output } = place;
  if (output === STANDARD_OUTPUT) return { sink: (bytes) => pipes.writeOut(bytes) };
  if (output !== undefined) return { file: output };
  return isFileMeant(place, names) ? { file: out } : { outDir: out };
}

export function idleWithOutput({ output }: Pick<Place, "output">): readonly IdleFlags[] {
  if (output === undefined) return [];
  return output === STANDARD_OUTPUT
    ? [{
      flags: [
        ...["out", "portable-names", "force", "sparse", "mirror", "delete", "dry-run"],
        ...["share", "share-rate"],
      ],
      where: "with --output -",
    }]
    : [{
      flags: ["out", "portable-names", "mirror", "delete", "dry-run"],
      where: "with --output FILE",
    }];
}

/** `--out film.mkv`, where one file is wanted: nobody means a folder of that name. */
function isFileMeant(place: Place, names: readonly string[]): boolean {
  const { out, sha256, mirror, delete: deletes, "dry-run": dryRun } = place;
  const [name = ""] = names;
  const isOne = names.length === 1 && (sha256 !== undefined || namePattern(name) === undefined);
  if (!isOne || mirror || deletes || dryRun || place["portable-names"]) return false;
  if (/[/\\]$/.test(out)) return false;
  switch (kindOf(out)) {
    case "file":
      return true;
    case "missing":
      return hasExtension(out) && (hasExtension(unmarked(name)) || name.startsWith("sha256:"));
    case "other":
      return false;
  }
}

function kindOf(path: string): "file" | "missing" | "other" {
  const opened = openRegularFile(path, "follow");
  if (opened.ok) {
    opened.file.close();
    return "file";
  }
  return opened.problem === "missing" ? "missing" : "other";
}

/** `.mkv`, but not `.2`, as in `v1.2`. */
function hasExtension(path: string): boolean {
  return /^\.[a-z][a-z0-9]{0,7}$/i.test(extname(basename(path)));
}

/** A shell that was given a pattern without quotes has put names of this folder in its place, which no server needs to have. */
export function expandedHint(failed: readonly FailedEvent[]): string | undefined {
  const missing = failed.filter(({ code }) => code === "not_found");
  const [first] = missing;
  if (first === undefined || !missing.every(({ name }) => kindOf(unmarked(name)) === "file")) {
    return undefined;
  }
  const pattern = `*${extname(first.name)}`;
  const what = missing.length === 1 ? "what was not found is" : "all that were not found are";
  return `${what} in this folder: a pattern has to be quoted, as in get '${pattern}', or the shell replaces it`;
}
