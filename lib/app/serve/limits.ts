/** A server's main thread. */

/** This machine's own subnets, to which classic is answered, are looked up this often. */
export const SUBNETS_MEMORY_MS = 10_000;
