/** Turns and ends of threads. */

/**
 * Between two pieces of work that take a master milliseconds, others have so many turns: to connect, to
 * ask and to be answered takes a few.
 */
export const REGISTRY_TURNS = 8;

/** How long a worker that is told to stop may go on with what it is at, where the disk does not decide. */
export const WORKER_STOP_MS_MAX = 30_000;
