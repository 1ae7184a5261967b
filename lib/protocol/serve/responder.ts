/**
 * How a server answers control frames: who has this, what are its hashes, what else is there
 * (docs/PROTOCOL.md, "Finding", "Piece layers", "Listing"). Requests for bytes are the sender's.
 *
 * It promises that an unvalidated address gets at most as many bytes as it sent, that a
 * crowd of servers does not say "absent" at once, and that unvalidated peers cost bounded work and memory.
 */
import { type Endpoint, partyOf, withoutScope } from "../../address.ts";
import type { Bytes, SafeFileName, ServerId } from "../../ids.ts";
import {
  BRIEF_FIND_BYTES_MAX,
  CONTROL_BYTES_MAX,
  LAYER_PAGES_PER_WANT_MAX,
  SIMILAR_NAMES_MAX,
} from "../../wire/limits.ts";
import { ABSENT_DELAY_MS_MAX, ASKERS_MAX, REQUEST_MEMORY_MS } from "./limits.ts";
import { encodeFrame, type FrameOf } from "../../wire/frames.ts";
import { partsOfPage } from "../merkle/layer_parts.ts";
import { packFrames } from "./answer_packing.ts";
import { type CatalogueView, FindAnswers } from "./find_answers.ts";
import { listingPages } from "./listing.ts";
import { Random } from "../base/random.ts";
import { RecentMap } from "../base/recent_map.ts";
import type { QuestionFrame } from "./questions.ts";
import { QuestionGate } from "./question_gate.ts";
import { type GuardedFrame, retryFor } from "./retry.ts";
import { heldPage } from "./held_page.ts";
import { SimilarSearches } from "./similar_searches.ts";
import { Takers } from "./takers.ts";
import type { Tokens } from "../base/tokens.ts";

interface ResponderOptions {
  readonly server: ServerId;
  readonly tokens: Tokens;
  readonly view: CatalogueView;
  readonly seed: number;
  /** What the transport adds to a datagram; 0 by default. */
  readonly overheadBytes?: number;
}

/** The server's own port, or the one that all servers of a host share. */
export type AnsweringPort = "data" | "discovery";

export type ResponderAction =
  | {
    readonly kind: "send";
    readonly to: Endpoint;
    readonly port: AnsweringPort;
    readonly datagrams: readonly Bytes[];
    readonly afterMs: number;
  }
  /** Somebody waits for this file: hash it before others. */
  | { readonly kind: "prioritise"; readonly name: SafeFileName; readonly party: string }
  /** A client asks for packs of what is offered. */
  | { readonly kind: "pack"; readonly to: Endpoint; readonly want: FrameOf<"pack_want"> }
  /** A file was asked for by name and offered. */
  | { readonly kind: "requested"; readonly name: SafeFileName; readonly from: Endpoint };

const GONE = { kind: "gone", reason: "unknown" } as const;

export class Responder {
  readonly #server: ServerId;
  readonly #tokens: Tokens;
  readonly #view: CatalogueView;
  readonly #random: Random;
  /** One datagram of answers. */
  readonly #bytesMax: number;
  readonly #gate: QuestionGate;
  readonly #takers: Takers;
  readonly #similarSearches = new SimilarSearches();
  readonly #requests = new RecentMap<true>(ASKERS_MAX, REQUEST_MEMORY_MS);
  #actions: ResponderAction[] = [];
  /** Where files and listings can be read over TCP as well; 0 for nowhere. */
  tcpPort = 0;
  /** The server's own port; 0 while it is not open. */
  dataPort = 0;

  constructor(options: ResponderOptions) {
    this.#server = options.server;
    this.#tokens = options.tokens;
    this.#gate = new QuestionGate(options);
    this.#view = options.view;
    this.#random = new Random(options.seed);
    this.#takers = new Takers(new Random(options.seed + 1));
    this.#bytesMax = CONTROL_BYTES_MAX - (options.overheadBytes ?? 0);
  }

