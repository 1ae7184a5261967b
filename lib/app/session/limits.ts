/** A client's reconnecting. */

/** After a connection breaks, the next is tried after this, then after twice as long …, up to: */
export const RECONNECT_PAUSE_MS = 500;
export const RECONNECT_PAUSE_MS_MAX = 4_000;
