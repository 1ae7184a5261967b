/** Bounds of one `get`. */

/** Names that our client asks classic servers for at once: each takes a port of its own. */
export const CLASSIC_DOWNLOADS_MAX = 64;
/** A server that has given something over UDP is tried over TCP after so many silences in a row. */
export const STREAM_SILENCES = 3;
