/** The client's window, leases, buffers and patience. */
import { assertRelations } from "../../limits.ts";
import { KIB, MIB } from "../../limits.ts";
import { BURST_BYTES, LAYER_PAGES_PER_WANT_MAX, PACK_BYTES_MAX } from "../../wire/limits.ts";
import { TAIL_TIMER_MS_INITIAL } from "../base/limits.ts";
import { CHUNK_BYTES_MAX } from "../merkle/limits.ts";

/** Offers are gathered for this long after the first, before one content is chosen. */
export const GATHER_MS = 100;
/** … and for this long at least after the first that is proved. */
export const GATHER_PROVED_MS = 50;
/** Where those who are still hashing may turn a choice, they are waited for this long after the first offer … */
export const HASHING_VOTE_PATIENCE_MS = 1_000;
/** … and as long as hashed bytes earn it, this much at a time, but no longer than this beyond the time for gathering … */
export const HASHING_VOTE_MS_MAX = 10_000;
/** … and, if their file has the size of the content that leads, what its bytes take at this speed on top. */
export const HASHING_VOTE_BYTES_PER_S = 16 * MIB;
/** What is only claimed is waited for this long, beyond the time for gathering. */
export const CLAIM_PATIENCE_MS = 100;
/** The same at the end of a run, of contents that were not chosen. */
export const LATE_CLAIM_PATIENCE_MS = 250;
/** A choice that rests on one party of another machine is open to dissent for this long after the first offer. */
export const LATE_OFFERS_MS = 200;
/** Where several contents share a pinned SHA-256, one that has brought nothing for this long makes room for another; twice as long each time around. */
export const RIVAL_LOOK_MS = 300;
/** … and each that brings something is measured for this long at a time. */
export const RIVAL_TURN_MS = 1_000;
/** Contents that a download begins to fetch although nobody has proved to offer them. */
export const GUESSES_MAX = 4;
/** Receivers at work at once. */
export const RECEIVERS_MAX = 8;
/** … of which so many may have brought nothing yet, of different parties, once another has. */
export const TRIALS_MAX = 2;
/** One that has brought nothing is set aside when the fastest would have brought so many chunks; not before `SERVER_SILENT_MS`. */
export const TRIAL_SLOWNESS_MAX = 32;
/** While nothing is unleased, what one on trial was asked for is asked of another as well when nothing has come for this long … */
export const TRIAL_MUTE_MS = 50;
/** … or for so many round trips, whichever is longer; or when so much time has not been enough for the chunk. */
export const TRIAL_MUTE_RTTS = 4;
export const TRIAL_CHUNK_MS = 5_000;
/** The slowest active server is swapped for one that stands by, this often. */
export const SWAP_INTERVAL_MS = 10_000;
/** Chunk buffers of one client process, in receivers, in flight to the assembler and in it. */
export const CHUNK_BUFFER_BYTES_MAX = 16 * MIB;
/** Share of one receiver if there are few: more has no benefit. */
export const RECEIVER_BUFFER_BYTES_MAX = 8 * MIB;
/** Buffers of the units of a folder are at least this long, so that one serves for the next. */
export const UNIT_BUFFER_BYTES_MIN = 256 * KIB;
/** Of a file that goes to a reader, in order: what waits in memory for bytes before it. No more is asked for … */
export const STREAM_WINDOW_BYTES = 64 * MIB;
/** … but for so many chunks. */
export const STREAM_WINDOW_CHUNKS_MIN = 4;
/** In flight towards one client, of all its receivers together. */
export const CLIENT_WINDOW_BYTES_MAX = 8 * MIB;
/** A request is this much of the measured rate, within the bounds. */
export const REQUEST_MS = 1;
/** The window is this many bandwidth-delay products … */
export const WINDOW_GAIN = 1.5;
/** … plus the root of one of them times this, which evens out the shares of flows. */
export const WINDOW_ROOT_BYTES = 3 * KIB;
/** The gain during startup. */
export const WINDOW_GAIN_STARTUP = 3;
/** The gain during a probe. */
export const WINDOW_GAIN_PROBE_RTT = 0.5;
/** The window is this much of the rate at least, however short the path. */
export const WINDOW_MS_MIN = 2;
/** Round trips below this count as this. */
export const RTT_FLOOR_MS = 1;
/** Flows probe for the base round trip whenever the wall clock passes a multiple of this … */
export const PROBE_RTT_INTERVAL_MS = 2_000;
/** … or of its double, and so on: of the first that is so many base round trips, since a probe takes one or two … */
export const PROBE_RTT_INTERVAL_RTTS = 24;
/** … for this long or a base round trip: long enough for clocks that agree only roughly. */
export const PROBE_RTT_MS_MIN = 20;
/** After a probe, the base round trip is at most so many times what it was. */
export const BASE_RTT_GROWTH_MAX = 2;
/** Part of the socket's receive buffer that may be in flight. */
export const RECEIVE_BUFFER_SHARE = 0.6;
/** Segments of later WANTs that prove the loss of an earlier one's, on a path that keeps the order. */
export const REORDER_SEGMENTS = 3;
/** On one that does not, what is late is waited for so many times the largest lateness lately seen. */
export const REORDER_WINDOW_GAIN = 1.25;
/** A lateness counts for this long at least, and twice as long at most. */
export const REORDER_LIFETIME_MS = 2_000;
/** What is counted of a lateness: half a round trip or this at first, then twice as much each round trip …, up to: */
export const REORDER_MS_MIN = 1;
export const REORDER_MS_MAX = 200;
/** Floor and ceiling of the timer that finds a lost tail. */
export const TAIL_TIMER_MS_MIN = 5;
/** Leases are sized to this much of a receiver's rate. */
export const LEASE_MS = 100;
/** A lease without data for this long, or for `LEASE_STALL_RTTS` round trips, goes to another source. */
export const LEASE_STALL_MS_MIN = 250;
export const LEASE_STALL_RTTS = 8;
/** A server that is silent for this long with requests in flight is set aside. */
export const SERVER_SILENT_MS = 2_000;
/** … for as long again, and twice as long each time in a row, so many times. */
export const SERVER_REST_DOUBLINGS_MAX = 4;
/** A transfer has come on when so many bytes have come, whether they make up a chunk yet or not … */
export const PROGRESS_BYTES = 4 * KIB;
/** … but no more than so many of the longest chunks since the last one that was proved: anybody may send what is nothing. */
export const UNPROVED_CHUNKS_MAX = 2;
/** A server is silent if nothing was heard of it for this share of a download's patience: others may have had its last words. */
export const SILENT_SHARE_MIN = 0.9;
/** Downloads that wait in vain for a server that says something and brings nothing, before it is given up. */
export const VAIN_WAITS_MAX = 3;
/** Chunks or pages of one party that prove themselves wrong, after which the servers that sent them are dropped. */
export const INTEGRITY_FAILURES_MAX = 3;
/** Paths of one server that may be at work at once. */
export const PATHS_USED_MAX = 4;
/** One more path to a server is tried this long after the last one was put to work … */
export const PATH_TRIAL_AFTER_MS = 100;
/** … if what is left would take the others at least so many seconds. */
export const PATH_TRIAL_WORTH_S = 1;
/** For files of this size a receiver for a second path is started in advance. */
export const PATH_WARM_UP_BYTES_MIN = 8 * MIB;
/** When it is judged, after it was put to work, and how much more all of them must bring with it. */
export const PATH_JUDGE_MS = 1_000;
export const PATH_GAIN_MIN = 1.1;
/** The slowest one rests for this long if they don't; longer, up to eight times, each time in a row. */
export const PATH_REST_MS = 5_000;
/** Who else fetches a content is asked so long after it was begun: what ends sooner needs nobody. */
export const TAKERS_AFTER_MS = 100;
/** A taker, or a server, is asked again what there is after this, after twice as long each time that there is no news …, up to: */
export const TAKER_ASK_MS_MIN = 100;
export const TAKER_ASK_MS_MAX = 1_000;
/** Whoever has so many chunks that are missing here is asked what he has beside after this only. */
export const TAKER_PLENTY = 16;
export const TAKER_ASK_MS_PLENTY = 250;
/** An answer to that is waited for at least so long. */
export const TAKER_ANSWER_MS_MIN = 250;
/** Who has never answered is asked again after this, then after twice as long … */
export const TAKER_PAUSE_MS = 1_000;
/** … and forgotten after so many questions in a row without an answer. */
export const TAKER_VAIN_MAX = 3;
/** … for this long, as is whoever has left. */
export const TAKER_REST_MS = 10_000;
/** Takers of one content that are known at a time, at proved addresses or not; of too many, one that never answered makes room. */
export const TAKERS_KNOWN_MAX = 32;
/** … of one party, and those that are asked what they have. */
export const TAKERS_KNOWN_PER_PARTY_MAX = 4;
export const TAKERS_ASKED_MAX = 8;
/** Servers that are asked who else fetches a content, each proved by a page of it. */
export const TAKER_SERVERS_MAX = 4;
/** Takers that chunks are fetched from at a time, beside servers. */
export const TAKERS_AT_WORK_MAX = 5;
/** What is leased last is asked of a server as well when it was leased so long ago. */
export const TAKERS_LAST_MS = 500;
/** With takers, chunks come in any order so far ahead of the first that is missing; later ones only where none of these can be had. */
export const TAKERS_WINDOW_BYTES = 64 * MIB;
/** Active sources report to the coordinator at least this often. */
export const REPORT_INTERVAL_MS = 10;
/** Layer pages in flight, from one party and from all together. */
export const LAYER_PAGES_PER_PARTY_MAX = 32;
export const LAYER_PAGES_ASKED_MAX = 64;
/** A path that has brought a page of a layer is taken to answer for so long, and not probed for the next content. */
export const ANSWERED_PATH_MS = 1_000;
/** Paths that this is remembered of. */
export const ANSWERED_PATHS_MAX = 256;
/** Finished requests whose late segments are still accepted. */
export const WANTS_RETIRED_MAX = 256;
/** Segments of the first request, before any rate is known. */
export const INITIAL_REQUEST_SEGMENTS = 10;
/** A request is so many segments at least, that the requests for a file are 1.5 % of it at most, even on a thin uplink … */
export const REQUEST_SEGMENTS_MIN = 8;
/** … or so many where the transport adds to each datagram: it pads requests as well … */
export const REQUEST_SEGMENTS_MIN_LAYERED = 14;
/** … or as many as come in this time, where that is less … */
export const REQUEST_MS_MAX = 100;
/** … but never fewer than this. */
export const REQUEST_SEGMENTS_FLOOR = 2;
/** Rounds for which a rate sample counts, and the shortest time for it. */
export const RATE_LIFETIME_RTTS = 1.5;
export const RATE_LIFETIME_MS_MIN = 50;
/** Startup ends when a round trip is so many times the base … */
export const STARTUP_EXIT_RTT_RATIO = 1.75;
/** … so many of them in a row on a path that changes the order … */
export const STARTUP_EXIT_RTTS = 16;
/** … or when in so many rounds the rate has not grown by this factor. */
export const STARTUP_EXIT_ROUNDS = 3;
export const STARTUP_GROWTH = 1.25;
/** Segments get shorter after so many tail timers without one as long as was asked for … */
export const MTU_TIMEOUTS_MAX = 2;
/** … and this long without one: servers pause, too … */
export const MTU_SILENT_MS_MIN = 200;
/** … or so many times that requests are found to lack a whole one, later ones to have been answered. */
export const MTU_LOSSES_MAX = 8;
/** Longer ones than usual are tried where one takes no longer than this on its way. */
export const MTU_LONG_MS_MAX = 5;
/** Longer ones are tried again after this, then after twice as long …, up to: */
export const MTU_RAISE_MS_MIN = 250;
export const MTU_RAISE_MS_MAX = 32_000;
/** At least so many requests fit into the largest window, unless that makes them smaller than a burst. */
export const REQUESTS_IN_FLIGHT_MIN = 8;
/** Fractions that are this far apart fill their range evenly, however many they are: the golden ratio's. */
export const ROUNDING_STEP = 0.618;
/** A client asks for packs of a flow that brings no more than this: beyond it, packing and unpacking take nearly as long as the bytes. */
export const PACK_RATE_BYTES_PER_S_MAX = 150_000_000;
/** … and of which no more was measured for a moment: it may be busy processors that make a fast path slow. */
export const PACK_PEAK_BYTES_PER_S_MAX = 300_000_000;
/** Below this it always pays, and nothing is measured. */
export const PACK_SURE_BYTES_PER_S = 20_000_000;
/** The best of this time counts. */
export const PACK_PEAK_MS = 2_000;
/** Spans that packs are asked for of one source, and not answered, while what was asked last did not pack … */
export const PACK_TRIAL_SPANS = 2;
/** … and their plain bytes otherwise, but for the last span. */
export const PACK_ASKED_BYTES_MAX = 8 * MIB;
/** Each is no longer than is unpacked, at this speed, … */
export const UNPACK_BYTES_PER_S = 400 * MIB;
/** … while no more than this arrives: nothing is received meanwhile, which must not look like a faster path. */
export const PACK_STALL_BYTES = 2 * BURST_BYTES;
/** Shorter ranges are not worth a question. */
export const PACK_BYTES_MIN = 16 * KIB;
/** A question for packs that was not answered for so long will not be. */
export const PACK_ANSWER_MS_MAX = 1_000;
/** So many of them in a row, and the server is not asked for packs any more in that flow. */
export const PACK_VAIN_MAX = 3;
/** Packs have to bring so many times what was brought before they were asked for, measured for so long at least … */
export const PACK_GAIN_MIN = 1.1;
export const PACK_BASELINE_MS = 100;
/** … by what is brought in each such period, beginning so long after that. */
export const PACK_JUDGE_MS = 250;
export const PACK_SETTLE_MS = 150;
/** Chunks that the former measurement is made of at least, and packs or chunks that each of the latter is. */
export const PACK_BASELINE_COUNT_MIN = 8;
export const PACK_JUDGE_COUNT_MIN = 24;
/** If they don't, none are asked for for this long, then for twice as long, with so many doublings. */
export const PACK_REST_MS = 2_000;
export const PACK_REST_DOUBLINGS_MAX = 4;
/** What packing gains is measured over about so many plain bytes, and counted as no more than this factor. */
export const PACK_GAIN_BYTES = 8 * MIB;
export const PACK_GAIN_MAX = 8;
/** A journal lags behind its part file by at most this. */
export const JOURNAL_INTERVAL_MS = 250;
/** Requests in flight on one TCP session, and bytes per request. */
export const STREAM_REQUESTS_MAX = 4;
export const STREAM_REQUEST_BYTES_MAX = MIB;
/** A session over TCP that was lost is opened again after this, then after twice as long …, up to: */
export const STREAM_RETRY_MS = 250;
export const STREAM_RETRY_MS_MAX = 4_000;
/** A TCP session without data for this share of the timeout, with requests in flight, is opened again. */
export const STREAM_SILENT_SHARE = 0.5;
/** Answers over TCP in a row that make no sense, each of which ends its session: then nothing more is asked there. */
export const STREAM_NONSENSE_MAX = 3;
/** Servers that offer a content are asked over TCP if none has answered over UDP for this long. */
export const STREAM_FALLBACK_MS = 2_000;
/** … each after it had at least so long to answer over UDP … */
export const STREAM_CANDIDATE_MS = 1_000;
/** … so many of them at a time: an offer may name any address. */
export const STREAM_TRIES_MAX = 4;
/** Servers that the user named and that have not answered over UDP are asked over TCP after this. */
export const STREAM_ASK_AFTER_MS = 1_500;
/** Offers of one name that nothing proves and that are kept in case they are to be asked about over TCP. */
export const STREAM_CLAIMS_MAX = 64;
/** A server that has brought a chunk over UDP is asked over TCP after so many silences in a row. */
export const STREAM_SILENCES = 3;

assertRelations([
  [CHUNK_BUFFER_BYTES_MAX >= 2 * RECEIVERS_MAX * CHUNK_BYTES_MAX, "two chunks a receiver fit"],
  [LAYER_PAGES_PER_PARTY_MAX >= LAYER_PAGES_PER_WANT_MAX, "a whole LAYER_WANT may be asked for"],
  [
    ANSWERED_PATH_MS < SERVER_SILENT_MS,
    "who is set aside for silence is probed before it is put to work",
  ],
  [
    LEASE_STALL_MS_MIN >= REORDER_WINDOW_GAIN * REORDER_MS_MAX,
    "what is late is found lost before its lease stalls",
  ],
  [
    PACK_BYTES_MAX <= CHUNK_BUFFER_BYTES_MAX / RECEIVERS_MAX / 2,
    "the chunks of a pack fit in the buffers of a receiver, beside others",
  ],
  [TRIAL_MUTE_MS < LEASE_STALL_MS_MIN, "others help before a lease is taken away"],
  [LEASE_STALL_MS_MIN > TAIL_TIMER_MS_INITIAL, "a lease outlives the first tail timer"],
]);
