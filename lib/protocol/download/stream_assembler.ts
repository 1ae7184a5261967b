/**
 * What stands in the assembler's place where a file goes to a reader, in order, instead of to the disk: chunks that come
 * early wait in memory, up to a window beyond which none are asked for. Nothing leaves before it is certain which
 * content is meant, and the last chunk leaves only if the whole is what was offered.
 *
 * What has left cannot be taken back: if the transfer begins again it continues there, and another content is refused.
 *
 * The reader is the driver's: bytes are written one `write` at a time, each answered by `wrote` or `failed`.
 */
import type { ErrorMessage } from "../../errors.ts";
import { ShoalError } from "../../errors.ts";
import { type Content, contentKey } from "../../ids.ts";
import { Bitmap } from "../base/bitmap.ts";
import { StreamingHash } from "../base/sha256.ts";
import { chunkBytesFor, chunkCountFor } from "../merkle/merkle.ts";
import type { OpenRequest, VerifiedChunk } from "./assembler_steps.ts";
import { STREAM_WINDOW_BYTES, STREAM_WINDOW_CHUNKS_MIN } from "./limits.ts";
import type { TargetReply, TargetRequest } from "./target_messages.ts";

export type StreamAssemblerEvent =
  | TargetRequest
  /** Their buffers are the caller's again at once. */
  | { readonly kind: "chunks"; readonly chunks: readonly VerifiedChunk[] }
  /** The reader has what it was given. */
  | { readonly kind: "wrote" }
  /** The reader takes nothing more. */
  | { readonly kind: "failed"; readonly error: ErrorMessage };

export type StreamAssemblerAction =
  | { readonly kind: "reply"; readonly reply: TargetReply }
  | { readonly kind: "write"; readonly bytes: Uint8Array };

/** What the reader has been given of a content. */
interface Flow {
  readonly content: Content;
  readonly hash: StreamingHash;
  readonly chunkCount: number;
  readonly windowChunks: number;
  /** The chunk that leaves next. */
  next: number;
}

interface Transfer {
  readonly request: OpenRequest;
  readonly flow: Flow;
  /** Chunks that came early. */
  readonly early: Map<number, Uint8Array>;
  mayPublish: boolean;
  /** How many chunks may be asked for. */
  endChunk: number;
}

/** What a reader that is no file is called. */
const NAME = "-";

export class StreamAssembler {
  /** Of what has begun to leave: there is no other any more. */
  #begun: Flow | undefined;
  #transfer: Transfer | undefined;
  #isWriting = false;
  #failure: ErrorMessage | undefined;
  #actions: StreamAssemblerAction[] = [];

  handle(event: StreamAssemblerEvent): readonly StreamAssemblerAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "open":
        this.#open(event);
        break;
      case "publish":
        if (this.#transfer?.request.transfer !== event.transfer) break;
        this.#transfer.mayPublish = true;
        this.#advance(this.#transfer);
        break;
      case "layer":
      // What goes to a reader is not kept for others.
      case "share":
        break;
      case "abort":
        if (this.#transfer?.request.transfer === event.transfer) this.#transfer = undefined;
        this.#reply({ kind: "aborted", transfer: event.transfer });
        break;
      case "chunks":
        this.#take(event.chunks);
        break;
      case "wrote":
        this.#onWrote();
        break;
      case "failed":
        this.#isWriting = false;
        this.#failure = event.error;
        if (this.#transfer !== undefined) this.#fail(this.#transfer, event.error);
        break;
      default:
        event satisfies never;
    }
    return this.#actions;
  }

  /** Bytes that wait for those before them. */
  get earlyBytes(): number {
    let bytes = 0;
    for (const each of this.#transfer?.early.values() ?? []) bytes += each.length;
    return bytes;
  }

  #open(request: OpenRequest): void {
    const { content, transfer: id, mayPublish } = request;
    const begun = this.#begun;
    const isOther = begun !== undefined && contentKey(begun.content) !== contentKey(content);
    const error = this.#failure ?? (isOther ? otherContent() : undefined);
    if (error !== undefined) {
      return this.#reply({ kind: "transferFailed", transfer: id, error });
    }
    const flow = begun ?? newFlow(content);
    const endChunk = Math.min(flow.chunkCount, flow.next + flow.windowChunks);
    const transfer: Transfer = { request, flow, early: new Map(), mayPublish, endChunk };
    this.#transfer = transfer;
    // What is being written counts as gone.
    const goneCount = flow.next + (this.#isWriting ? 1 : 0);
    const have = new Bitmap(flow.chunkCount);
    for (let chunk = 0; chunk < goneCount; chunk++) have.set(chunk);
    const haveBytes = Math.min(goneCount * chunkBytesFor(content.sizeBytes), content.sizeBytes);
    this.#reply({
      ...{ kind: "opened", transfer: id, have: have.bytes, haveBytes, partPath: NAME, endChunk },
    });
    this.#advance(transfer);
  }

