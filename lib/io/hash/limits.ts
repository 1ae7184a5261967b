/** Hashing. */
import { MIB } from "../../limits.ts";

/** One write of an upload, and one message to the digest worker. */
export const UPLOAD_BUFFER_BYTES = MIB;
/** Such buffers of all uploads together. */
export const UPLOAD_BUFFERS_MAX = 8;
/** An upload from which nothing has come for this long writes what it has, and lets go of its buffer. */
export const UPLOAD_BUFFER_HOLD_MS = 50;
/** Below this speed for single blocks, hashing four at a time is faster. */
export const GROUP_HASHING_BELOW_BYTES_PER_MS = 500_000;
export const HASH_TRIAL_RUNS = 3;
