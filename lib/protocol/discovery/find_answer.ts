/** The frames that answer a FIND, as a search reads them. */
import type { Endpoint } from "../../address.ts";
import { timeOf } from "../../ids.ts";
import { isSameText } from "../../names.ts";
import { encodeFrame, type FrameOf, type Query } from "../../wire/frames.ts";
import { MANIFEST_NAME } from "../../wire/manifest.ts";
import type { Claim } from "./candidates.ts";
import type { Offer } from "./sought_query.ts";

export type FindAnswer = FrameOf<"offer" | "pending" | "absent" | "retry">;

/** What an answer is worth that proves nothing: it is at most as long as what came. */
export function claimOf(frame: FindAnswer): Claim {
  return { token: frame.token, bytes: encodeFrame(frame).length };
}

/** A server that answers from the port that it shares with others says where its own is. */
export function endpointToAsk(from: Endpoint, frame: FindAnswer): Endpoint {
  if (frame.kind === "retry" || frame.dataPort === 0) return from;
  return { address: from.address, port: frame.dataPort };
}

export function offerOf(
  frame: FrameOf<"offer">,
  by: Pick<Offer, "server" | "party" | "isProved" | "path">,
): Offer {
  const { sizeBytes, sha256, root, tcpPort, name, isGrowing } = frame;
  return {
    ...by,
    content: { sizeBytes, sha256, root },
    ...timeOf(frame),
    tcpPort,
    name,
    ...(isGrowing && { isGrowing }),
  };
}

/** Whether an answer fits its question: a server may say anything. */
export function isAnswerTo(query: Query, frame: Exclude<FindAnswer, FrameOf<"retry">>): boolean {
  if (frame.kind !== "offer") return true;
  if (query.by === "tree") return frame.name === MANIFEST_NAME;
  if (query.by === "name") return isSameText(frame.name, query.name);
  return query.by === "sha256" && frame.sha256 === query.sha256;
}
