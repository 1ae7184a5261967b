/**
 * The FINDs that were sent, by id: an answer names a query by its position in the FIND, so each FIND
 * that asks something else has an id of its own. A FIND to one endpoint has an id that nobody else was sent,
 * so that its answers prove who received it.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes, Token } from "../../ids.ts";
import { BRIEF_KNOWN_MAX, FINDS_REMEMBERED_MAX, PROBE_BYTES_MIN } from "./limits.ts";
import { encodeFrame, type Query } from "../../wire/frames.ts";
import { BRIEF_FIND_BYTES_MAX } from "../../wire/limits.ts";
import { NO_TOKEN, TOKEN_PLEASE } from "../base/tokens.ts";
import { fitFind, packFind } from "./find_packing.ts";

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
  /** Whether it was asked which others of its endpoints we know. */
  readonly asksAlias?: true;
}

/** The same FIND twice. */
interface FindForms {
  /** Padded, so that it may be answered in full … */
  readonly full: Bytes;
  /** … or not, so that it is answered by RETRY alone, with the first of what is asked. */
  readonly brief: Bytes;
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

  /** A FIND to one endpoint, with a token and so without padding; if it asks for nothing, for whether anybody is there. */
  ask(to: Endpoint, text: FindText<Item>): Bytes {
    const queryId = this.#nextId();
    this.#remember(queryId, to, text.asked);
    return this.#pack(queryId, text, PROBE_BYTES_MIN);
  }

  /** Asks as well whether it is one that has issued tokens to others of our addresses, in front of the FIND. */
  askAlias(to: Endpoint, text: FindText<Item>, addresses: readonly string[]): Bytes {
    const queryId = this.#nextId();
    const want = encodeFrame({ kind: "alias_want", queryId, token: text.token, addresses });
    this.#remember(queryId, to, text.asked);
    this.#sent.set(queryId, { to, asked: text.asked, asksAlias: true });
    const find = this.#pack(queryId, text, PROBE_BYTES_MIN);
    const datagram = new Uint8Array(want.length + find.length);
    datagram.set(want);
    datagram.set(find, want.length);
    return datagram;
  }

  /** A FIND to everybody; one that asks the same as the last keeps its id, so that late answers count. */
  broadcast(text: Omit<FindText<Item>, "token">): FindForms {
    const last = this.#lastId === undefined ? undefined : this.#sent.get(this.#lastId)?.asked;
    const { asked } = text;
    const isRepeat = last?.length === asked.length && asked.every((item, i) => item === last[i]);
    if (!isRepeat) this.#lastId = this.#nextId();
    const queryId = this.#lastId!;
    this.#remember(queryId, undefined, asked);
    const known = text.known.slice(0, BRIEF_KNOWN_MAX);
    const bytesMax = BRIEF_FIND_BYTES_MAX - this.#overheadBytes;
    const first = fitFind(asked, known.length, this.#overheadBytes, bytesMax);
    const brief = { ...text, token: TOKEN_PLEASE, known, asked: first };
    return {
      full: this.#pack(queryId, { ...text, token: NO_TOKEN }),
      brief: this.#pack(queryId, brief, PROBE_BYTES_MIN),
    };
  }

  #remember(queryId: bigint, to: Endpoint | undefined, asked: readonly Item[]): void {
    this.#sent.delete(queryId);
    const [oldest] = this.#sent.keys();
    if (oldest !== undefined && this.#sent.size >= FINDS_REMEMBERED_MAX) this.#sent.delete(oldest);
    this.#sent.set(queryId, { to, asked });
  }

  #pack(queryId: bigint, { asked, ...head }: FindText<Item>, bytesMin?: number): Bytes {
    const queries = asked.map(({ query }) => query);
    if (bytesMin !== undefined && queries.length === 0) queries.push({ by: "any" });
    return packFind({ queryId, ...head }, queries, this.#overheadBytes, bytesMin);
  }
}
