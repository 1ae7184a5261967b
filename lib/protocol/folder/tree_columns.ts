/**
 * The files of a folder and the units that they come in, as columns: a message takes a few dozen bytes a file, where objects
 * would take many hundred, in both threads, and as long to be copied. Targets have numbers, in the order of the units that
 * bring them; those that no unit brings come last. Pure.
 */
import type { FileSignature, HashHex, ModificationTime, SafeFileName } from "../../ids.ts";

/** A file of a folder, where it goes. */
export interface TreeTarget extends ModificationTime {
  /** Below the folder that files go to. */
  readonly name: SafeFileName;
  readonly isExecutable: boolean;
  /** Whether what has that name may be replaced; otherwise the file gets a name beside it. */
  readonly isReplaced: boolean;
}

/** A file in a unit. */
interface UnitPart {
  readonly sizeBytes: number;
  /** What it has to hash to; `undefined` where the unit's own proof says that it does. */
  readonly sha256: HashHex | undefined;
  /** How many targets it has. */
  readonly targets: number;
}

/** Plain data, as it crosses between threads. */
export interface TreeColumns {
  /** Of all targets, each with a line end behind it. */
  readonly names: string;
  readonly mtimesMs: Float64Array;
  readonly mtimeRestsNs: Uint32Array;
  readonly flags: Uint8Array;
  /** For each unit the number of parts up to its end, for each part that of targets. */
  readonly partsUpTo: Uint32Array;
  readonly targetsUpTo: Uint32Array;
  readonly partBytes: Uint32Array;
  readonly sha256s: ReadonlyMap<number, HashHex>;
}

/** No name has one. */
const NAME_END = "\n";
const EXECUTABLE = 1;
const REPLACED = 2;

/** @param units the parts of each, the targets of which are the first ones */
export function treeColumns(
  units: readonly (readonly UnitPart[])[],
  targets: readonly TreeTarget[],
): TreeColumns {
  const partCount = units.reduce((sum, parts) => sum + parts.length, 0);
  const columns = {
    names: targets.map(({ name }) => name + NAME_END).join(""),
    mtimesMs: Float64Array.from(targets, ({ mtimeMs }) => mtimeMs),
    mtimeRestsNs: Uint32Array.from(targets, ({ mtimeRestNs = 0 }) => mtimeRestNs),
    flags: Uint8Array.from(
      targets,
      ({ isExecutable, isReplaced }) =>
        (isExecutable ? EXECUTABLE : 0) | (isReplaced ? REPLACED : 0),
    ),
    partsUpTo: new Uint32Array(units.length),
    targetsUpTo: new Uint32Array(partCount),
    partBytes: new Uint32Array(partCount),
    sha256s: new Map<number, HashHex>(),
  };
  let [part, target] = [0, 0];
  units.forEach((parts, unit) => {
    for (const { sizeBytes, sha256, targets } of parts) {
      target += targets;
      columns.targetsUpTo[part] = target;
      columns.partBytes[part] = sizeBytes;
      if (sha256 !== undefined) columns.sha256s.set(part, sha256);
      part += 1;
    }
    columns.partsUpTo[unit] = part;
  });
  return columns;
}

/** Reads them again. */
export class TreeLayout {
  readonly #columns: TreeColumns;
  readonly #names: readonly string[];

  constructor(columns: TreeColumns) {
    this.#columns = columns;
    // These share the bytes of the one string.
    this.#names = columns.names.split(NAME_END);
  }

  get unitCount(): number {
    return this.#columns.partsUpTo.length;
  }

  get targetCount(): number {
    return this.#columns.flags.length;
  }

  /** Of targets that a unit brings. */
  get broughtCount(): number {
    return this.#columns.targetsUpTo.at(-1) ?? 0;
  }

  /** The parts of a unit, with the number of the first target of each. */
  *partsOf(unit: number): Generator<UnitPart & { readonly firstTarget: number }> {
    const { partsUpTo, targetsUpTo, partBytes, sha256s } = this.#columns;
    for (let part = partsUpTo[unit - 1] ?? 0; part < partsUpTo[unit]!; part++) {
      const firstTarget = targetsUpTo[part - 1] ?? 0;
      yield {
        ...{ sizeBytes: partBytes[part]!, sha256: sha256s.get(part), firstTarget },
        targets: targetsUpTo[part]! - firstTarget,
      };
    }
  }

  target(number: number): TreeTarget {
    const { mtimesMs, mtimeRestsNs, flags } = this.#columns;
    const [flag, mtimeRestNs] = [flags[number]!, mtimeRestsNs[number]!];
    return {
      name: this.#names[number] as SafeFileName,
      mtimeMs: mtimesMs[number]!,
      ...(mtimeRestNs > 0 && { mtimeRestNs }),
      isExecutable: (flag & EXECUTABLE) !== 0,
      isReplaced: (flag & REPLACED) !== 0,
    };
  }
}

/** Files that have their names now, as columns. */
export interface WrittenColumns {
  /** By the numbers of their targets. */
  readonly numbers: Uint32Array;
  /** As they look now, {@linkcode SIGNATURE_FIELDS} to a file. */
  readonly signatures: Float64Array;
  /** Where those are that are not under their own names. */
  readonly paths: ReadonlyMap<number, string>;
}

const SIGNATURE_FIELDS = 6;

export interface WrittenFile {
  readonly number: number;
  /** `undefined` where its own name leads to it. */
  readonly path: string | undefined;
  /** For whoever asks later whether it was touched. */
  readonly signature: FileSignature | undefined;
}

export function writtenColumns(files: readonly WrittenFile[]): WrittenColumns {
  const signatures = new Float64Array(files.length * SIGNATURE_FIELDS);
  const paths = new Map<number, string>();
  files.forEach(({ number, path, signature }, i) => {
    if (path !== undefined) paths.set(number, path);
    signatures.set(
      signature === undefined ? [NaN] : [
        ...[signature.sizeBytes, signature.mtimeMs, signature.mtimeRestNs ?? 0],
        ...[signature.ctimeMs, signature.inode, signature.isExecutable ? 1 : 0],
      ],
      i * SIGNATURE_FIELDS,
    );
  });
  return { numbers: Uint32Array.from(files, ({ number }) => number), signatures, paths };
}

export function* writtenFiles(
  { numbers, signatures, paths }: WrittenColumns,
): Generator<WrittenFile> {
  for (const [i, number] of numbers.entries()) {
    const at = i * SIGNATURE_FIELDS;
    yield { number, path: paths.get(number), signature: signatureAt(signatures, at) };
  }
}

function signatureAt(fields: Float64Array, at: number): FileSignature | undefined {
  const [sizeBytes, mtimeRestNs] = [fields[at]!, fields[at + 2]!];
  if (Number.isNaN(sizeBytes)) return undefined;
  return {
    ...{ sizeBytes, mtimeMs: fields[at + 1]!, ctimeMs: fields[at + 3]!, inode: fields[at + 4]! },
    ...(mtimeRestNs > 0 && { mtimeRestNs }),
    ...(fields[at + 5] === 1 && { isExecutable: true }),
  };
}
