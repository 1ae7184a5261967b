/** Bounds of one `get`. */

/** Names that our client asks classic servers for at once: each takes a port of its own. */
export const CLASSIC_DOWNLOADS_MAX = 64;