  #take(chunks: readonly VerifiedChunk[]): void {
    const transfer = this.#transfer;
    if (transfer === undefined) return;
    const { flow, early, endChunk, request } = transfer;
    const tooEarly: number[] = [];
    for (const { transfer: id, chunk, bytes, buffer } of chunks) {
      if (id !== request.transfer || chunk < flow.next || early.has(chunk)) continue;
      if (chunk >= endChunk) tooEarly.push(chunk);
      else early.set(chunk, buffer.slice(0, bytes));
    }
    // Who brings chunks unasked brings them again.
    if (tooEarly.length > 0) {
      this.#reply({ kind: "unproved", transfer: request.transfer, chunks: tooEarly });
    }
    this.#advance(transfer);
  }

  /** Lets the next chunk leave, if it is there. */
  #advance(transfer: Transfer): void {
    if (this.#isWriting || !transfer.mayPublish) return;
    const { flow, early } = transfer;
    if (flow.next === flow.chunkCount) return this.#finish(transfer);
    const bytes = early.get(flow.next);
    if (bytes === undefined) return;
    early.delete(flow.next);
    flow.hash.update(bytes);
    if (flow.next === flow.chunkCount - 1 && !isRight(flow)) return this.#onWrong(transfer);
    this.#begun = flow;
    this.#isWriting = true;
    this.#actions.push({ kind: "write", bytes });
  }

  #onWrote(): void {
    this.#isWriting = false;
    const flow = this.#begun!;
    flow.next += 1;
    const transfer = this.#transfer;
    if (transfer?.flow !== flow) return;
    const endChunk = Math.min(flow.chunkCount, flow.next + flow.windowChunks);
    if (endChunk > transfer.endChunk) {
      transfer.endChunk = endChunk;
      this.#reply({ kind: "window", transfer: transfer.request.transfer, endChunk });
    }
    this.#advance(transfer);
  }

  #finish(transfer: Transfer): void {
    const { flow, request: { transfer: id } } = transfer;
    // Of other files it was looked at before their last chunk.
    if (flow.chunkCount === 0 && !isRight(flow)) return this.#onWrong(transfer);
    this.#transfer = undefined;
    this.#reply({ kind: "finished", transfer: id, path: NAME });
  }

  #onWrong(transfer: Transfer): void {
    // What has left is of no use, and no other content can make it good.
    this.#failure = wrongWhole();
    this.#fail(transfer, this.#failure);
  }

  #fail(transfer: Transfer, error: ErrorMessage): void {
    this.#transfer = undefined;
    this.#reply({ kind: "transferFailed", transfer: transfer.request.transfer, error });
  }

  #reply(reply: TargetReply): void {
    this.#actions.push({ kind: "reply", reply });
  }
}

function newFlow(content: Content): Flow {
  const windowChunks = Math.floor(STREAM_WINDOW_BYTES / chunkBytesFor(content.sizeBytes));
  return {
    content,
    hash: new StreamingHash(),
    chunkCount: chunkCountFor(content.sizeBytes),
    windowChunks: Math.max(STREAM_WINDOW_CHUNKS_MIN, windowChunks),
    next: 0,
  };
}

/** May be asked once. */
function isRight({ hash, content }: Flow): boolean {
  return hash.digestHex() === content.sha256;
}

function wrongWhole(): ErrorMessage {
  return new ShoalError(
    "unverified",
    "every chunk was proved, and the whole is not what was offered",
    {
      hint:
        "What was written is useless; its end was kept back. Fetch it from other servers with --server.",
    },
  ).toMessage();
}

function otherContent(): ErrorMessage {
  return new ShoalError("changed", "the version that was being fetched is no longer offered", {
    hint: "What was written is useless: run the same command again to fetch the new version.",
  }).toMessage();
}
