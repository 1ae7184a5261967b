/** What a client reads of a session: bytes as they arrive, taken as lines, messages and bodies. */
import type { Bytes } from "../../ids.ts";
import { ByteQueue } from "../../wire/byte_queue.ts";
import { type LineForm, takeLine } from "../../wire/session_ascii.ts";
import { type BodyFrames, takeMessage } from "../../wire/session_json.ts";
import { type ClientDialogue, perform, type ReceiveResult } from "./client_dialogue.ts";
import type { Ended, LineRead, MessageRead } from "./dialogue.ts";
import { ASCII_QUIET_MS } from "./limits.ts";

type Quiet = Extract<ReceiveResult, { kind: "quiet" }>;

export class SessionInput {
  readonly #queue = new ByteQueue();

  /** How much has arrived and was not taken. */
  get lengthBytes(): number {
    return this.#queue.lengthBytes;
  }

  /** Waits until more has arrived. */
  *more(waitMs?: number): ClientDialogue<"arrived" | "quiet" | Ended> {
    const received = yield* perform("receive", waitMs === undefined ? {} : { waitMs });
    if (received.kind === "ended") return received;
    if (received.kind === "arrived") this.#queue.push(received.bytes);
    return received.kind;
  }

  /** @param firstWaitMs how long the first byte may take, as far as it is not only the timeout that counts */
  *line(form: LineForm, firstWaitMs?: number): ClientDialogue<LineRead | Quiet> {
    for (let isAll = false;;) {
      const taken = takeLine(this.#queue, form, isAll);
      if (taken !== undefined) return taken;
      const isBegun = this.#queue.lengthBytes > 0;
      const more = yield* this.more(isBegun ? ASCII_QUIET_MS : firstWaitMs);
      if (more === "quiet" && !isBegun) return { kind: "quiet" };
      isAll = more !== "arrived";
      if (typeof more === "object") return takeLine(this.#queue, form, true) ?? more;
    }
  }

  *message(bytesMax: number): ClientDialogue<MessageRead> {
    for (;;) {
      const taken = takeMessage(this.#queue, bytesMax);
      if (taken !== undefined) return taken;
      const more = yield* this.more();
      if (typeof more === "object") return more;
    }
  }

  /** The next bytes of a body; none at its end, `undefined` if it makes no sense. */
  *bodyPart(frames: BodyFrames): ClientDialogue<Bytes | undefined | Ended> {
    for (;;) {
      const part = frames.take(this.#queue, Infinity);
      if (part === undefined || part.length > 0 || frames.isAtEnd) return part;
      const more = yield* this.more();
      if (typeof more === "object") return more;
    }
  }

  /** What is there, up to so much of it. */
  takeSome(bytesMax: number): Bytes {
    return this.#queue.takeSome(bytesMax);
  }

  /** The last of what is there, which stays. */
  peekEnd(bytesMax: number): Bytes {
    return this.#queue.peek(bytesMax, Math.max(0, this.#queue.lengthBytes - bytesMax));
  }

  /** All that is there. */
  takeAll(): Bytes {
    return this.#queue.take(this.#queue.lengthBytes)!;
  }
}
