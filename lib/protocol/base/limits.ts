/** Limits that several machines share. */

/** Offers kept for one name. */
export const OFFERS_PER_NAME_MAX = 256;
/** Addresses kept for one server. */
export const PATHS_PER_SERVER_MAX = 8;
/** A datagram that is hit by corruption has 1 to this many bytes changed. */
export const FAULT_BYTES_MAX = 10;
/** A datagram that is delayed waits for a random time in this range. */
export const FAULT_DELAY_MS_MIN = 5;
export const FAULT_DELAY_MS_MAX = 50;
/** A token is accepted in its epoch and the next. */
export const TOKEN_EPOCH_MS = 10 * 60_000;
/** Tokens that are kept rather than computed again. */
export const TOKEN_CACHE_MAX = 4_096;
export const TAIL_TIMER_MS_MAX = 1_000;
/** The same before the first RTT sample. */
export const TAIL_TIMER_MS_INITIAL = 100;
/** Floor of the timer that finds a lost answer of a server's main thread, which has other duties. */
export const REQUEST_TIMER_MS_MIN = 20;
/** Stale tokens in a row after which a server's word on tokens is heeded no more often than a timer allows. */
export const RETRIES_HEEDED_MAX = 3;
export const RATE_TIME_CONSTANT_MS = 1_000;
/** Enough to make the level positive, where rounding would leave it at zero. */
export const RATE_ROUNDING_MS = 0.001;
