/** A client's patience with sessions over TCP. */
import { MIB } from "../../limits.ts";

/** After this long without a byte, what looks like an error message is taken for one. */
export const ASCII_ERROR_QUIET_MS = 2_000;
/** A listing in the ASCII dialect. */
export const ASCII_LISTING_BYTES_MAX = 64 * MIB;
/** Rounds of one round trip that each bring more of the file. */
export const FRESH_ROUNDS_MAX = 64;
/** After a connection breaks, the next is tried after this, then after twice as long …, up to: */
export const RECONNECT_PAUSE_MS = 500;
export const RECONNECT_PAUSE_MS_MAX = 4_000;
/** How long a client waits for a server to write an upload to disk. */
export const STORE_PATIENCE_MS = 600_000;
export const ROUND_TRIP_SEND_BYTES = 8_192;
export const SEQUENCES_LISTED_MAX = 20;
