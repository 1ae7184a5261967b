/** Unfinished uploads. */

/** What an upload left that broke off is kept for this long. */
export const UPLOAD_KEEP_MS = 3_600_000;
/** How often it is looked for what was kept long enough. */
export const UPLOAD_SWEEP_MS = 600_000;
