/** Unfinished uploads. */

/** An interrupted upload is kept for this long. */
export const UPLOAD_KEEP_MS = 3_600_000;
/** How often interrupted uploads are checked for expiry. */
export const UPLOAD_SWEEP_MS = 600_000;
/** Parts are looked for on the disk no more often than this: others may have left or removed some. */
export const PARTS_LOOK_MS = 1_000;
/** Where a quota is used up, stored files are looked at no more often than this: some may be gone … */
export const STORED_CHECK_MS = 1_000;
/** … in no more than this share of the time … */
export const STORED_CHECK_TIME_SHARE = 1 / 20;
/** … so many at a time. */
export const STORED_CHECKED_PER_TURN = 200;
