/** Files and folders. */
import { NAME_COMPONENTS_MAX } from "../../limits.ts";

/** Folders within folders that are scanned: what a name can say. */
export const FOLDER_DEPTH_MAX = NAME_COMPONENTS_MAX - 1;
/** A scan works this long before it yields to other events. */
export const SCAN_TURN_MS = 5;
/** Files that a sender keeps open, … */
export const OPEN_FILES_MAX = 64;
/** … and at most this share of the descriptors that nothing else needs. */
export const OPEN_FILES_DESCRIPTORS_SHARE = 1 / 8;
/** Files that a packer keeps open, which packs ranges of few files at a time. */
export const PACKER_OPEN_FILES_MAX = 2;
/** An open file is compared with the index this often while it is read. */
export const FILE_CHECK_INTERVAL_MS = 50;
/** `NAME (2).ext` … up to this number before giving up. */
export const NUMBERED_NAMES_MAX = 1_000;
/** Folders in which files were published are synced at most this often. */
export const FOLDER_SYNC_INTERVAL_MS = 5;
/** What follows the last dot of a name is its extension, before which the number goes, if it is no longer. */
export const EXTENSION_BYTES_MAX = 32;
/** Files we write are given this age: a server does not offer files that may still be growing. */
export const SCRATCH_FILE_AGE_MS = 60_000;
/** Two changes of a file this close together may have one change time, so that it is not hashed yet. */
export const CHANGE_TICK_MS = 20;
/** File systems whose kind is remembered. */
export const DEVICES_KNOWN_MAX = 256;
/** A file system's block: so many zeros in a row are left out of a file rather than written. */
export const HOLE_BLOCK_BYTES = 4_096;
/** Where a file system says that a name is too long, names are cut to this: the shortest limit there is is 143 (eCryptfs). */
export const SHORT_NAME_BYTES_MAX = 128;
/** What is named like a part file and has no journal is nobody's download any more when it was left alone for this long. */
export const PART_QUIET_MS = 60_000;
/** Bytes of a path, with the zero at its end, that the C library is asked about; longer ones are for Deno. */
export const PATH_BYTES_MAX = 4_096;
