/**
 * The files of a bundle as columns: told between threads they take a few dozen bytes each, where objects would take several
 * hundred, and many times as long to be copied. Pure.
 */
import type { SafeFileName } from "../../ids.ts";
import type { ServedFile } from "./served_file.ts";

/** Plain data, as it crosses between threads. */
export interface BundleFiles {
  readonly count: number;
  readonly sizeBytes: number;
  /** Folders that files must not lead out of. */
  readonly dirs: readonly string[];
  /** What each file is offered under, and its name below its folder where that is another one; each with a line end behind it. */
  readonly names: string;
  readonly otherNames: ReadonlyMap<number, string>;
  /** {@linkcode FIELDS} to a file. */
  readonly fields: Float64Array;
  /** Those that lie anywhere but in a file of their own, or are the beginning of one. */
  readonly others: ReadonlyMap<number, ServedFile>;
}

/** No name has one. */
const NAME_END = "\n";
const FIELDS = 7;
const EXECUTABLE = 1;

export function bundleFiles(files: readonly ServedFile[]): BundleFiles {
  const dirs: string[] = [];
  const otherNames = new Map<number, string>();
  const others = new Map<number, ServedFile>();
  const fields = new Float64Array(files.length * FIELDS);
  let [names, totalBytes] = ["", 0];
  files.forEach((file, i) => {
    const { name, place, sizeBytes, mtimeMs, mtimeRestNs = 0, ctimeMs, inode } = file;
    names += name + NAME_END;
    totalBytes += sizeBytes;
    if (place.kind !== "file" || file.isPrefix) {
      others.set(i, file);
      return;
    }
    if (place.name !== name) otherNames.set(i, place.name);
    if (dirs.at(-1) !== place.dir) dirs.push(place.dir);
    const flags = file.isExecutable ? EXECUTABLE : 0;
    fields.set(
      [sizeBytes, mtimeMs, mtimeRestNs, ctimeMs, inode, flags, dirs.length - 1],
      i * FIELDS,
    );
  });
  return { count: files.length, sizeBytes: totalBytes, dirs, names, otherNames, fields, others };
}

/** Them again, in their order. */
export function* filesOfBundle(bundle: BundleFiles): Generator<ServedFile> {
  const { count, dirs, names, otherNames, fields, others } = bundle;
  let end = 0;
  for (let i = 0, from = 0; i < count; i++, from = end + 1) {
    end = names.indexOf(NAME_END, from);
    const other = others.get(i);
    if (other !== undefined) {
      yield other;
      continue;
    }
    const name = names.slice(from, end) as SafeFileName;
    const at = i * FIELDS;
    const mtimeRestNs = fields[at + 2]!;
    yield {
      name,
      place: { kind: "file", dir: dirs[fields[at + 6]!]!, name: otherNames.get(i) ?? name },
      ...{ sizeBytes: fields[at]!, mtimeMs: fields[at + 1]! },
      ...(mtimeRestNs > 0 && { mtimeRestNs }),
      ...{ ctimeMs: fields[at + 3]!, inode: fields[at + 4]! },
      ...(fields[at + 5] === EXECUTABLE && { isExecutable: true }),
    };
  }
}
