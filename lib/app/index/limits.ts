/** The index of a served folder. */
import { KIB, MIB } from "../../limits.ts";

/** A file modified more recently is not offered yet: it may still be growing. */
export const SETTLE_MS = 2_000;
/** Minimum pause between two scans of the served folder; long scans stretch it. */
export const RESCAN_INTERVAL_MS = 2_000;
/** The pause between two scans is at least this many times the duration of a scan. */
export const RESCAN_STRETCH = 20;
/** After a hint that the folder changed, it must be quiet for this long before it is scanned. */
export const WATCH_QUIET_MS = 200;
/** Share of the time in which files are looked at again because somebody asks for them … */
export const LOOK_TIME_SHARE = 0.1;
/** … and how much of it is saved up for many questions at once. */
export const LOOK_BURST_MS = 50;
/** Skipped files and folders that are named individually, over a server's lifetime, and those of one reason. */
export const LEFT_OUT_NOTICES_MAX = 100;
export const LEFT_OUT_ALIKE_MAX = 5;
/** Files that are hashed at once. */
export const INDEXERS_MAX = 4;
/** Files given to one indexer at a time: more than one, so that it never waits for the next. */
export const JOBS_PER_INDEXER_MAX = 8;
/** An indexer without work is ended after this. */
export const INDEXER_IDLE_MS = 10_000;
/** Files that are due within this are passed on together. */
export const SETTLE_GRAIN_MS = 50;

/** Manifests that are kept, old ones included, for those who fetch by them. */
export const TREES_KEPT_MAX = 8;
/** A manifest of a folder that changes all the time is made anew no more often than this. */
export const TREE_MADE_EVERY_MS = 1_000;
/** A file that has not come to rest for so long is left out of manifests. */
export const GAP_AFTER_MS = 10_000;
/** Files that are hashed first because a manifest waits for them. */
export const TREE_NEXT_NAMES = 64;

/** A file that is appended to faster than this is taken for one that is being copied, and offered when it is whole. */
export const GROWING_BYTES_PER_S_MAX = 256 * KIB;
/** One that grows is taken for a log when it was seen to grow at two moments so far apart. */
export const GROWING_SPAN_MS_MIN = 1_500;
/** Files of which it is remembered how they grow, and for how long after the last look. */
export const GROWING_FILES_MAX = 1_024;
export const GROWING_MEMORY_MS = 60_000;
/** Somebody who asks for a growing file is given a beginning that is no older than this … */
export const SNAPSHOT_MS = 10_000;
/** … or than hashing takes at this speed, if that is longer. */
export const SNAPSHOT_BYTES_PER_S = 32 * MIB;
/** Beginnings of growing files that are still given to those who fetch them, after a longer one is offered. */
export const SNAPSHOTS_KEPT_MAX = 64;
export const SNAPSHOTS_KEPT_MS = 600_000;
/** Parties whose requested files are hashed in turns; those of further ones share one turn. */
export const HASH_PARTIES_MAX = 1_024;
/** Bundles whose files are told to the sender before anybody asks for them. */
export const BUNDLES_AHEAD = 32;
