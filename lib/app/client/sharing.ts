/**
 * What a `get` gives of what it fetches (docs/PROTOCOL.md, "Takers"): the chunks that it has proved, from its part files, as a server
 * gives files, under the same bounds. It offers nothing by name, lists nothing and takes nothing. Its socket and its
 * worker are opened when somebody else is there to give to.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes, Content, SafeFileName, ServerId } from "../../ids.ts";
import { checkChunk } from "../../io/hash/chunk_check.ts";
import type { Runtime } from "../../io/runtime.ts";
import { randomServerId } from "../../io/system/random_source.ts";
import { DATA_PORTS, HASH_BYTES } from "../../limits.ts";
import type { TransportConfig } from "../../messages/transport_config.ts";
import { RateLimit } from "../../protocol/base/rate_limit.ts";
import {
  type ContentPlace,
  type ContentRef,
  keyOf,
  type ServedFile,
} from "../../protocol/base/served_file.ts";
import { Tokens } from "../../protocol/base/tokens.ts";
import { layerHash } from "../../protocol/merkle/merkle.ts";
import { Catalogue } from "../../protocol/serve/catalogue.ts";
import type { CatalogueView } from "../../protocol/serve/find_answers.ts";
import type { QuestionFrame } from "../../protocol/serve/questions.ts";
import { Responder } from "../../protocol/serve/responder.ts";
import { DataSocket } from "../serve/data_socket.ts";
import { DOUBTS_PER_S, LEAVE_MS_MAX, LEAVE_MS_MIN } from "./limits.ts";

type PartPlace = Extract<ContentPlace, { kind: "part" }>;

/** A content that is being fetched, or was. */
export interface SharedContent {
  readonly content: Content;
  readonly layer: Bytes;
  readonly place: PartPlace;
}

interface SharingOptions {
  readonly runtime: Runtime;
  /** Of its socket, but for the ports. */
  readonly transport: TransportConfig;
  /** 0 for no cap. */
  readonly rateBytesPerS: number;
  /** Bytes of a content that somebody was sent for the first time. */
  readonly onGiven: (bytes: number) => void;
  /** For people who look for a fault. */
  readonly onDetail: (message: string) => void;
}

/** Where it gives, and what it calls itself there. */
interface SharingPlace {
  readonly port: number;
  readonly id: ServerId;
}

interface Opened {
  readonly responder: Responder;
  readonly data: DataSocket;
}

/** From the far end: servers that are started later find theirs. */
const PORTS: readonly number[] = [...DATA_PORTS.toReversed(), 0];
/** A part file is told by other means than what is not known of it before it is whole. */
const UNKNOWN_TIMES = { mtimeMs: 0, ctimeMs: 0 } as const;
/** It has no name here. */
const NAME = "part" as SafeFileName;

export class Sharing {
  readonly #options: SharingOptions;
  readonly #contents = new Map<string, SharedContent>();
  readonly #doubts = new RateLimit(DOUBTS_PER_S, DOUBTS_PER_S);
  /** When somebody was last given something, as far as was told. */
  #givenMs = -Infinity;
  #opened: Opened | undefined;
  #opening: Promise<SharingPlace | undefined> | undefined;

  constructor(options: SharingOptions) {
    this.#options = options;
  }

  /** Gives what there is of this from now on. */
  add(shared: SharedContent): void {
    this.#contents.set(keyOf(shared.content), shared);
  }

