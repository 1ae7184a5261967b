/** What the drivers of workers do in a turn. */
import { KIB } from "../../limits.ts";

/** How long an answer waits for MD5s that are not known yet. */
export const MD5_PATIENCE_MS = 10_000;
/** One read of a file that is hashed: its bytes should still be in the cache for the second hash. */
export const HASH_READ_BYTES = 256 * KIB;
/** Share of a receiver's buffers that may wait after verification, so that one message carries several. */
export const HELD_BUFFER_SHARE = 1 / 16;
/** Requests that a server answers in a row before it handles other events. */
export const TURNS_UNTIL_YIELD = 16;
