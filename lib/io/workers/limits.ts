/** What the drivers of workers do in a turn. */
import { KIB } from "../../limits.ts";

/** How long an answer waits for MD5s that nobody has asked for before. */
export const MD5_PATIENCE_MS = 10_000;
/** One read of a file that is hashed: what it brings should still be in the cache when it is hashed twice. */
export const HASH_READ_BYTES = 256 * KIB;
/** Part of a receiver's buffers that may wait verified, so that one message carries several. */
export const HELD_BUFFER_SHARE = 1 / 16;
/** Requests that a server answers in a row before it looks at whatever else has happened. */
export const TURNS_UNTIL_YIELD = 16;
