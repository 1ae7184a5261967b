/** A `get`. */

/** Offers are gathered for this long after the first, before one content is chosen. */
export const GATHER_MS = 100;
/** Names that our client asks classic servers for at once: each takes a port of its own. */
export const CLASSIC_DOWNLOADS_MAX = 64;
