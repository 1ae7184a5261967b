/** What is shown to people. */

/** Without a terminal, a line about progress is printed this often. */
export const PLAIN_PROGRESS_INTERVAL_MS = 2_000;
/** A secret that is typed, or comes on standard input, is no longer; a file of it may be as long. */
export const SECRET_TYPED_BYTES_MAX = 4_096;
/** A code that is typed, or comes on standard input, is no longer. */
export const CODE_TYPED_BYTES_MAX = 256;
/** What somebody answers to a question is no longer. */
export const ANSWER_BYTES_MAX = 256;
/** Names shown of what a code leads to, before it is fetched; the rest is counted. */
export const INCOMING_NAMES_SHOWN_MAX = 20;
/** Edits between a mistyped command or option and the one that is suggested; at most half of its letters. */
export const TYPO_EDITS_MAX = 2;
/** Help is no wider than this, however wide the window is: longer lines are hard to read. */
export const HELP_COLUMNS_MAX = 100;
/** Text has at least so much room beside what stands in front of it; else it stands below, indented by `BELOW_COLUMNS`. */
export const HANGING_COLUMNS_MIN = 28;
export const BELOW_COLUMNS = 6;
export const SHORT_ID_DIGITS = 16;
/** Digits of a hash where the window is narrow, if they tell all contents apart. */
export const SHORT_ID_DIGITS_MIN = 8;
/** Hosts that have a line below a listing, and how long their names are waited for. */
export const HOSTS_LISTED_MAX = 20;
export const HOST_NAMES_MS_MAX = 500;
export const SHOWN_CHARACTERS_MAX = 60;
/** Files of one run that have a line each when they have come; more have a summary. */
export const FILES_TOLD_MAX = 10;
/** Reasons for which files failed that have lines of their own; others are counted. */
export const FAILURE_REASONS_MAX = 100;
/** Files that fail for the same reason and are told one by one; the rest is counted. */
export const FAILURES_ALIKE_SHOWN_MAX = 20;
/** Addresses shown of the machine that a server runs on. */
export const ADDRESSES_SHOWN_MAX = 2;
/** Empty modules around the picture of an address; scanners want some. */
export const QR_MARGIN_MODULES = 2;
/** Names shown in the line that says what a server offers. */
export const NAMES_SHOWN_MAX = 3;
/** Failed names listed in the last line: each has been reported before. */
export const FAILED_NAMES_SHOWN_MAX = 5;
/** Transfers of a server that have rows of their own in the live region. */
export const SERVED_ROWS_MAX = 10;
export const NAME_COLUMNS_MIN = 8;
export const NAME_COLUMNS_MAX = 32;
export const BAR_COLUMNS_MIN = 6;
export const BAR_COLUMNS_MAX = 40;
/** Names that are waited for, or rows of what they wait for, in the live region. */
export const WAITS_SHOWN_MAX = 3;
/** A pause in which nothing came is waiting, if it is as long as this. */
export const PAUSE_MS_MIN = 2_000;
/** Options suggested for a letter that is none; where more begin with it, none is. */
export const MEANT_FLAGS_MAX = 3;
