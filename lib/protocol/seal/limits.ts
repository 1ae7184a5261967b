/** Sealed sessions. */
import { assertRelations } from "../../limits.ts";

/** Counters below the highest one that are still told apart; what is older is dropped. Eight bursts and more. */
export const SEAL_WINDOW_DATAGRAMS = 2_048;
/** Datagrams, or records, of one direction that one key seals: 2²⁴ of them are 23 GB of data. */
export const SEAL_EPOCH_COUNT = 2 ** 24;
/** Counters of one direction: 48 bits are on the wire. A session that gets there says nothing more. */
export const SEAL_COUNTERS = 2 ** 48;
/** Who has asked a server, at one of its sockets; who asked longest ago makes room, and is known again by what it asks next. */
export const SEAL_ASKERS_MAX = 2_048;
/** Sessions of one of a client's sockets; the oldest makes room. */
export const SEAL_SESSIONS_MAX = 1_024;
/** A server forgets the keys of a session that nobody has used for this long. */
export const SEAL_IDLE_MS = 10 * 60_000;
/** A client that has heard nothing of what it said for this long opens a session anew, with what it says next. */
export const SEAL_SILENCE_MS = 300;
/** Secrets that are valid at once. */
export const SECRETS_MAX = 2;

assertRelations([
  [SEAL_WINDOW_DATAGRAMS % 32 === 0, "a window is a number of words"],
  [SEAL_WINDOW_DATAGRAMS < SEAL_EPOCH_COUNT, "what is late is of this epoch or the one before"],
]);
