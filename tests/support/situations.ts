/** Paths that people have: the same for the wire between hosts (`tests/lan`) and for the simulation (`tests/sim`). */
import type { Impairments } from "./impairments.ts";

/** Both ways of a path, as one of its ends sees them. */
export interface Situation {
  readonly toHost: Impairments;
  readonly fromHost: Impairments;
}

/** Bytes per millisecond. */
export const MBIT = 125;
const MEDIUM: Impairments = { bytesPerMs: 50 * MBIT, delayMs: 1, queueBytesMax: 250_000 };

/** A line with a downlink of so many Mbit/s and an uplink of so many kbit/s, each with a queue of half a second and more. */
function asymmetric(downMbit: number, upKbit: number): Situation {
  const direction = (bytesPerMs: number, queueMs: number): Impairments => {
    return { bytesPerMs, delayMs: 20, queueBytesMax: queueMs * bytesPerMs };
  };
  return { toHost: direction(downMbit * MBIT, 500), fromHost: direction(upKbit / 8, 2_000) };
}

/** Datagrams that are longer than this vanish, both ways, and nobody says so. */
function narrow(mtuBytes: number): Situation {
  return { toHost: { ...MEDIUM, mtuBytes }, fromHost: { delayMs: 1, mtuBytes } };
}

function jittering(jitterMs: number): Situation {
  return { toHost: { ...MEDIUM, jitterMs }, fromHost: { delayMs: 1 } };
}

export const SITUATIONS = {
  "50 Mbit/s": { toHost: MEDIUM, fromHost: { delayMs: 1 } },
  "0–10 ms of reordering jitter": jittering(10),
  "0–20 ms of reordering jitter": jittering(20),
  "0–50 ms of reordering jitter": jittering(50),
  "0–20 ms of jitter in order": {
    toHost: { ...MEDIUM, jitterMs: 20, keepsOrder: true },
    fromHost: { delayMs: 1 },
  },
  "everything twice": {
    toHost: { ...MEDIUM, duplication: 1 },
    fromHost: { delayMs: 1, duplication: 1 },
  },
  "a satellite": {
    toHost: { bytesPerMs: 20 * MBIT, delayMs: 150, loss: 0.01, queueBytesMax: 750_000 },
    fromHost: { bytesPerMs: 5 * MBIT, delayMs: 150, loss: 0.01 },
  },
  "1 Mbit/s with a queue of two seconds": {
    toHost: { bytesPerMs: MBIT, delayMs: 10, queueBytesMax: 2_000 * MBIT },
    fromHost: { bytesPerMs: MBIT, delayMs: 10, queueBytesMax: 2_000 * MBIT },
  },
  "bursts of loss": {
    toHost: { ...MEDIUM, burst: { goodMs: 500, badMs: 30, loss: 0.7 } },
    fromHost: { delayMs: 1 },
  },
  "5 % loss": { toHost: { ...MEDIUM, loss: 0.05 }, fromHost: { delayMs: 1, loss: 0.05 } },
  "datagrams of up to 1,000 bytes": narrow(1_000),
  "datagrams of up to 640 bytes": narrow(640),
  "datagrams of up to 600 bytes": narrow(600),
  "1 Mbit/s down, 56 kbit/s up": asymmetric(1, 56),
  "1 Mbit/s down, 128 kbit/s up": asymmetric(1, 128),
  "8 Mbit/s down, 56 kbit/s up": asymmetric(8, 56),
  "8 Mbit/s down, 128 kbit/s up": asymmetric(8, 128),
  "56 kbit/s both ways": {
    toHost: { bytesPerMs: 7, delayMs: 20, queueBytesMax: 14_000 },
    fromHost: { bytesPerMs: 7, delayMs: 20, queueBytesMax: 14_000 },
  },
} as const satisfies Readonly<Record<string, Situation>>;
export type SituationName = keyof typeof SITUATIONS;
