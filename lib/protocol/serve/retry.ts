/** What a question is answered with that is not answered: a good token, if it had none, or when to ask again. */
import type { Bytes, ServerId, Token } from "../../ids.ts";
import type { QuestionFrame } from "./questions.ts";
import { encodeFrame, type FrameOf } from "../../wire/frames.ts";

/** Questions that only a token gets an answer to; of FINDs the short ones, and those that are too many. */
export type GuardedFrame = FrameOf<
  "find" | "want" | "layer_want" | "pack_want" | "have_want" | "list" | "strike" | "alias_want"
>;

/**
 * The RETRY for `frame`, which was `frameBytes` long; `undefined` if it would be longer than that,
 * for an unvalidated address gets no more bytes than it sent.
 */
export function retryFor(
  frame: GuardedFrame,
  frameBytes: number,
  server: ServerId,
  token: Token,
): Bytes | undefined {
  const retry = encodeFrame({
    kind: "retry",
    echo: "queryId" in frame ? frame.queryId : frame.nonce,
    number: "number" in frame ? frame.number : 0,
    server,
    token,
  });
  return retry.length <= frameBytes ? retry : undefined;
}

/** Tells an asker that has proved its address how long it has to wait. */
export function busyFor(frame: QuestionFrame, waitMs: number): Bytes {
  return encodeFrame({
    kind: "busy",
    echo: "queryId" in frame ? frame.queryId : frame.nonce,
    number: "number" in frame ? frame.number : 0,
    waitMs,
  });
}
