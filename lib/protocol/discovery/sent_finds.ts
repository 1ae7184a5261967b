/**
 * The FINDs that were sent, by id: an answer names a query by its position in the FIND, so each FIND
 * that asks something else has an id of its own. A FIND to one endpoint has an id that nobody else was sent,
 * so that its answers prove who received it.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes, Token } from "../../ids.ts";
import { FINDS_REMEMBERED_MAX, PROBE_BYTES_MIN } from "./limits.ts";
import type { Query } from "../../wire/frames.ts";
import { packFind } from "./find_packing.ts";

/** What a FIND is about. */
interface FindText<Item> {
  readonly token: Token;
  readonly round: number;
  /** Tokens of servers that stay silent. */
  readonly known: readonly Token[];
  readonly asked: readonly Item[];
}

interface SentFind<Item> {
  /** The only one who was sent it; `undefined` for a broadcast, which anybody may have seen. */
  readonly to: Endpoint | undefined;
  readonly asked: readonly Item[];
}

export class SentFinds<Item extends { readonly query: Query }> {
  readonly #sent = new Map<bigint, SentFind<Item>>();
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

  get(queryId: bigint): SentFind<Item> | undefined {
    return this.#sent.get(queryId);
  }

  /** A FIND to one endpoint. */
  ask(to: Endpoint, text: FindText<Item>): Bytes {
    return this.#pack(this.#nextId(), to, text);
  }

  /** The same without padding, where nothing is known to listen; if it asks for nothing, for whether anybody is there. */
  probe(to: Endpoint, text: FindText<Item>): Bytes {
    return this.#pack(this.#nextId(), to, text, PROBE_BYTES_MIN);
  }

  /** A FIND to everybody; one that asks the same as the last keeps its id, so that late answers count. */
  broadcast(text: FindText<Item>): Bytes {
    const last = this.#lastId === undefined ? undefined : this.#sent.get(this.#lastId)?.asked;
    const { asked } = text;
    const isRepeat = last?.length === asked.length && asked.every((item, i) => item === last[i]);
    if (!isRepeat) this.#lastId = this.#nextId();
    return this.#pack(this.#lastId!, undefined, text);
  }

  #pack(
    queryId: bigint,
    to: Endpoint | undefined,
    { asked, ...head }: FindText<Item>,
    bytesMin?: number,
  ): Bytes {
    this.#sent.delete(queryId);
    const [oldest] = this.#sent.keys();
    if (oldest !== undefined && this.#sent.size >= FINDS_REMEMBERED_MAX) this.#sent.delete(oldest);
    this.#sent.set(queryId, { to, asked });
    const queries = asked.map(({ query }) => query);
    if (bytesMin !== undefined && queries.length === 0) queries.push({ by: "any" });
    return packFind({ queryId, ...head }, queries, this.#overheadBytes, bytesMin);
  }
}
