/** Bounds of what a server does for clients. */
import { assertRelations } from "../../limits.ts";
import { MIB } from "../../limits.ts";
import { FIND_BYTES_MIN, OVERHEAD_BYTES_MAX } from "../../wire/limits.ts";
import { ABSENT_END_MS, ASK_TIMEOUT_MS } from "../discovery/limits.ts";

/** Edits between two names that still count as similar. */
export const SIMILAR_DISTANCE_MAX = 8;
/** The same as a share of the length of the name that is looked for. */
export const SIMILAR_DISTANCE_SHARE = 1 / 3;
/** Character comparisons that one search for similar names may take. */
export const SIMILAR_COMPARISONS_MAX = 1_000_000;
/** A server delays its ABSENT by a random time up to this, so that a crowd does not answer at once. */
export const ABSENT_DELAY_MS_MAX = 200;
/** Answers that wait for that, all to addresses that have proved nothing; one of them makes room, at random. */
export const DELAYED_ANSWERS_MAX = 1_024;
/** Requests waiting at one server, all with a valid token; the newest of whoever has most makes room. */
export const WANTS_MAX = 4_096;
/** … those of one party, whose address a token proved; further ones are dropped. */
export const WANTS_PER_PARTY_MAX = 1_024;
/** … and those of one flow, an endpoint and a nonce that the client chose; further ones are dropped. */
export const WANTS_PER_FLOW_MAX = 256;
/** Answered requests of all flows that are remembered by their numbers, so that the copies of them that come later are not answered. */
export const WANTS_ANSWERED_MAX = 1_024;
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
/** Units of work of the questions that are with a server's main thread; others wait for their turn. */
export const QUESTIONS_FORWARDED_WORK_MAX = 512;
/** Questions that wait for that, of everybody; the newest of the party that has most makes room. */
export const QUESTIONS_WAITING_MAX = 1_024;
/** … those of one party, whose address a token proved; further ones are dropped. */
export const QUESTIONS_PER_PARTY_MAX = 512;
/** … and those without a good token; one of these makes room, at random. */
export const QUESTIONS_UNVALIDATED_MAX = 512;
/** A sender reports its counts this often. */
export const STATS_INTERVAL_MS = 1_000;
/** A capped server may send this much of its rate at once, so that coarse timers don't slow it. */
export const SEND_BURST_MS = 10;
/** Units of work, about ten microseconds each: what any question costs … */
export const QUESTION_WORK = 2;
/** … beside it each page of a listing … */
export const LISTING_PAGE_WORK = 20;
/** … and each page of a piece layer. */
export const LAYER_PAGE_WORK = 6;
/** … and each range that is to be packed, beside the packing, which has a thread of its own. */
export const PACK_RANGE_WORK = 8;
/** … and what is said of a content that others fetch, too. */
export const HAVE_WORK = 4;
/** Contents of which it is remembered who fetches them; the one that was asked for longest ago is forgotten. */
export const TAKEN_CONTENTS_MAX = 256;
/** Takers of one content that are remembered, and those of one party, whose address a token proved; the longest silent makes room. */
export const TAKERS_PER_CONTENT_MAX = 1_024;
export const TAKERS_PER_PARTY_MAX = 8;
/** A taker that has not asked for this long is none any more. */
export const TAKER_MEMORY_MS = 3_000;
/** Ranges that wait to be packed, of everybody; the newest of the party that has most makes room. */
export const PACKS_WAITING_MAX = 512;
/** … those of one party, whose address a token proved; further ones are not packed. */
export const PACKS_PER_PARTY_MAX = 64;
/** Ranges that are with the thread that packs: one, and one for when that is done. */
export const PACKS_AT_ONCE = 2;
/** Clients that wait for one and the same of these; further ones are told that there is no pack. */
export const PACK_ASKERS_MAX = 64;
/** Packed bytes that a server keeps; the range that was asked for longest ago makes room. */
export const PACK_CACHE_BYTES_MAX = 64 * MIB;
/** … and ranges of which it knows whether they pack. */
export const PACKS_KNOWN_MAX = 4_096;
/** A pack that a client found bad is made anew once in this time: if it is the same again, it is what the file says. */
export const PACK_STRUCK_MEMORY_MS = 10 * 60_000;
/** A server that sends faster than this packs nothing: its processor has better things to do. */
export const PACK_SERVING_BYTES_PER_S_MAX = 250 * MIB;
/** Units per second, and at once, that one party may cause, whose address a token proved. */
export const WORK_PER_S = 20_000;
export const WORK_BURST = 10_000;
/** The same for one address that is only claimed, … */
export const WORK_UNVALIDATED_PER_S = 5_000;
export const WORK_UNVALIDATED_BURST = 5_000;
/** … and for all of those together, per second and at once. */
export const WORK_UNVALIDATED_TOTAL_PER_S = 20_000;
/** FINDs past these bounds that are answered by RETRY, per second and at once, of everybody without a good token. */
export const FIND_RETRIES_PER_S = 2_000;
/** … and short FINDs with a token that is not good, beside. */
export const PROBE_RETRIES_PER_S = 2_000;
/** Without a good token a FIND that is shorter gets no answer but RETRY, and without any not even that. */
export const FIND_UNVALIDATED_BYTES_MIN = FIND_BYTES_MIN - OVERHEAD_BYTES_MAX;
/** A party is told that it asks too much no more often than this. */
export const BUSY_INTERVAL_MS = 100;
/** … and to wait no longer than this. */
export const BUSY_WAIT_MS_MAX = 5_000;
/** Parties whose work is counted, proved by a token, and claimed addresses beside; the one that asked longest ago is forgotten. */
export const ASKERS_MAX = 4_096;
/** Searches for similar names: they cost more than any other answer. Of everybody, … */
export const SIMILAR_SEARCHES_PER_S_MAX = 20;
/** … of one party with a good token, … */
export const SIMILAR_SEARCHES_PER_PARTY_PER_S = 5;
/** … and of all without one. */
export const SIMILAR_SEARCHES_UNVALIDATED_PER_S = 10;
/** Chunks sent to one proved address that its flows may still find bad, all together. */
export const SENT_CHUNKS_PER_ADDRESS_MAX = 1_024;
/** Proved addresses for which such chunks are remembered. */
export const SENT_TO_ADDRESSES_MAX = 256;
/** Chunks that a client may find bad before the request that they were sent for is known to be served; it proved its address. */
export const EARLY_STRIKES_MAX = 16;
/** Chunks that wait to be read again because a client of one proved address found them bad. */
export const CHECKS_PER_ADDRESS_MAX = 4;
/** … and because clients of any address did. */
export const CHECKS_WAITING_MAX = 256;
/** The share of the time in which a chunk may be read again. */
export const CHECK_TIME_SHARE = 0.05;
/** Requests for one name from one address, or from one port, are reported this often. */
export const REQUEST_MEMORY_MS = 1_000;
/** Shorter texts are contained in too many names to be similar. */
export const CONTAINED_LENGTH_MIN = 3;

