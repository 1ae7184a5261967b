/** Limits that several machines share. */

/** Servers asked for one piece layer, and answers kept of classic servers that differ: those proved by a page stay. */
export const OFFERS_PER_NAME_MAX = 256;
/** Endpoints kept for one server; those stay that have answered what was sent to them alone. */
export const PATHS_PER_SERVER_MAX = 8;
/** Servers of one party (an IPv4 address or a /64 of IPv6), which may call itself by any number of ids. */
export const SERVERS_PER_PARTY_MAX = 64;
/** A corrupted datagram has 1 to this many bytes changed. */
export const FAULT_BYTES_MAX = 10;
/** A delayed datagram waits for a random time in this range. */
export const FAULT_DELAY_MS_MIN = 5;
export const FAULT_DELAY_MS_MAX = 50;
/** A token is accepted in its epoch and the next. */
export const TOKEN_EPOCH_MS = 10 * 60_000;
/** Cached tokens. */
export const TOKEN_CACHE_MAX = 4_096;
export const TAIL_TIMER_MS_MAX = 1_000;
/** The same before the first RTT sample. */
export const TAIL_TIMER_MS_INITIAL = 100;
/** Minimum of the timer for answers of a server's main thread, which has other duties. */
export const REQUEST_TIMER_MS_MIN = 20;
/** RETRYs in a row after which a client repeats a request only when its timer expires. */
export const RETRIES_HEEDED_MAX = 3;
export const RATE_TIME_CONSTANT_MS = 1_000;
/** Added to a wait so that rounding does not leave the level at zero. */
export const RATE_ROUNDING_MS = 0.001;
/** Refusals of the system to send that people are told of in one run: each kind and address is one. */
export const REFUSALS_TOLD_MAX = 8;
/** Contents, and addresses of each, that a message about servers that disagree lists. */
export const CONTENTS_LISTED_MAX = 4;
/** Digits of a hash that messages show. */
export const SHORT_HASH_DIGITS = 8;
/** A pack is this share of its range at most, or there is none: what is saved has to pay for unpacking. */
export const PACK_SHARE_MAX = 0.9;
/** After ranges that did not pack, so many of that content are passed over at most before one is tried again. */
export const PACK_SKIP_MAX = 64;
/** Contents that this is remembered of, whoever offers or asks for them. */
export const PACK_SKIPS_REMEMBERED_MAX = 256;
/** How long a transfer is watched for one sample of what its bytes and files cost. */
export const TIME_LEFT_SAMPLE_MS = 500;
/** A sample that is so old weighs half as much as a new one. */
export const TIME_LEFT_HALF_LIFE_MS = 15_000;
/** Of what brought nothing for so long nobody can say how long it will take; that time costs nothing. */
export const TIME_LEFT_STALL_MS = 3_000;
/** Share by which each cost is held back, so that what is seen only together is shared between both. */
export const TIME_LEFT_RIDGE = 0.02;
