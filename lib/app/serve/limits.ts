/** A server's main thread. */

/** This machine's own subnets, to which classic is answered, are looked up this often. */
export const SUBNETS_MEMORY_MS = 10_000;
/** How often it is looked whether a stream that has ended is in the index. */
export const STREAM_LOOK_MS = 20;
/** Addresses of this machine that a server tells of. */
export const OWN_ADDRESSES_MAX = 8;
/** How long nothing is packed after the packer broke, or could not be started for want of file descriptors. */
export const PACKER_REST_MS = 10_000;
