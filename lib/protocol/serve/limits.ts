/** Bounds of what a server does for clients. */
import { assertRelations } from "../../limits.ts";
import { MIB } from "../../limits.ts";
import { ABSENT_END_MS, ASK_TIMEOUT_MS } from "../discovery/limits.ts";

/** Layers kept in memory for answering, at least one whatever its size. */
export const LAYER_CACHE_BYTES_MAX = 16 * MIB;
/** Edits between two names that are still called similar. */
export const SIMILAR_DISTANCE_MAX = 8;
/** Character comparisons that one search for similar names may take. */
export const SIMILAR_COMPARISONS_MAX = 1_000_000;
/** A server delays its ABSENT by a random time up to this, so that a crowd does not answer at once. */
export const ABSENT_DELAY_MS_MAX = 200;
/** Flows with requests waiting at one server; requests of further ones are dropped. */
export const FLOWS_MAX = 1_024;
/** Requests waiting in one flow; further ones are dropped. */
export const WANTS_PER_FLOW_MAX = 256;
/** Requests that wait for their file to be located, all together. */
export const WANTS_UNLOCATED_MAX = 1_024;
/** Questions that a server's main thread has before it, and those of them that came without a good token. */
export const QUESTIONS_FORWARDED_MAX = 1_024;
export const QUESTIONS_UNVALIDATED_MAX = 768;
/** A sender tells its counts this often. */
export const STATS_INTERVAL_MS = 1_000;
/** A capped server may send this much of its rate at once, so that coarse timers don't slow it. */
export const SEND_BURST_MS = 10;
/** Questions of one address that are answered: lastingly, and at once. */
export const QUESTIONS_PER_S_MAX = 1_000;
export const QUESTIONS_BURST_MAX = 4_000;
/** Addresses whose questions are counted. */
export const ASKERS_MAX = 4_096;
/** Searches for similar names: they cost more than any other answer. */
export const SIMILAR_SEARCHES_PER_S_MAX = 20;
/** A content that clients find bad is hashed again no more often than this. */
export const REHASH_INTERVAL_MS = 10_000;
export const REHASHES_REMEMBERED_MAX = 1_024;
/** A client that asks for one name over and over is told of this often. */
export const REQUEST_MEMORY_MS = 1_000;
/** Shorter texts are contained in too much to mean anything. */
export const CONTAINED_LENGTH_MIN = 3;

assertRelations([
  [
    QUESTIONS_UNVALIDATED_MAX < QUESTIONS_FORWARDED_MAX,
    "those who proved their address are heard in a flood",
  ],
  [ABSENT_END_MS > ABSENT_DELAY_MS_MAX + 1_000, "two rounds of ABSENT fit before the end"],
  [ASK_TIMEOUT_MS > ABSENT_DELAY_MS_MAX, "an ABSENT arrives before its FIND is repeated"],
]);
