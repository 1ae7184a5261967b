/** What is kept in databases. */
import { LOCATED_SERVERS_MAX } from "../../protocol/master/limits.ts";

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
/** Files of a lease that is gone are forgotten so many at a time, so that nobody waits for long. */
export const FORGET_STEP = 200;
/** Old changes are dropped after so many new ones. */
export const CHANGES_PER_TRIM = 4_096;
/** Another master that uses the same file is waited for so long, and then not joined. */
export const REGISTRY_BUSY_MS = 2_000;
export const REGISTRY_CACHE_KIB = 128 * 1024;
export const INDEX_OPEN_TRIES_MAX = 5;
/** Copies of a file, in this folder and others that share the index. */
export const PATHS_BY_MD5_MAX = 100;
/** Files of a lease that is gone are forgotten so many at a time: Redis is busy for milliseconds. */
export const BURY_STEP = 500;
/** Contents of one name that are told of. */
export const LOCATED_CONTENTS_MAX = 64;
/** Of one content under one name, so many providers are looked at … */
export const LOCATED_PROVIDERS_MAX = 2 * LOCATED_SERVERS_MAX;
/** … and of one content under any name, in one go. */
export const PROVIDERS_OF_CONTENT_STEP = 256;
/** Rows that are looked at for a page, before somebody else has a turn. */
export const ROWS_PER_TURN = 500;
/** Rows that one statement inserts: a call for each costs more than the row. */
export const ROWS_PER_INSERT = 40;
/** Redis that does not answer for this long counts as away. */
export const REDIS_ANSWER_MS_MAX = 5_000;
/** A new connection is tried this long after the last failed. */
export const REDIS_RECONNECT_MS = 200;
/** An idle connection is asked this often whether it is still there. */
export const REDIS_PING_MS = 1_500;
/** What is under way at the end gets this long. */
export const REDIS_GOODBYE_MS = 1_000;
/** Of one name, so many providers are looked at; of one content, so many names. */
export const REDIS_PROVIDERS_MAX = 1_024;
/** Names that a page looks at in one go. */
export const REDIS_PAGE_STEP = 500;
/** Leases that a sweep takes in one go. */
export const REDIS_SWEEP_STEP = 200;
