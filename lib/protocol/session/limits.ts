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
/** A peer that brings or takes fewer bytes per second than this is waited for as if it were silent. */
export const SESSION_BYTES_PER_S_MIN = 4 * KIB;
/** A server is given time to store an upload at this many bytes per second … */
export const STORE_BYTES_PER_S_MIN = 16 * MIB;
/** … and, however large it is, at most this long beyond the timeout. */
export const STORE_MS_MAX = 600_000;
/** Bytes that a client reads of a file, and sends, at a time. */
export const UPLOAD_READ_BYTES = 256 * KIB;
/** After this long without a byte an ASCII message that may be complete is taken as complete. */
export const ASCII_QUIET_MS = 250;
/** After this long without an answer to its first command, a client adds the newline that may be waited for. */
export const ASCII_BARE_MS = 1_000;
/** After this long without a byte, what looks like an error message in the place of a file is taken for one. */
export const ASCII_ERROR_QUIET_MS = 2_000;
/** Bytes of one listing in the ASCII dialect. */
export const ASCII_LISTING_BYTES_MAX = 64 * MIB;
/** After this long without a byte a listing of more than one packet is taken as complete … */
export const ASCII_LISTING_QUIET_MS = 1_000;
/** … and up to this many bytes are one packet. */
export const ASCII_LISTING_SHORT_BYTES = 1_300;
/** Rounds of one round trip that each bring more of the file. */
export const FRESH_ROUNDS_MAX = 64;
/** Bytes of a file that become text at a time. */
export const LATIN1_PIECE_BYTES = 8_192;
/** Numbers of chunks that one line of a log names. */
export const SEQUENCES_LISTED_MAX = 20;
/** Chunks that are sent back travel together up to about this size. */
export const ECHO_BATCH_BYTES = 64 * KIB;
/** Bytes of a chunk that are damaged on purpose, at most. */
export const ECHO_FLIPPED_BYTES_MAX = 10;
/** What an upload counts for at least: an empty file takes room on a disk as well. */
export const UPLOAD_BYTES_COUNTED_MIN = 4 * KIB;
/** An upload that has brought less than this in each second since it began gives way to others … */
export const UPLOAD_PACE_BYTES_PER_S = 64 * KIB;
/** … from this long after its beginning. */
export const UPLOAD_GRACE_MS = 10_000;
/** Uploads that broke off and are kept: of one address, and in all. */
export const UPLOAD_KEPT_PER_PARTY_COUNT_MAX = 64;
export const UPLOAD_KEPT_COUNT_MAX = 1_024;
/** What is kept of them in all, in the largest upload that is accepted; of one address, one of that size. */
export const UPLOAD_KEPT_LARGEST_MAX = 8;
/** Refused uploads that a server tells of: of one address, at once and per second … */
export const REFUSALS_TOLD_PER_PARTY_BURST = 5;
export const REFUSALS_TOLD_PER_PARTY_PER_S = 1 / 10;
/** … and of all; the others are counted. */
export const REFUSALS_TOLD_BURST = 50;
export const REFUSALS_TOLD_PER_S = 1;
/** Addresses with a refused upload that are remembered for that, and for how long. */
export const REFUSED_PARTIES_MAX = 1_024;
export const REFUSED_PARTY_MEMORY_MS = 600_000;
/** Listings and layers that are put together for one address, or wait to be taken by it, over all its sessions; further ones wait. */
export const ANSWERS_PER_PARTY_AT_ONCE = 4;
/** … and one that has taken nothing for this long gives way to those. */
export const ANSWER_UNTAKEN_MS = 5_000;
/** Units of work, about ten microseconds each, of any question that a session asks the main thread … */
export const SESSION_QUESTION_WORK = 4;
/** … beside that for each file of a listing, or of a bundle that is read … */
export const LISTED_FILE_WORK = 2;
/** … and for so many hashes of a layer. */
export const LAYER_HASHES_PER_WORK = 32;
/** … and for so many bytes of a part, which is hashed when its upload is resumed. */
export const UPLOAD_BYTES_PER_WORK = 10 * KIB;
/** Units per second that one address, as TCP proves it, may cause over all its sessions; more wait. */
export const SESSION_WORK_PER_S = 20_000;
/** Questions of all sessions that are with the main thread at once; others wait in the order of their arrival. */
export const SESSION_QUESTIONS_AT_ONCE = 4;
