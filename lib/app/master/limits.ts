/** A master, and those who ask it. */
import { MIB } from "../../limits.ts";

/** Servers and clients that a master talks with at once. */
export const MASTER_CONNECTIONS_MAX = 8_192;
/** Requests of one peer beyond this wait. */
export const MASTER_REQUESTS_PER_S = 2_000;
/** What a master says at once: pages of files with their servers. */
export const MASTER_MESSAGE_BYTES_MAX = 8 * MIB;
/** A client waits this long for a master; broadcasts continue meanwhile. */
export const MASTER_PATIENCE_MS = 3_000;
/** As long as something is looked for, masters are asked again this often. */
export const MASTER_POLL_MS = 3_000;
/** Leases that have run out are swept up this often … */
export const REGISTRY_SWEEP_MS = 2_000;
/** … when they have counted for nothing for this long, so that a master that restarts finds them. */
export const REGISTRY_KEEP_MS = 60_000;
/** Pages of catalogues that are taken in at a time: one is parsed while the store is at another. */
export const MASTER_PAGES_AT_ONCE = 2;
