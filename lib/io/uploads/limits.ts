/** Unfinished uploads. */

/** An interrupted upload is kept for this long. */
export const UPLOAD_KEEP_MS = 3_600_000;
/** How often interrupted uploads are checked for expiry. */
export const UPLOAD_SWEEP_MS = 600_000;