  /**
   * @param frameBytes how long `frame` was: answers to unvalidated peers are measured against it
   * @param askedAt the port that it came in at
   */
  handle(
    nowMs: number,
    from: Endpoint,
    frame: QuestionFrame,
    frameBytes: number,
    askedAt: AnsweringPort = "discovery",
  ): readonly ResponderAction[] {
    this.#actions = [];
    const passage = this.#gate.pass(nowMs, from, frame, frameBytes);
    if (!passage.isAdmitted) {
      const port = frame.kind === "find" ? this.#portFor(frame, askedAt) : askedAt;
      if (passage.answer !== undefined) this.#send(from, [passage.answer], { port });
      return this.#actions;
    }
    const { isProved } = passage;
    switch (frame.kind) {
      case "find":
        this.#onFind(nowMs, from, frame, { findBytes: frameBytes, isProved, askedAt });
        break;
      case "alias_want":
        // It goes with a FIND, which is answered in any case.
        if (isProved) this.#onAliasWant(nowMs, from, frame);
        break;
      case "layer_want":
        if (isProved) this.#onLayerWant(from, frame, askedAt);
        else this.#sendRetry(nowMs, from, frame, { frameBytes, askedAt });
        break;
      case "pack_want":
        if (isProved) this.#actions.push({ kind: "pack", to: from, want: frame });
        else this.#sendRetry(nowMs, from, frame, { frameBytes, askedAt });
        break;
      case "have_want":
        if (isProved) this.#onHaveWant(nowMs, from, frame);
        else this.#sendRetry(nowMs, from, frame, { frameBytes, askedAt });
        break;
      case "list":
        if (isProved) this.#onList(from, frame, askedAt);
        else this.#sendRetry(nowMs, from, frame, { frameBytes, askedAt });
        break;
      default:
        frame satisfies never;
    }
    return this.#actions;
  }

  /** Whether a question with a good token came from `address`, as far as is remembered. */
  hasProved(nowMs: number, address: string): boolean {
    return this.#gate.isKnown(nowMs, address);
  }

