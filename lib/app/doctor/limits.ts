/** What a look at the machine and its network may take, and what is worth a word. */
import { assertRelations, GIB, KIB, MIB } from "../../limits.ts";

/** The whole look ends after this, with what has been seen. */
export const DOCTOR_MS_MAX = 10_000;
/** Servers are listened for this long. */
export const DOCTOR_LISTEN_MS = 2_500;
/** A program that tells of the firewall may take this long. */
export const DOCTOR_COMMAND_MS = 2_000;
/** A connection to a server that was named: long enough to hear that nobody on the link has its address. */
export const DOCTOR_CONNECT_MS = 4_000;
/** Data of each length is waited for this long, in so many tries. */
export const DATA_PROBE_MS = 400;
export const DATA_PROBE_TRIES = 3;
/** What is written into the download folder, and removed: so many bytes, or for so long. */
export const DISK_PROBE_BYTES = 32 * MIB;
export const DISK_PROBE_MS = 1_000;
/** … in pieces of this. */
export const DISK_PROBE_STEP_BYTES = MIB;
/** … which are made of so many random bytes at a time: as many as there are at once. */
export const DISK_PROBE_RANDOM_BYTES = 64 * KIB;
/** Nothing is written where less than so many times as much is free. */
export const DISK_PROBE_FREE_FACTOR = 4;
/** Less room than this in the download folder is worth a word. */
export const DISK_FREE_BYTES_MIN = GIB;
/** A disk that is slower than this holds up a network of 100 Mbit/s, in bytes per second. */
export const DISK_BYTES_PER_S_MIN = 12 * MIB;
/** The clock of a disk may differ by this from the machine's. */
export const DISK_CLOCK_MS_MAX = 5_000;
/** Before this, the first of 2025, the machine's clock is wrong, in milliseconds since 1970. */
export const CLOCK_MS_MIN = 1_735_689_600_000;
/** Servers that are named; the rest is counted. */
export const SERVERS_TOLD_MAX = 8;

assertRelations([
  [DISK_PROBE_STEP_BYTES % DISK_PROBE_RANDOM_BYTES === 0, "a piece is made of whole parts"],
  [
    DOCTOR_LISTEN_MS + DOCTOR_CONNECT_MS < DOCTOR_MS_MAX,
    "there is time for a server that was named",
  ],
]);
