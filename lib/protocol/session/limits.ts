/** Sessions over TCP. */
import { KIB, MIB } from "../../limits.ts";

/** A peer that sends nothing for this long, or takes this long for one message, is disconnected. */
export const SESSION_IDLE_MS = 60_000;
/** A JSON message with a whole file in it … */
export const UPLOAD_MESSAGE_BYTES_MAX = 64 * MIB;
/** A refused message is skipped up to this length; beyond it the connection is closed. */
export const SESSION_SKIP_BYTES_MAX = 512 * MIB;
/** Files of one answer to a listing. */
export const LISTED_FILES_PER_STEP = 100;
/** Chunks that are sent back travel together up to about this size. */
export const ECHO_BATCH_BYTES = 64 * KIB;
/** Bytes of a chunk that are damaged on purpose, at most. */
export const ECHO_FLIPPED_BYTES_MAX = 10;
