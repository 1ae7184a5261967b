/** What is kept in databases. */

/** Changes that are remembered for those who ask what is new. */
export const REGISTRY_CHANGES_MAX = 100_000;
/** How long a server waits for another one that writes to the index they share. */
export const INDEX_BUSY_MS = 250;
/** A row of the index that no server has used for this long is dropped … */
export const INDEX_KEEP_MS = 90 * 24 * 3_600_000;
/** … at most this many at a time. */
export const INDEX_ROWS_PRUNED_MAX = 10_000;
/** That a row was used is noted no more often than this. */
export const INDEX_USED_GRAIN_MS = 24 * 3_600_000;
