/** A master, and those who ask it. */
import { MIB } from "../../limits.ts";

/** Connections that a master serves at once. */
export const MASTER_CONNECTIONS_MAX = 8_192;
/** The share of its process's descriptors that they may take: each holds a socket and nothing else. */
export const MASTER_DESCRIPTORS_SHARE = 3 / 4;
/** Requests of one peer beyond this wait. */
export const MASTER_REQUESTS_PER_S = 2_000;
/** Units of work per second that the questions of one address, as TCP proves it, may cause; more wait. */
export const MASTER_WORK_PER_S = 40_000;
/** Largest message of a master: a page of files with their servers. */
export const MASTER_MESSAGE_BYTES_MAX = 8 * MIB;
/** A client waits this long for a master; broadcasts continue meanwhile. */
export const MASTER_PATIENCE_MS = 3_000;
/** While a search is unfinished, masters are asked again this often. */
export const MASTER_POLL_MS = 3_000;
/** Expired leases are removed this often … */
export const REGISTRY_SWEEP_MS = 2_000;
/** … once they have been expired for this long, so that a restarted master still finds them. */
export const REGISTRY_KEEP_MS = 60_000;
/** Catalogue pages stored at a time: one is parsed while the store writes another. */
export const MASTER_PAGES_AT_ONCE = 2;
/** Names of one run for which masters are asked for similar ones: each takes them a page or two of their listing. */
export const SIMILAR_ASKED_MAX = 16;
