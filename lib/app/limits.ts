/** Defaults and bounds of what a user may ask for. */
import { KIB, MIB } from "../limits.ts";

// What the command line offers of the layers below.
export {
  CLASSIC_CHUNK_BYTES_DEFAULT,
  CLASSIC_CHUNK_BYTES_MAX,
  MTU_BYTES_DEFAULT,
  MTU_BYTES_MAX,
  MTU_BYTES_MIN,
} from "../wire/limits.ts";

/** Largest upload accepted by default. */
export const UPLOAD_BYTES_DEFAULT = 1_000_000_000;
/** Files and folders that uploads may leave by default: all together, and those of one host. */
export const UPLOAD_ENTRIES_DEFAULT = 100_000;
export const UPLOAD_ENTRIES_PER_HOST_DEFAULT = 25_000;
export const UPLOAD_ENTRIES_MAX = 10_000_000;
/** What a server offers is shown in pages of so many files, unless another number is asked for. */
export const OFFERED_PAGE_DEFAULT = 1_000;
/** One read of a file that is shown or fetched as a stream, where whoever reads it brings no buffer. */
export const OFFERED_PIECE_BYTES = 256 * KIB;
/** Pause between two requests for a file that the server is still hashing. */
export const PENDING_PAUSE_MS = 500;
/** A server that the user named, and that was not there when it was asked over TCP, is asked again after this. */
export const STREAM_ASK_AGAIN_MS = 3_000;
/** Uploads of one round trip that may fail to bring the whole file back, after the first. */
export const MAX_RETRIES_DEFAULT = 3;
export const MAX_RETRIES_MAX = 100;
/** Bytes of the demo's file that make the round trip in the JSON dialect. */
export const DEMO_ECHO_BYTES_MAX = 2 * MIB;
/** Without any answer, a listing ends after this, unless a timeout is given. */
export const LIST_PATIENCE_MS = 3_000;
/** Nobody at all having answered, a search ends after this, or when its attempts would be over. */
export const WAIT_MS_DEFAULT = 15_000;
/** How long whoever sends by a code may bring nothing in one attempt: that it is gone is noticed apart from that. */
export const CODE_GET_TIMEOUT_MS = 5_000;
/** An attempt waits at most this long for an answer. */
export const TIMEOUT_MS_DEFAULT = 10_000;
export const RETRIES_DEFAULT = 10;
/** Bounds of what a user may ask for: waits longer than a day are typing errors. */
export const TIMEOUT_MS_MAX = 86_400_000;
export const RETRIES_MAX = 1_000_000;
/** Names fetched at a time: so many small files keep a round trip, a disk and three threads busy. */
export const JOBS_DEFAULT = 16;
export const JOBS_MAX = 64;
export const NAMES_PER_GET_MAX = 100_000;
/** Digits by which a content may be named: fewer are met by chance among the files of a network. */
export const SHORT_HASH_DIGITS_MIN = 8;
/** Files that one server is told of one by one, each of which it looks at in every scan. */
export const OFFERED_FILES_MAX = 10_000;
/** Probability that a datagram is affected when errors are simulated. */
export const SIMULATED_ERROR_RATE_DEFAULT = 0.1;
/** File that the demo makes, unless told otherwise; and at most, as it is made in a temporary folder. */
export const DEMO_BYTES_DEFAULT = 4_000_000;
export const DEMO_BYTES_MAX = 1_000_000_000;
export const DEMO_SERVERS = 2;
/** The demo's file comes no sooner than in this time, so that all servers take part in it … */
export const DEMO_FETCH_S_MIN = 1;
/** … unless it is smaller than this. */
export const DEMO_RATE_BYTES_PER_S_MIN = MIB / 4;
/** Share of its time at which a worker, or the disk that it writes to, counts as the bottleneck. */
export const BUSY_SHARE = 0.7;
export const DISK_SHARE = 0.5;
/** What would take longer than a day is not foretold. */
export const SECONDS_LEFT_MAX = 24 * 3600;
