/** Hashing. */
import { MIB } from "../../limits.ts";

/** One write of an upload, and one message to the digest worker. */
export const UPLOAD_BUFFER_BYTES = MIB;
/** Such buffers of all uploads together. */
export const UPLOAD_BUFFERS_MAX = 8;
/** Below this speed for single blocks, hashing four at a time is faster. */
export const GROUP_HASHING_BELOW_BYTES_PER_MS = 500_000;
export const HASH_TRIAL_RUNS = 3;
