/** Hashing. */
import { MIB } from "../../limits.ts";

/** One write of an upload, and what the digest worker is given at a time. */
export const UPLOAD_BUFFER_BYTES = MIB;
/** Such buffers of all uploads together. */
export const UPLOAD_BUFFERS_MAX = 8;
/** Where blocks are hashed more slowly one by one, four at a time are quicker. */
export const GROUP_HASHING_BELOW_BYTES_PER_MS = 500_000;
export const HASH_TRIAL_RUNS = 3;
