/** Turns of a thread. */

/**
 * Between two pieces of work that take a master milliseconds, others have so many turns: to connect, to
 * ask and to be answered takes a few.
 */
export const REGISTRY_TURNS = 8;
