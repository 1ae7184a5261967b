/**
 * Who lately asked what there is of a content (docs/PROTOCOL.md, "Takers"): each has shown a valid token, so datagrams reach
 * its address; whether anything listens at the port that it names is for those to find out who are told of it.
 */
import { type Endpoint, endpointKey, isLinkLocal, isLoopback, partyOf } from "../../address.ts";
import type { Random } from "../base/random.ts";
import { type ContentRef, keyOf } from "../base/served_file.ts";
import { TAKERS_NAMED_MAX } from "../../wire/limits.ts";
import {
  TAKEN_CONTENTS_MAX,
  TAKER_MEMORY_MS,
  TAKERS_PER_CONTENT_MAX,
  TAKERS_PER_PARTY_MAX,
} from "./limits.ts";

interface Taker {
  readonly party: string;
  seenMs: number;
  /** Where it gives what it has; `undefined` for nowhere, or nowhere that means anything to others. */
  gives: Endpoint | undefined;
}

interface TakersTold {
  /** How many lately asked, whoever asks now included. */
  readonly takerCount: number;
  /** Which of them that is, from 0. */
  readonly place: number;
  /** Some of the others, where they give. */
  readonly takers: readonly Endpoint[];
}

export class Takers {
  readonly #random: Random;
  /** By content, the one that was asked for longest ago first; of each by endpoint, in the order in which they came. */
  readonly #contents = new Map<string, Map<string, Taker>>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** @param port where `from`, which has proved its address, gives what it has; 0 for nowhere */
  ask(nowMs: number, from: Endpoint, content: ContentRef, port: number): TakersTold {
    const takers = this.#of(keyOf(content));
    const key = endpointKey(from);
    const own = takers.get(key) ?? makeRoom(takers, partyOf(from.address));
    own.seenMs = nowMs;
    own.gives = givenAt(from.address, port);
    takers.set(key, own);
    let place = 0;
    let index = 0;
    const others: Endpoint[] = [];
    for (const [each, taker] of takers) {
      if (nowMs - taker.seenMs > TAKER_MEMORY_MS) {
        takers.delete(each);
        continue;
      }
      if (taker === own) place = index;
      else if (taker.gives !== undefined) others.push(taker.gives);
      index += 1;
    }
    return { takerCount: takers.size, place, takers: this.#some(others) };
  }

  #of(key: string): Map<string, Taker> {
    const takers = this.#contents.get(key) ?? new Map<string, Taker>();
    this.#contents.delete(key);
    this.#contents.set(key, takers);
    const [oldest] = this.#contents.keys();
    if (this.#contents.size > TAKEN_CONTENTS_MAX) this.#contents.delete(oldest!);
    return takers;
  }

  #some(others: Endpoint[]): readonly Endpoint[] {
    const count = Math.min(others.length, TAKERS_NAMED_MAX);
    for (let i = 0; i < count; i++) {
      const j = i + this.#random.below(others.length - i);
      [others[i], others[j]] = [others[j]!, others[i]!];
    }
    return others.slice(0, count);
  }
}

/** What is one machine's, or one link's, means nothing elsewhere. */
function givenAt(address: string, port: number): Endpoint | undefined {
  const isElsewhere = port !== 0 && !isLoopback(address) && !isLinkLocal(address);
  return isElsewhere ? { address, port } : undefined;
}

/** A new one of `party`, for which the longest silent makes room where that is needed: of its party, or of all. */
function makeRoom(takers: Map<string, Taker>, party: string): Taker {
  let neighbours = 0;
  let silent: string | undefined;
  let silentNeighbour: string | undefined;
  for (const [key, taker] of takers) {
    if (silent === undefined || taker.seenMs < takers.get(silent)!.seenMs) silent = key;
    if (taker.party !== party) continue;
    neighbours += 1;
    const { seenMs } = takers.get(silentNeighbour ?? key)!;
    if (silentNeighbour === undefined || taker.seenMs < seenMs) silentNeighbour = key;
  }
  if (neighbours >= TAKERS_PER_PARTY_MAX) takers.delete(silentNeighbour!);
  else if (takers.size >= TAKERS_PER_CONTENT_MAX) takers.delete(silent!);
  return { party, seenMs: 0, gives: undefined };
}
