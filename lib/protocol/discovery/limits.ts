/** How long and how often servers are searched for, and how much of what they say is kept. */
import { assertRelations, KIB } from "../../limits.ts";

/** Endpoints that masters named, of one search; of too many one goes that has not proved an answer. */
export const INVITED_MAX = 1_024;
/** When FIND is sent, after the start of an attempt; repeated at the last interval afterwards. */
export const FIND_SCHEDULE_MS: readonly number[] = [0, 250, 1_000, 3_000];
export const FIND_REPEAT_MS = 3_000;
/** Every data port of a named host is sent so many FINDs of an attempt, and more as long as nobody there answers. */
export const GUESSED_ROUNDS = 2;
/** When every answer so far is ABSENT, the search ends this long after its start. */
export const ABSENT_END_MS = 2_500;
/**
 * A query that nobody has answered waits for its turn while servers answer others of its search, for so many times the
 * user's patience at most.
 */
export const TURN_PATIENCES_MAX = 10;
/** FINDs of one search whose answers are still understood. */
export const FINDS_REMEMBERED_MAX = 4_096;
/** Endpoints that one search probes: claims that nothing proves. Of too many a random one goes. */
export const CANDIDATES_MAX = 1_024;
/** … and of those, endpoints of one party, an IPv4 address or a /64 of IPv6, which may name any port. */
export const CANDIDATES_PER_PARTY_MAX = 128;
/** Probes that leave in `PROBE_TIMEOUT_MS`, of one search: each goes where somebody else said. */
export const PROBES_MAX = 64;
/** A probe is repeated after this, then after twice as long …; then the claim is forgotten. */
export const PROBE_TIMEOUT_MS = 50;
export const PROBE_TRIES_MAX = 4;
/** To an address that has not answered go at most so many times the bytes of the claims that were made in its name. */
export const UNPROVED_BYTES_FACTOR = 3;
/** A probe is at least as long as the RETRY that says that its token is stale. */
export const PROBE_BYTES_MIN = 56;
/** Marks of tokens in a FIND that is brief: most of it is what is sought. */
export const BRIEF_KNOWN_MAX = 4;
/** A port that servers of a host share is probed this much later than the one that the answer named. */
export const SHARED_PORT_PROBE_MS = 300;
/** A server that may be one that is known by another address is waited for this long to show it … */
export const ALIAS_PATIENCE_MS = 1_000;
/** … each time that it is asked, which is so often; then it counts as another. */
export const ALIAS_TRIES_MAX = 3;
/** What an ALIAS_WANT takes in front of a FIND, at most. */
export const ALIAS_WANT_BYTES_MAX = 12 + 8 + 16 + 1 + 8 * 17;
/** Servers that one search keeps track of: each has answered a probe from its address. */
export const SERVERS_HEARD_MAX = 1_024;
/** A server that answered this recently is listed as known, and stays silent. */
export const KNOWN_LIFETIME_MS = 10_000;
/** FINDs to single servers that wait for their answers: to one of them, and to all together. */
export const ASKS_PER_SERVER_MAX = 2;
export const ASKS_MAX = 16;
/** Beside others, such a FIND counts as waiting for this long: then the next may leave. */
export const ASK_SLOT_MS = 50;
/** … and to servers of one party: an IPv4 address or a /64 of IPv6, proved by its answer to a probe. */
export const ASKS_PER_PARTY_MAX = 4;
/** The answers of a new server to a broadcast come together: the first such FIND waits this long. */
export const ASK_GRACE_MS = 5;
/** Such a FIND is repeated after this, then after twice as long …; then the server is forgotten. */
export const ASK_TIMEOUT_MS = 400;
export const ASK_TRIES_MAX = 4;
/** After so many in a row that did not bring all answers, such FINDs are brief, or not any more. */
export const ASK_MISSES_BRIEF = 2;
/** A server that is still hashing a file is asked again after this. */
export const PENDING_POLL_MS = 500;
/** Hashed bytes that a server claims buy patience at this rate: a server that hashes slower is not waited for. */
export const HASHING_BYTES_PER_S_MIN = 256 * KIB;
/** … but a file of any size may take this long, if its bytes grow evenly. */
export const HASHING_TIME_MS_MIN = 10 * 60_000;
/** The share of the rate that a server claims by which its hashed bytes must grow; measuring is not exact. */
export const HASHING_RATE_SHARE_MIN = 0.5;
/** Our client uses the classic protocol when no Shoal server has answered for this long. */
export const CLASSIC_ASK_AFTER_MS = 500;
/** Unanswered LISTs in a row after which a server's listing is abandoned. */
export const LIST_TRIES_MAX = 8;
/** The same for LISTs that were answered, but never with the page that is needed. */
export const LIST_FRUITLESS_MAX = 32;
/** A page that was overtaken is waited for at least this long. */
export const LIST_REORDER_MS_MIN = 2;
/**
 * Offers under one name that a download remembers: one per endpoint. Of too many a random one goes that its
 * endpoint has not proved.
 */
export const OFFERS_KEPT_MAX = 1_024;

assertRelations([
  [FIND_SCHEDULE_MS[0] === 0, "the first FIND leaves at once"],
]);