assertRelations([
  [PARTIES_MAX >= WANTS_MAX, "of the parties that are remembered, one waits for nothing"],
  [CHECK_TIME_SHARE > 0 && CHECK_TIME_SHARE < 1, "a share is a part of the time"],
  [
    QUESTIONS_UNVALIDATED_MAX < QUESTIONS_WAITING_MAX &&
    QUESTIONS_UNVALIDATED_MAX <= QUESTIONS_PER_PARTY_MAX,
    "those who proved their address are heard in a flood",
  ],
  [
    SIMILAR_SEARCHES_UNVALIDATED_PER_S < SIMILAR_SEARCHES_PER_S_MAX,
    "floods without a token leave searches for others",
  ],
  [WORK_BURST >= QUESTION_WORK + 16 * LISTING_PAGE_WORK, "a question is within a burst"],
  [ABSENT_END_MS > ABSENT_DELAY_MS_MAX + 1_000, "two rounds of ABSENT fit before the end"],
  [ASK_TIMEOUT_MS > ABSENT_DELAY_MS_MAX, "an ABSENT arrives before its FIND is repeated"],
]);
/** How often a worker tells what it has sent whom, and how many clients and contents that is about, at most. */
export const SENT_TELL_MS = 250;
export const SENT_SHARES_MAX = 256;
/** Contents and clients that have proved their address of which a worker remembers what was sent; the longest idle is forgotten. */
export const SENT_TALLIES_MAX = 512;
/** Parts of a content in which what was sent is counted, and the smallest of them. */
export const SENT_CELLS_MAX = 1_024;
export const SENT_CELL_BYTES_MIN = 16_384;
/** A transfer is over when nothing of it was sent for this long. */
export const TRANSFER_IDLE_MS = 3_000;
/** How often a transfer under way is told of, and how many at a time. */
export const TRANSFER_MOVED_MS = 1_000;
export const TRANSFERS_MOVING_TOLD_MAX = 16;
/** Transfers under way that are known, to whomever. */
export const TRANSFERS_MAX = 256;
/** Files of one client at a time that are told one by one; further ones are one transfer. */
export const TRANSFERS_PER_PARTY_TOLD_MAX = 4;
/** Transfers that are told of, per second and at once; others are counted. */
export const TRANSFERS_PER_S = 2;
export const TRANSFERS_BURST = 20;
