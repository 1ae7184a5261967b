/** What is shown to people. */

/** Without a terminal, a line about progress is printed this often. */
export const PLAIN_PROGRESS_INTERVAL_MS = 2_000;
