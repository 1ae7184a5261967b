/** What is kept in databases. */
import { HASH_BYTES, MIB } from "../../limits.ts";
import { LOCATED_SERVERS_MAX } from "../../protocol/master/limits.ts";

/** A file with a secret in it is no longer. */
export const SECRET_FILE_BYTES_MAX = 4_096;
/** Changes kept for listings by cursor. */
export const REGISTRY_CHANGES_MAX = 100_000;
/** How long a server waits for another one that writes to the index they share. */
export const INDEX_BUSY_MS = 250;
/** A row of the index that no server has used for this long is dropped … */
export const INDEX_KEEP_MS = 90 * 24 * 3_600_000;
/** … at most this many at a time. */
export const INDEX_ROWS_PRUNED_MAX = 10_000;
/** At a start, at most this many layers are dropped whose content is in no file now. */
export const INDEX_LAYERS_PRUNED_MAX = 1_000;
/** Layers and the rows above them are stored, and read, in parts of this length. */
export const LAYER_PART_BYTES = 64 * HASH_BYTES;
/** Parts of the largest layer with its rows, rounded up: they are numbered within that. */
export const LAYER_PARTS_MAX = 2 ** 20;
/** Parts kept in memory, whoever asked for them; the one that was read longest ago makes room. */
export const LAYER_CACHE_BYTES_MAX = 16 * MIB;
/** The last use of a row is recorded no more often than this. */
export const INDEX_USED_GRAIN_MS = 24 * 3_600_000;
/** Files of an ended lease are removed so many at a time, so that nobody waits for long. */
export const FORGET_STEP = 200;
/** … and so many for each file, and each lease, that anybody brings meanwhile, before it is taken. */
export const FORGOTTEN_PER_FILE = 2;
export const FORGOTTEN_PER_LEASE = 8;
/** Old changes are dropped after so many new ones. */
export const CHANGES_PER_TRIM = 4_096;
/** How long to wait for another master to release the same file, before giving up. */
export const REGISTRY_BUSY_MS = 2_000;
export const REGISTRY_CACHE_KIB = 128 * 1024;
export const INDEX_OPEN_TRIES_MAX = 5;
/** Copies of a file, in this folder and others that share the index. */
export const PATHS_BY_MD5_MAX = 100;
/** Files of an ended lease are removed so many at a time: Redis is busy for milliseconds. */
export const BURY_STEP = 500;
/** Files of one name that are all examined. Of more: */
export const PROVIDERS_EXAMINED_MAX = 256;
/** so many contents, from any on, */
export const CONTENTS_EXAMINED_MAX = 256;
/** so many providers of each, from any on, */
export const PROVIDERS_OF_CONTENT_MAX = 2 * LOCATED_SERVERS_MAX;
/** and no more of all of them; as many of one content under any name. */
export const PROVIDERS_SAMPLED_MAX = 1_024;
/** Names that one lease has a content under, of which a look-up by content tells. */
export const NAMES_OF_CONTENT_MAX = 4;
/** Rows examined for a page before other requests get a turn. */
export const ROWS_PER_TURN = 500;
/** Rows that one statement inserts: a call for each costs more than the row. */
export const ROWS_PER_INSERT = 40;
/** Redis counts as unavailable if it does not answer for this long. */
export const REDIS_ANSWER_MS_MAX = 5_000;
/** A new connection is tried this long after the last failed. */
export const REDIS_RECONNECT_MS = 200;
/** An idle connection is pinged this often. */
export const REDIS_PING_MS = 1_500;
/** Pending requests get this long at shutdown. */
export const REDIS_GOODBYE_MS = 1_000;
/** So many providers of one name are examined, and so many leases that have one content. */
export const REDIS_PROVIDERS_MAX = 1_024;
/** Names examined for a page in one script. */
export const REDIS_PAGE_STEP = 500;
/** Leases that a sweep removes in one script. */
export const REDIS_SWEEP_STEP = 200;
/** Manifests and records of folders that were fetched into: the oldest make room. */
export const TREE_RECORDS_MAX = 64;
/** A longer record is not read. */
export const TREE_RECORD_BYTES_MAX = 512 * MIB;
