/** Plays a client's dialogue against a scripted or a computed peer, without a connection or time. */
import { ByteQueue } from "../../lib/wire/byte_queue.ts";
import {
  encodeMessage,
  type JsonObject,
  parseMessage,
  takeMessage,
} from "../../lib/wire/session_json.ts";
import type {
  ClientDialogue,
  ClientNews,
  ClientStep,
} from "../../lib/protocol/session/client_dialogue.ts";

export interface PlayedClient<T> {
  readonly result: T;
  readonly steps: readonly ClientStep[];
  readonly news: readonly ClientNews[];
}

/** What a peer does about what it is sent: bytes it says, or that it ends the connection. */
export type PlayedPeer = (
  bytes: Uint8Array<ArrayBuffer>,
) => readonly Uint8Array<ArrayBuffer>[] | "closes";

/** A peer of a JSON session: it answers whole messages. */
export function jsonPeer(answer: (request: JsonObject) => readonly unknown[]): PlayedPeer {
  const queue = new ByteQueue();
  return (bytes) => {
    queue.push(bytes);
    const said: Uint8Array<ArrayBuffer>[] = [];
    for (;;) {
      const taken = takeMessage(queue, Infinity);
      if (taken?.kind !== "message") return said;
      said.push(...answer(parseMessage(taken.bytes) ?? {}).map(encodeMessage));
    }
  };
}

/** Runs it to its end; a peer from which nothing more comes is silent until patience ends. */
export function playClient<T>(dialogue: ClientDialogue<T>, peer: PlayedPeer): PlayedClient<T> {
  const steps: ClientStep[] = [];
  const news: ClientNews[] = [];
  const coming: Uint8Array<ArrayBuffer>[] = [];
  let isClosed = false;
  const perform = (step: ClientStep): unknown => {
    steps.push(step);
    switch (step.kind) {
      case "send": {
        if (isClosed) return { kind: "ended", why: "closed" };
        const said = peer(step.bytes.slice());
        if (said === "closes") isClosed = true;
        else coming.push(...said);
        return "sent";
      }
      case "receive": {
        const bytes = coming.shift();
        if (bytes !== undefined) return { kind: "arrived", bytes };
        if (isClosed) return { kind: "ended", why: "closed" };
        return step.waitMs === undefined ? { kind: "ended", why: "idle" } : { kind: "quiet" };
      }
      case "tell":
        news.push(step.news);
        return;
      case "read":
        return new Uint8Array(step.headerBytes + step.lengthBytes);
      default:
        return;
    }
  };
  let next = dialogue.next();
  for (let count = 0; !next.done; count++) {
    if (count > 1_000_000) throw new Error("the dialogue does not end");
    next = dialogue.next(perform(next.value));
  }
  return { result: next.value, steps, news };
}
