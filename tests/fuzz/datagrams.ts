/** Spoilt datagrams against every decoder and every machine that hears datagrams. */
import type { Bytes } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { claimedSegmentBytes } from "../support/segment.ts";
import { decodeClassicAnswer, decodeClassicChunk } from "../../lib/wire/classic.ts";
import { decodeFrame } from "../../lib/wire/frames.ts";
import { SegmentRuns } from "../../lib/wire/segment_runs.ts";
import { ClientSide } from "./client_side.ts";
import { DATAGRAMS } from "./corpus.ts";
import { mutated, pick } from "./mutator.ts";
import { ServerSide } from "./server_side.ts";

export interface DatagramRun {
  readonly datagrams: number;
  readonly seed: number;
  /** Called now and then, with how many have been sent. */
  readonly onProgress?: (sent: number) => void;
}

/** What a run has reached: that these are not zero shows that it got past the doors. */
export interface DatagramCounts {
  readonly wellFormed: number;
  readonly answered: number;
  readonly served: number;
  readonly chunks: number;
  readonly transfers: number;
}

const PROGRESS_EVERY = 1_000;

/** Throws with the number of the datagram that something went wrong at. */
export function fuzzDatagrams({ datagrams, seed, onProgress }: DatagramRun): DatagramCounts {
  const random = new Random(seed);
  const server = new ServerSide(random);
  const client = new ClientSide(random);
  let wellFormed = 0;
  let nowMs = 0;
  for (let sent = 0; sent < datagrams; sent++) {
    if (sent % PROGRESS_EVERY === 0) onProgress?.(sent);
    nowMs += random.chance(0.01) ? 50 : random.fraction();
    const draw = (): Bytes => {
      const source = random.below(3);
      if (source === 0) return pick(random, DATAGRAMS);
      return source === 1 ? server.seed(nowMs) : client.seed();
    };
    const datagram = mutated(random, draw(), draw());
    try {
      if (decode(datagram)) wellFormed += 1;
      server.receive(nowMs, datagram);
      client.receive(nowMs, datagram);
    } catch (cause) {
      const message = `datagram ${sent + 1} of seed ${seed}: ${datagram.toHex()}`;
      throw new Error(message, { cause });
    }
  }
  const { answered, served } = server;
  const { chunks, transfers } = client;
  return { wellFormed, answered, served, chunks, transfers };
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
