/** Registration and its leases. */
import { CATALOGUE_ENTRIES_MAX } from "../../limits.ts";

/** A lease that is not renewed ends after this … */
export const REGISTRY_LEASE_MS = 10_000;
/** … and is renewed at least this often. */
export const REGISTRY_RENEW_MS = 3_000;
/** The earliest of the random moments at which a lease is renewed, so that servers do not stay in step. */
export const REGISTRY_RENEW_MS_MIN = 2_250;
/** A master that neither answers a request nor sends `wait` for this long is disconnected. */
export const REGISTRY_ANSWER_MS = 8_000;
/** One that sends `wait` is disconnected, too, if the answer to that request takes longer than this. */
export const REGISTRY_WAIT_MS_MAX = 600_000;
/** A master that was lost is tried again after about this, then after twice as long …, up to: */
export const REGISTRY_RETRY_MS = 500;
export const REGISTRY_RETRY_MS_MAX = 4_000;
/** Files that a server registers, or a client is told of, in one message. */
export const REGISTRY_PAGE_FILES = 200;
/** Questions of one `locate`. */
export const LOCATE_QUERIES_MAX = 200;
/** Servers told of one content under one name. */
export const LOCATED_SERVERS_MAX = 32;
/** Contents told of one name, and names with contents told of one digest. */
export const LOCATED_CONTENTS_MAX = 64;
/** Places in one such answer for servers of one address, which their connections to the master prove. */
export const LOCATED_PER_PARTY_MAX = 8;
/** Leases that one address may hold at a time. */
export const LEASES_PER_PARTY_MAX = 32;
/** Files that all leases of one address may hold together: as many as one server may offer. */
export const FILES_PER_PARTY_MAX = CATALOGUE_ENTRIES_MAX;
/** Files that a client reads of a master: what one address registers, as much as it may, does not use that up. */
export const LISTING_FILES_MAX = 4 * FILES_PER_PARTY_MAX;
/** Servers of one address, of those that masters tell of, that one client asks. */
export const INVITED_PER_PARTY_MAX = 8;
/** Addresses that a client remembers having been told of by one master. */
export const TOLD_ADDRESSES_MAX = 1_024;
/** Addresses that did not answer, which one `locate` may name so as to be told of others. */
export const LOCATE_EXCEPT_MAX = 64;
export const GLOB_CHARACTERS_MAX = 256;
/** Units of work, about ten microseconds each: what a name or content costs that is looked up, … */
export const LOCATE_WORK = 2;
/** … a name of a listing, … */
export const LISTED_NAME_WORK = 1;
/** … and beside that so many characters of a glob that it is compared with. */
export const GLOB_CHARACTERS_PER_WORK = 3;
/** Units of one answer to `list`: with a long glob fewer names are looked at. */
export const LIST_WORK_MAX = 2_000;
/** Each is looked up, and told with its servers. */
export const CHANGES_PER_ANSWER_MAX = 200;