  /** … and nothing more. */
  remove(shared: SharedContent): void {
    const { root, sizeBytes } = shared.content;
    if (this.#contents.get(keyOf(shared.content)) !== shared) return;
    this.#contents.delete(keyOf(shared.content));
    this.#opened?.data.forget(root, sizeBytes);
  }

  /** Opens the socket, once; resolves with `undefined` where that is not to be had, so that nothing is given. */
  open(): Promise<SharingPlace | undefined> {
    return this.#opening ??= this.#open();
  }

  /** Sends what it has promised, and leaves nothing behind. */
  async close(): Promise<void> {
    await this.#opening;
    const data = this.#opened?.data;
    if (data === undefined) return;
    this.#contents.clear();
    const waiting = new AbortController();
    const { clock } = this.#options.runtime;
    const late = clock.sleep(LEAVE_MS_MAX, waiting.signal);
    const isMissed = clock.nowMs() - this.#givenMs < LEAVE_MS_MAX;
    const told = isMissed ? clock.sleep(LEAVE_MS_MIN, waiting.signal) : undefined;
    await Promise.race([Promise.all([data.leave(), told]), late]);
    waiting.abort();
    await data.close();
  }

  async #open(): Promise<SharingPlace | undefined> {
    const { runtime, transport, rateBytesPerS, onGiven, onDetail } = this.#options;
    const id = randomServerId(runtime.random);
    const tokenSecret = runtime.random.bytes(HASH_BYTES);
    const data = new DataSocket({
      ...{ runtime, transport, ports: PORTS, rateBytesPerS, tokenSecret, server: id, onDetail },
      onQuestion: (...question) => this.#onQuestion(...question),
      locate: (root, sizeBytes) => this.#located({ root, sizeBytes }),
      following: () => [],
      // What is not what it was is not looked for again: whoever fetches finds out.
      onChanged: (root, sizeBytes) => void this.#contents.delete(keyOf({ root, sizeBytes })),
      onStruck: (_party, content, chunk) => this.#onStruck(content, chunk),
      onFlow: () => {},
      onSent: (shares) => {
        this.#givenMs = runtime.clock.nowMs();
        onGiven(shares.reduce((sum, { newBytes }) => sum + newBytes, 0));
      },
      onServed: () => {},
      onRefused: () => {},
      onFailure: (error) => {
        onDetail(`nothing is given to others: ${error.message}`);
        this.#opened = undefined;
      },
    });
    try {
      const { port } = await data.opened;
      const responder = new Responder({
        ...{ server: id, tokens: new Tokens(tokenSecret), view: this.#view() },
        seed: runtime.random.u32(),
      });
      this.#opened = { responder, data };
      return { port, id };
    } catch {
      return undefined;
    }
  }

  /** Nothing is offered: who asks for a name, for a list or for hashes asks servers. */
  #onQuestion(from: Endpoint, frame: QuestionFrame, frameBytes: number): void {
    if (frame.kind !== "have_want" || this.#opened === undefined) return;
    const { responder, data } = this.#opened;
    const nowMs = this.#options.runtime.clock.nowMs();
    for (const action of responder.handle(nowMs, from, frame, frameBytes, "data")) {
      if (action.kind === "send") data.send(action.to, action.datagrams);
    }
  }

  #located(ref: ContentRef): ServedFile | undefined {
    const shared = this.#contents.get(keyOf(ref));
    if (shared === undefined) return undefined;
    const { place } = shared;
    return { name: NAME, place, sizeBytes: ref.sizeBytes, inode: place.inode, ...UNKNOWN_TIMES };
  }

  #view(): CatalogueView {
    return {
      catalogue: new Catalogue(),
      isScanned: false,
      refresh: () => {},
      hashRateOf: () => 0,
      treeOf: () => undefined,
      holds: () => false,
      heldOf: (root, sizeBytes) => this.#heldOf({ root, sizeBytes }),
      layerPage: () => undefined,
    };
  }

  #heldOf(ref: ContentRef): Uint8Array | undefined {
    return this.#contents.get(keyOf(ref))?.place.held;
  }

  /** Somebody found a chunk bad that he was sent: if it is, it is given to nobody any more. */
  #onStruck(ref: ContentRef, chunk: number): void {
    const { runtime: { clock, disk } } = this.#options;
    const shared = this.#contents.get(keyOf(ref));
    const file = this.#located(ref);
    if (shared === undefined || file === undefined || !this.#doubts.take(clock.nowMs(), 1)) return;
    const { place, layer } = shared;
    const hash = layerHash(layer, chunk);
    const { found } = checkChunk(disk, {
      ...{ kind: "check", job: 0, place, signature: file, chunk, hash },
    });
    if (found !== "good") place.held[chunk >> 3]! &= ~(1 << (chunk & 7));
  }
}

/** Where a part file lies; `undefined` where it is not to be seen. */
export function partPlaceOf(
  { disk }: Pick<Runtime, "disk">,
  path: string,
  chunkCount: number,
): PartPlace | undefined {
  try {
    const real = disk.realPath(path);
    const identity = disk.identityAt(real);
    if (identity === undefined) return undefined;
    const held = new Uint8Array(new SharedArrayBuffer(Math.ceil(chunkCount / 8)));
    const { device, signature: { inode } } = identity;
    return { kind: "part", path: real, device, inode, held };
  } catch {
    return undefined;
  }
}
