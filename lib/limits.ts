/**
 * Quantities that more than one layer uses. Every other limit stands with its room, in a `limits.ts`
 * of its own; docs/LIMITS.md lists them all.
 */

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;
export const TIB = 1024 * GIB;
/** Discovery and classic; shared by every server of a host. */
export const DISCOVERY_PORT = 10526;
/** Each server's own data port is the first free one of this range. */
export const DATA_PORT_FIRST = 10530;
export const DATA_PORT_LAST = 10545;
export const DATA_PORTS: readonly number[] = Array.from(
  { length: DATA_PORT_LAST - DATA_PORT_FIRST + 1 },
  (_, i) => DATA_PORT_FIRST + i,
);
/** Port of the existing programs of both dialects. */
export const DIALECT_PORT = 9999;
export const MASTER_PORT = 10527;
/** Largest file that is offered or accepted. */
export const FILE_BYTES_MAX = 16 * TIB;
/** The last time that a Date holds. */
export const MTIME_MS_MAX = 8.64e15;
/** The highest port there is. */
export const PORT_MAX = 65_535;
export const NAME_BYTES_MAX = 1024;
export const NAME_COMPONENT_BYTES_MAX = 255;
/** A file and the folders that it is in: no folder is scanned deeper. */
export const NAME_COMPONENTS_MAX = 65;
/** Files of one served folder; beyond it the rest is reported and left out. */
export const CATALOGUE_ENTRIES_MAX = 1_000_000;
export const HASH_BYTES = 32;
/** Leaf of the Merkle tree (BEP 52). */
export const BLOCK_BYTES = 16 * KIB;
/** Progress is reported this often. */
export const PROGRESS_INTERVAL_MS = 100;

/**
 * Refuses to start rather than misbehave later: each relation that code relies on, and what it means.
 *
 * @throws Error naming the first relation that does not hold
 */
export function assertRelations(relations: readonly (readonly [boolean, string])[]): void {
  for (const [holds, what] of relations) {
    if (!holds) throw new Error(`limits contradict each other: ${what}`);
  }
}

assertRelations([
  [DATA_PORT_LAST > DATA_PORT_FIRST, "there are data ports"],
  [FILE_BYTES_MAX < Number.MAX_SAFE_INTEGER, "offsets are exact as numbers"],
]);
