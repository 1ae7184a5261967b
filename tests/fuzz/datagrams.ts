/** Spoilt datagrams against every decoder, and against a server and clients as they ship. */
import type { Bytes } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { claimedSegmentBytes } from "../support/segment.ts";
import { decodeClassicAnswer, decodeClassicChunk } from "../../lib/wire/classic.ts";
import { decodeFrame } from "../../lib/wire/frames.ts";
import { SegmentRuns } from "../../lib/wire/segment_runs.ts";
import { DATAGRAMS } from "./corpus.ts";
import { virtualSeal } from "../sim/virtual_seal.ts";
import { FuzzWorld } from "./fuzz_world.ts";
import { mutated, pick } from "./mutator.ts";

export interface DatagramRun {
  readonly datagrams: number;
  readonly seed: number;
  /** Called now and then, with how many have been sent. */
  readonly onProgress?: (sent: number) => void;
}

/** What a run has reached: that these are not zero shows that it got past the doors. */
export interface DatagramCounts {
  readonly wellFormed: number;
  /** Datagrams of the server. */
  readonly answered: number;
  /** Files that a client has got, whole. */
  readonly published: number;
  /** Searches, listings and downloads that came to an end. */
  readonly uses: number;
}

const PROGRESS_EVERY = 1_000;

/** Throws with the number of the datagram that something went wrong at. */
export async function fuzzDatagrams(
  { datagrams, seed, onProgress }: DatagramRun,
): Promise<DatagramCounts> {
  const random = new Random(seed);
  // Every other seed is one of a group that shares a secret.
  const world = new FuzzWorld(random, seed % 2 === 1 ? virtualSeal(seed) : undefined);
  let wellFormed = 0;
  for (let sent = 0; sent < datagrams; sent++) {
    if (sent % PROGRESS_EVERY === 0) onProgress?.(sent);
    const draw = (): Bytes =>
      (random.chance(0.3) ? undefined : world.seed()) ?? pick(random, DATAGRAMS);
    const datagram = mutated(random, draw(), draw());
    try {
      if (decode(datagram)) wellFormed += 1;
      world.fire(datagram);
      await world.run(random.chance(0.01) ? 50 : random.fraction());
    } catch (cause) {
      const message = `datagram ${sent + 1} of seed ${seed}: ${datagram.toHex()}`;
      throw new Error(message, { cause });
    }
  }
  const { answered, published, uses } = world;
  return { wellFormed, answered, published, uses };
}

/** Whether it is a control frame. */
function decode(datagram: Bytes): boolean {
  decodeClassicAnswer(datagram);
  decodeClassicChunk(datagram);
  const runs = new SegmentRuns();
  runs.read(datagram, claimedSegmentBytes(datagram));
  while (!runs.isAtEnd) {
    if (runs.isData && runs.isOfFlow(runs.segment.nonceHigh, runs.segment.nonceLow, false)) {
      runs.takeRun();
    } else runs.takeSlot();
  }
  return decodeFrame(datagram).kind !== "malformed";
}
