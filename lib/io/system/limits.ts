/** Turns and ends of threads. */

/**
 * Between two pieces of work that take a master milliseconds, others have so many turns: to connect, to
 * ask and to be answered takes a few.
 */
export const REGISTRY_TURNS = 8;

/** How long a stopping worker may finish its current work, if that does not depend on the disk. */
export const WORKER_STOP_MS_MAX = 30_000;

/** Descriptors that a process needs beside its connections: its sockets, files, databases, and Deno's own. */
export const DESCRIPTORS_RESERVED = 96;
/** Descriptors that must be free where a thread is started: it keeps six and reads its modules by a seventh. */
export const WORKER_DESCRIPTORS = 8;
/** Where nobody says how many descriptors a process may have: what most systems give at least. */
export const DESCRIPTORS_UNKNOWN = 1_024;

/** Output that waits for whoever reads it; what is written beyond that is dropped, and said to be. */
export const OUTPUT_WAITING_BYTES_MAX = 4_194_304;
/** Short texts that wait are written together, up to so many bytes: there is one write in a turn of the event loop. */
export const OUTPUT_WRITE_BYTES_MAX = 524_288;
/** After so long a pipe that took nothing is tried again. */
export const OUTPUT_RETRY_MS = 10;
/** How long a process that was told to stop waits for whoever reads its output. */
export const OUTPUT_FLUSH_MS_MAX = 1_000;

/** A signal to stop that comes so long after the first one is meant: somebody does not want to wait. */
export const INSIST_AFTER_MS = 500;
