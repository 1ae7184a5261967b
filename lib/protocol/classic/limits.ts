/** The classic protocol. */
import { assertRelations } from "../../limits.ts";
import { GIB, KIB, MIB } from "../../limits.ts";
import { CLASSIC_CHUNK_BYTES_MAX } from "../../wire/limits.ts";

export const CLASSIC_FILE_BYTES_MAX = 1 * GIB;
/** Classic data leaves at this rate … */
export const CLASSIC_RATE_BYTES_PER_S = 4_000_000;
/** … and never below this one, however often the same client asks again: no pause reaches 1 s. */
export const CLASSIC_RATE_BYTES_PER_S_MIN = 250_000;
export const CLASSIC_BURST_DATAGRAMS = 8;
/** The same in bytes, for large chunks: a default receive buffer takes several bursts. */
export const CLASSIC_BURST_BYTES_MAX = 64 * KIB;
/** Existing clients decode the first datagram as the answer: data follows after this pause. */
export const CLASSIC_ANSWER_LEAD_MS = 10;
export const CLASSIC_ASK_SPACING_MS = 300;
/** An unpinned file is not complete before so long after the first answer: others that differ are listened for. */
export const CLASSIC_LISTEN_MS = 250;
/** A classic server is asked again only after it has been silent for this long. */
export const CLASSIC_SILENCE_MS = 1_000;
/**
 * Classic transfers that a server runs at once, one per claimed address: one that has had its turn makes room, at
 * random, unless a token has proved its address.
 */
export const CLASSIC_TRANSFERS_MAX = 16;
/** A transfer gives way after this long: to another port of the same address, and to others where there is no room. */
export const CLASSIC_TURN_MS = 2_000;
/** Claimed addresses and ports that a server remembers: who sent a FIND, who was slowed down. The oldest is forgotten. */
export const CLASSIC_PEERS_MAX = 1_024;
/** … and for how long. */
export const CLASSIC_PEER_MEMORY_MS = 60_000;
/** Chunks of a file that our client takes from a classic server: bounds its bitmap. */
export const CLASSIC_CHUNKS_MAX = 16 * MIB;

assertRelations([
  [
    CLASSIC_BURST_BYTES_MAX / CLASSIC_RATE_BYTES_PER_S_MIN < CLASSIC_SILENCE_MS / 1_000,
    "no pause between classic bursts reaches a client's patience",
  ],
  [CLASSIC_BURST_BYTES_MAX >= CLASSIC_CHUNK_BYTES_MAX + 40, "a burst is at least one chunk"],
]);
