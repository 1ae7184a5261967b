/** What a question with a token that is not (or no longer) good is answered with: a good one. */
import type { Bytes, ServerId, Token } from "../../ids.ts";
import { encodeFrame, type FrameOf } from "../../wire/frames.ts";

/** Questions that only a token gets an answer to. */
export type GuardedFrame = FrameOf<"want" | "layer_want" | "list" | "strike">;

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
    echo: frame.kind === "list" ? frame.queryId : frame.nonce,
    number: frame.kind === "strike" ? 0 : frame.number,
    server,
    token,
  });
  return retry.length <= frameBytes ? retry : undefined;
}
