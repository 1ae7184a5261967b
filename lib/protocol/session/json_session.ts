/** What both JSON dialects have in common on a client's side: it asks, and is answered or refused. */
import type { Bytes } from "../../ids.ts";
import { type ErrorCode, ShoalError } from "../../errors.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../wire/limits.ts";
import { type WireCode, wireCodeIn } from "../../wire/session_codes.ts";
import {
  BodyFrames,
  encodeMessage,
  type JsonObject,
  parseMessage,
} from "../../wire/session_json.ts";
import { type ClientDialogue, perform } from "./client_dialogue.ts";
import type { Ended } from "./dialogue.ts";
import { SessionInput } from "./session_input.ts";

/** What the server says that it will not do, with the code that it gives for that. */
export class ServerRefusal extends ShoalError {
  readonly wireCode: WireCode;

  /** All that it said, as it came. */
  readonly reply: JsonObject;

  constructor(wireCode: WireCode, message: string, reply: JsonObject = {}) {
    super(ERROR_CODES[wireCode] ?? "refused", message);
    this.wireCode = wireCode;
    this.reply = reply;
  }
}

/** As what a refusal counts here. */
const ERROR_CODES: Partial<Readonly<Record<WireCode, ErrorCode>>> = {
  not_found: "not_found",
  changed: "changed",
  unverified: "unverified",
};

interface JsonSessionOptions {
  /** The server, as people are told of it. */
  readonly peer: string;
  /** How long its messages may be. */
  readonly messageBytesMax?: number;
  /** The language, for whoever does not speak it, and what to do then. */
  readonly language?: string;
  readonly hint?: string;
}

export class JsonSession {
  readonly input = new SessionInput();
  readonly #options: JsonSessionOptions;

  constructor(options: JsonSessionOptions) {
    this.#options = options;
  }

  get peer(): string {
    return this.#options.peer;
  }

  /** Asks, and waits for the answer from now on. Throws like {@linkcode receive}. */
  *ask(request: JsonObject): ClientDialogue<JsonObject> {
    yield* perform("renew", {});
    return yield* this.askOn(request);
  }

  /** Asks, and waits no longer than would have been waited anyway: for who may repeat itself. */
  *askOn(request: JsonObject): ClientDialogue<JsonObject> {
    yield* this.send(encodeMessage(request));
    return yield* this.receive();
  }

  /** Throws ShoalError `stalled` if the peer is gone, or takes nothing. */
  *send(bytes: Bytes): ClientDialogue {
    const sent = yield* perform("send", { bytes });
    if (typeof sent === "object") throw this.ended(sent);
  }

  /**
   * What the server says next.
   *
   * @throws ShoalError `stalled` if that is nothing, {@linkcode ServerRefusal}, and `network` for nonsense
   */
  *receive(): ClientDialogue<JsonObject> {
    const read = yield* this.input.message(
      this.#options.messageBytesMax ?? SESSION_COMMAND_BYTES_MAX,
    );
    if (read.kind === "ended") throw this.ended(read);
    const message = read.kind === "message" ? parseMessage(read.bytes) : undefined;
    if (message === undefined) throw this.nonsense();
    if (message["status"] !== "error") return message;
    const { code, message: text } = message;
    const said = typeof text === "string" ? text : "error";
    throw new ServerRefusal(wireCodeIn(code), `${this.peer} says: ${said}`, message);
  }

  /**
   * Hands a body to `take` part by part; returns what follows it.
   *
   * @param bytesMax how long it may be
   */
  *body(bytesMax: number, take: (bytes: Bytes) => void): ClientDialogue<JsonObject> {
    const frames = new BodyFrames();
    for (let bytes = 0;;) {
      const part = yield* this.input.bodyPart(frames);
      if (part === undefined) throw this.nonsense();
      if (!(part instanceof Uint8Array)) throw this.ended(part);
      if (part.length === 0) return yield* this.receive();
      bytes += part.length;
      if (bytes > bytesMax) throw this.nonsense();
      take(part);
    }
  }

  ended(ended: Ended): ShoalError {
    const what = ended.why === "idle" ? "does not answer" : "ended the connection";
    return new ShoalError("stalled", `${this.peer} ${what}`);
  }

  /** The server does not speak as it should. */
  nonsense(): ShoalError {
    const { language = "Shoal's TCP sessions", hint = OLDER } = this.#options;
    return new ShoalError("network", `${this.peer} does not speak ${language}`, { hint });
  }
}

const OLDER =
  "Is that a Shoal server? Servers of the older protocols take --dialect json or ascii.";