  #onFind(
    nowMs: number,
    from: Endpoint,
    find: FrameOf<"find">,
    { findBytes, isProved, askedAt }: {
      readonly findBytes: number;
      readonly isProved: boolean;
      readonly askedAt: AnsweringPort;
    },
  ): void {
    if (this.#tokens.isKnown(nowMs, from.address, find.queryId, find.known)) return;
    const port = this.#portFor(find, askedAt);
    // Who asks briefly may be where longer datagrams do not come from.
    const bytesMax = this.#bytesMaxFor(findBytes <= BRIEF_FIND_BYTES_MAX);
    const answers = new FindAnswers(find, {
      view: this.#view,
      server: this.#server,
      token: this.#tokens.issue(nowMs, from.address),
      dataPort: port === "data" ? 0 : this.dataPort,
      tcpPort: this.tcpPort,
      bytesMax: isProved ? Infinity : findBytes,
      frameBytesMax: bytesMax,
      similarTo: (name) =>
        this.#similarSearches.mayBegin(nowMs, isProved ? from.address : undefined)
          ? this.#view.catalogue.similar(name, SIMILAR_NAMES_MAX)
          : [],
    });
    this.#send(from, packFrames(answers.prompt, bytesMax), { port });
    const afterMs = isProved ? 0 : this.#random.between(0, ABSENT_DELAY_MS_MAX);
    this.#send(from, packFrames(answers.absent, bytesMax), { port, afterMs });
    // Anybody can ask in another's name; who is there says so in the next FIND, by the token of this answer.
    const waitedFor = isProved ? answers.pending : [];
    const party = partyOf(from.address);
    for (const name of waitedFor) this.#actions.push({ kind: "prioritise", name, party });
    for (const name of answers.offered) this.#onOffered(nowMs, from, name);
  }

  /** One datagram of answers to what was asked for briefly or not. */
  #bytesMaxFor(isBrief: boolean | undefined): number {
    return isBrief ? this.#bytesMax - CONTROL_BYTES_MAX + BRIEF_FIND_BYTES_MAX : this.#bytesMax;
  }

  /**
   * What is repeated may have been answered in vain: on some networks only the discovery port passes. On others
   * only the data port does: who has reached that one is answered from there.
   */
  #portFor({ round }: FrameOf<"find">, askedAt: AnsweringPort): AnsweringPort {
    return askedAt === "discovery" && this.dataPort !== 0 && round % 2 === 1 ? "discovery" : "data";
  }

  /**
   * One client's question comes by several of its addresses, but from one port; and whoever asks from port
   * after port makes no more news than from one.
   */
  #onOffered(nowMs: number, from: Endpoint, name: SafeFileName): void {
    const keys = [`${from.port} ${name}`, `${partyOf(from.address)} ${name}`];
    const isNew = keys.every((key) => this.#requests.get(nowMs, key) === undefined);
    for (const key of keys) this.#requests.set(nowMs, key, true);
    if (isNew) this.#actions.push({ kind: "requested", name, from });
  }

  /** Shows that we are the one who has answered that client at others of its addresses. */
  #onAliasWant(nowMs: number, from: Endpoint, want: FrameOf<"alias_want">): void {
    const { queryId, addresses } = want;
    const seen = withoutScope(from.address);
    const marks = addresses.map((each) => this.#tokens.aliasMark(nowMs, each, queryId, seen));
    const token = this.#tokens.issue(nowMs, from.address);
    const server = this.#server;
    this.#send(from, [encodeFrame({ kind: "alias", queryId, server, token, seen, marks })]);
  }

  /** Whoever asks at the port that servers share does not reach the other one. */
  #onLayerWant(from: Endpoint, want: FrameOf<"layer_want">, port: AnsweringPort): void {
    const { nonce, number, root, sizeBytes } = want;
    const pageCount = Math.min(want.pageCount, LAYER_PAGES_PER_WANT_MAX);
    const datagrams: Bytes[] = [];
    for (let page = want.firstPage; page < want.firstPage + pageCount; page++) {
      const found = this.#view.layerPage(root, sizeBytes, page);
      if (found === undefined) break;
      if (!want.isBrief) {
        datagrams.push(encodeFrame({ kind: "layer", nonce, number, page, ...found }));
        continue;
      }
      for (const [part, hashes] of partsOfPage(found).entries()) {
        datagrams.push(encodeFrame({ kind: "layer_part", nonce, number, page, part, hashes }));
      }
    }
    // Asked last, for a layer may be found to be lost only when it is read.
    if (!this.#view.holds(root, sizeBytes)) {
      datagrams.splice(0, Infinity, encodeFrame({ ...GONE, nonce, number, root }));
    }
    this.#send(from, datagrams, { port });
  }

  /** What we have of a content, and who else is after it. */
  #onHaveWant(nowMs: number, from: Endpoint, want: FrameOf<"have_want">): void {
    const { nonce, number, root, sizeBytes, port } = want;
    const held = this.#view.heldOf?.(root, sizeBytes);
    if (held === undefined && !this.#view.holds(root, sizeBytes)) {
      return this.#send(from, [encodeFrame({ ...GONE, nonce, number, root })]);
    }
    const page = heldPage(held, want.firstChunk);
    const news = this.#takers.ask(nowMs, from, want, port);
    this.#send(from, [encodeFrame({ kind: "have", nonce, number, ...page, ...news })]);
  }

  #onList(from: Endpoint, list: FrameOf<"list">, port: AnsweringPort): void {
    const { catalogue } = this.#view;
    const bytesMax = this.#bytesMaxFor(list.isBrief);
    const pages = listingPages(catalogue, this.#server, list, this.tcpPort, bytesMax);
    this.#send(from, pages, { port });
  }

  /** Who has not shown that it receives what is sent to its address is told how to. */
  #sendRetry(
    nowMs: number,
    from: Endpoint,
    frame: GuardedFrame,
    { frameBytes, askedAt }: { readonly frameBytes: number; readonly askedAt: AnsweringPort },
  ): void {
    const fresh = this.#tokens.issue(nowMs, from.address);
    const retry = retryFor(frame, frameBytes, this.#server, fresh);
    if (retry !== undefined) this.#send(from, [retry], { port: askedAt });
  }

  #send(
    to: Endpoint,
    datagrams: readonly Bytes[],
    { port = "data", afterMs = 0 }: { readonly port?: AnsweringPort; readonly afterMs?: number } =
      {},
  ): void {
    if (datagrams.length > 0) this.#actions.push({ kind: "send", to, port, datagrams, afterMs });
  }
}
