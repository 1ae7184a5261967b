/** Bounds of what a server does for clients. */
import { assertRelations } from "../../limits.ts";
import { MIB } from "../../limits.ts";
import { ABSENT_END_MS, ASK_TIMEOUT_MS } from "../discovery/limits.ts";

/** Layers kept in memory for answering, at least one whatever its size. */
export const LAYER_CACHE_BYTES_MAX = 16 * MIB;
/** Edits between two names that still count as similar. */
export const SIMILAR_DISTANCE_MAX = 8;
/** Character comparisons that one search for similar names may take. */
export const SIMILAR_COMPARISONS_MAX = 1_000_000;
/** A server delays its ABSENT by a random time up to this, so that a crowd does not answer at once. */
export const ABSENT_DELAY_MS_MAX = 200;
/** Requests waiting at one server, all with a valid token; the newest of whoever has most makes room. */
export const WANTS_MAX = 4_096;
/** … those of one party, whose address a token proved; further ones are dropped. */
export const WANTS_PER_PARTY_MAX = 1_024;
/** … and those of one flow, an endpoint and a nonce that the client chose; further ones are dropped. */
export const WANTS_PER_FLOW_MAX = 256;
/** What a further flow of a party counts beside what it asks for: fresh nonces bring their party nothing. */
export const FLOW_START_BYTES = MIB;
/** Parties with a valid token whose share is remembered, and of each the flows that count as known. */
export const PARTIES_MAX = 4_096;
export const PARTY_FLOWS_REMEMBERED_MAX = 256;
/** Requests with a valid token that wait for their file to be located, all together and of one party. */
export const WANTS_UNLOCATED_MAX = 1_024;
export const WANTS_UNLOCATED_PER_PARTY_MAX = 256;
/** A client that is sent a file is told of again after it was sent nothing of it for this long … */
export const FLOW_NEWS_MEMORY_MS = 10_000;
/** … of so many addresses with a valid token and files; then the one sent longest ago is forgotten. */
export const FLOW_NEWS_MAX = 4_096;
/** Questions queued at a server's main thread, and those of them from unvalidated peers. */
export const QUESTIONS_FORWARDED_MAX = 1_024;
export const QUESTIONS_UNVALIDATED_MAX = 768;
/** A sender reports its counts this often. */
export const STATS_INTERVAL_MS = 1_000;
/** A capped server may send this much of its rate at once, so that coarse timers don't slow it. */
export const SEND_BURST_MS = 10;
/** Questions of one address that are answered: per second, and in a burst. */
export const QUESTIONS_PER_S_MAX = 1_000;
export const QUESTIONS_BURST_MAX = 4_000;
/** Addresses whose questions are counted. */
export const ASKERS_MAX = 4_096;
/** Searches for similar names: they cost more than any other answer. */
export const SIMILAR_SEARCHES_PER_S_MAX = 20;
/** Chunks sent to one proved address that its flows may still find bad, all together. */
export const SENT_CHUNKS_PER_ADDRESS_MAX = 1_024;
/** Proved addresses for which such chunks are remembered. */
export const SENT_TO_ADDRESSES_MAX = 256;
/** Chunks that wait to be read again because a client of one proved address found them bad. */
export const CHECKS_PER_ADDRESS_MAX = 4;
/** … and because clients of any address did. */
export const CHECKS_WAITING_MAX = 256;
/** The share of the time in which a chunk may be read again. */
export const CHECK_TIME_SHARE = 0.05;
/** Repeated requests of a client for one name are reported this often. */
export const REQUEST_MEMORY_MS = 1_000;
/** Shorter texts are contained in too many names to be similar. */
export const CONTAINED_LENGTH_MIN = 3;

assertRelations([
  [PARTIES_MAX >= WANTS_MAX, "of the parties that are remembered, one waits for nothing"],
  [CHECK_TIME_SHARE > 0 && CHECK_TIME_SHARE < 1, "a share is a part of the time"],
  [
    QUESTIONS_UNVALIDATED_MAX < QUESTIONS_FORWARDED_MAX,
    "those who proved their address are heard in a flood",
  ],
  [ABSENT_END_MS > ABSENT_DELAY_MS_MAX + 1_000, "two rounds of ABSENT fit before the end"],
  [ASK_TIMEOUT_MS > ABSENT_DELAY_MS_MAX, "an ABSENT arrives before its FIND is repeated"],
]);
