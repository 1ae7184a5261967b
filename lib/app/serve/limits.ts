/** A server's main thread. */

/** This machine's own subnets, to which classic is answered, are looked up this often. */
export const SUBNETS_MEMORY_MS = 10_000;
/** How often it is looked whether a stream that has ended is in the index. */
export const STREAM_LOOK_MS = 20;
/** Addresses of this machine that a server tells of. */
export const OWN_ADDRESSES_MAX = 8;
