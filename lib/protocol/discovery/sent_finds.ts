/**
 * The FINDs that were sent, by id: an answer names a query by its position in the FIND, so each FIND
 * that asks something else has an id of its own.
 */
import type { Bytes, ServerId, Token } from "../../ids.ts";
import { FINDS_REMEMBERED_MAX } from "./limits.ts";
import type { Query } from "../../wire/frames.ts";
import { packFind } from "./find_packing.ts";

/** What a FIND is about. */
export interface FindText<Item> {
  readonly token: Token;
  readonly round: number;
  readonly known: readonly ServerId[];
  readonly asked: readonly Item[];
}

export class SentFinds<Item extends { readonly query: Query }> {
  readonly #asked = new Map<bigint, readonly Item[]>();
  /** Of those, the FINDs that went to one server alone. */
  readonly #unicast = new Set<bigint>();
  readonly #overheadBytes: number;
  readonly #nextId: () => bigint;
  #lastId: bigint | undefined;

  /**
   * @param nextId a new id for each FIND; random, or who sees a broadcast could answer for others
   * @param overheadBytes what the transport adds to a datagram
   */
  constructor(nextId: () => bigint, overheadBytes: number) {
    this.#overheadBytes = overheadBytes;
    this.#nextId = nextId;
  }

  owns(queryId: bigint): boolean {
    return this.#asked.has(queryId);
  }

  /** What position `queryIndex` of that FIND asked for. */
  at(queryId: bigint, queryIndex: number): Item | undefined {
    return this.#asked.get(queryId)?.[queryIndex];
  }

  /** Whether a peer that knows this id has received a FIND that was sent to nobody else. */
  isUnicast(queryId: bigint): boolean {
    return this.#unicast.has(queryId);
  }

  /** A FIND to one server. */
  ask(text: FindText<Item>): Bytes {
    const queryId = this.#nextId();
    this.#unicast.add(queryId);
    return this.#pack(queryId, text);
  }

  /** A FIND to everybody; one that asks the same as the last keeps its id, so that late answers count. */
  broadcast(text: FindText<Item>): Bytes {
    const last = this.#lastId === undefined ? undefined : this.#asked.get(this.#lastId);
    const { asked } = text;
    const isRepeat = last?.length === asked.length && asked.every((item, i) => item === last[i]);
    if (!isRepeat) this.#lastId = this.#nextId();
    return this.#pack(this.#lastId!, text);
  }

  #pack(queryId: bigint, { asked, ...head }: FindText<Item>): Bytes {
    this.#asked.delete(queryId);
    const [oldest] = this.#asked.keys();
    if (oldest !== undefined && this.#asked.size >= FINDS_REMEMBERED_MAX) {
      this.#asked.delete(oldest);
      this.#unicast.delete(oldest);
    }
    this.#asked.set(queryId, asked);
    const queries = asked.map(({ query }) => query);
    return packFind({ queryId, ...head }, queries, this.#overheadBytes);
  }
}
