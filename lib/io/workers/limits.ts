/** What the drivers of workers do in a turn. */
import { assertRelations, KIB, MIB } from "../../limits.ts";
import { CHUNK_BUFFER_BYTES_MAX, RECEIVERS_MAX } from "../../protocol/download/limits.ts";
import { CHUNK_BYTES_MAX, CHUNK_BYTES_MIN } from "../../protocol/merkle/limits.ts";

/** How long an answer waits for MD5s that are not known yet. */
export const MD5_PATIENCE_MS = 10_000;
/** One read of a file that is hashed: its bytes should still be in the cache for the second hash. */
export const HASH_READ_BYTES = 256 * KIB;
/** Share of a receiver's buffers that may wait after verification, so that one message carries several. */
export const HELD_BUFFER_SHARE = 1 / 16;
/** Buffers smaller than a chunk wait for each other on their way back to a receiver, up to so many bytes. */
export const RECYCLED_BYTES_HELD_MAX = CHUNK_BYTES_MIN;
/** Requests that a server answers in a row before it handles other events. */
export const TURNS_UNTIL_YIELD = 16;
/** Files of a folder that are brought to the disk by one sync, unless they are fewer in all … */
export const STAGED_FILES_MAX = 4_096;
/** … and their bytes. */
export const STAGED_BYTES_MAX = 32 * MIB;
/** What became of so many files of a folder is told in one message, but for the last ones. */
export const TREE_NEWS_FILES_MAX = 256;
/** Contents whose place a sender knows although nobody has asked for them. */
export const FORESEEN_MAX = 256;

assertRelations([
  [
    RECYCLED_BYTES_HELD_MAX + CHUNK_BYTES_MAX <= CHUNK_BUFFER_BYTES_MAX / RECEIVERS_MAX,
    "a receiver whose buffers are held has room for the next chunk",
  ],
]);
/** Between two times that a sender tells that the system refuses to send. */
export const REFUSED_PAUSE_MS = 100;
/** Who waits for a turn to be answered looks this often whether somebody takes nothing. */
export const ANSWER_WAIT_LOOK_MS = 500;
