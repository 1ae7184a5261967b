/**
 * The sender's side of a code (docs/PROTOCOL.md, "Codes"). Pure. One wrong proof and the code is spent; a right one takes it, until
 * whoever gave it has all, or is gone: then the same code may be proved again, and nothing else.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { Bytes, ServerId } from "../../ids.ts";
import { encodeFrame, type Frame, type FrameOf } from "../../wire/frames.ts";
import { CODE_KEY_BYTES } from "../../wire/limits.ts";
import { RateLimit } from "../base/rate_limit.ts";
import type { Tokens } from "../base/tokens.ts";
import type { SealSuite } from "../seal/suite.ts";
import { type CodeKeys, codeKeys, codePart, isProof } from "./code_keys.ts";
import type { CodeArrival, CodeSend, CodeServing, ReceiverState } from "./code_messages.ts";
import { CodeSession } from "./code_session.ts";
import type { Code } from "./code_words.ts";
import {
  CODE_LINGER_MS,
  CODE_OPEN_MAX,
  CODE_OPENS_BURST,
  CODE_OPENS_PER_S,
  CODE_SILENCE_MS,
} from "./limits.ts";

interface CodeSenderOptions {
  readonly code: Code;
  readonly server: ServerId;
  readonly tokens: Tokens;
  readonly suite: SealSuite;
  readonly serving: CodeServing;
  /** Where it answers, for whoever has asked elsewhere. */
  readonly port: number;
  readonly random: (bytes: number) => Bytes;
}

/** How a code's life ends. */
type CodeEnd = "done" | "declined" | "wrong" | "stopped";

export type CodeSenderEvent =
  | (CodeArrival & { readonly kind: "frame"; readonly isShared: boolean })
  | Exclude<CodeArrival, { readonly kind: "frame" }>
  /** Its user ends it. */
  | { readonly kind: "stop" };

export type CodeSenderAction =
  | (CodeSend & { readonly isShared?: true })
  /** Somebody has proved the code. */
  | { readonly kind: "taken"; readonly by: Endpoint }
  | { readonly kind: "state"; readonly state: ReceiverState; readonly by: Endpoint }
  /** Whoever had it gave it back, or is silent: it may be proved again. */
  | { readonly kind: "left"; readonly by: Endpoint; readonly isSilent: boolean }
  /** It is void. Whoever asks is told so until `closed`. */
  | { readonly kind: "ended"; readonly how: CodeEnd; readonly by: Endpoint | undefined }
  | { readonly kind: "closed" };

interface Opened {
  readonly from: Endpoint;
  readonly share: Bytes;
  readonly theirs: Bytes;
  readonly keys: CodeKeys;
}

interface Taken {
  readonly key: string;
  readonly keys: CodeKeys;
  readonly session: CodeSession;
  by: Endpoint;
  heardMs: number;
  /** Of the last CODE_STATE. */
  number: number;
  state: ReceiverState | undefined;
}

export class CodeSender {
  readonly #options: CodeSenderOptions;
  readonly #opens = new RateLimit(CODE_OPENS_PER_S, CODE_OPENS_BURST);
  /** By where they come from and their echo, the oldest first. */
  readonly #opened = new Map<string, Opened>();
  #taken: Taken | undefined;
  #endMs: number | undefined;
  #isClosed = false;

  constructor(options: CodeSenderOptions) {
    this.#options = options;
  }

  handle(nowMs: number, event: CodeSenderEvent): readonly CodeSenderAction[] {
    if (this.#isClosed) return [];
    switch (event.kind) {
      case "frame":
        return this.#onFrame(nowMs, event.from, event.frame, event.isShared);
      case "sealed":
        return this.#onSealed(nowMs, event.from, event.datagram);
      case "stop":
        return this.#stop(nowMs);
      case "wakeup":
        return this.#onWakeup(nowMs);
    }
  }

  nextWakeupMs(): number {
    if (this.#isClosed) return Infinity;
    return this.#endMs ?? (this.#taken === undefined ? Infinity : this.#silentMs(this.#taken));
  }

  #silentMs({ heardMs }: Taken): number {
    return heardMs + CODE_SILENCE_MS;
  }

  get #state(): FrameOf<"code_here">["state"] {
    if (this.#endMs !== undefined) return "spent";
    return this.#taken === undefined ? "free" : "taken";
  }

  // — In clear ——————————————————————————————————————————————————————————————————————————————————

  #onFrame(
    nowMs: number,
    from: Endpoint,
    frame: Frame,
    isShared: boolean,
  ): readonly CodeSenderAction[] {
    switch (frame.kind) {
      case "code_find":
        return frame.number === this.#options.code.number ? [this.#here(nowMs, from, frame)] : [];
      case "code_open":
        return isShared ? [] : this.#onOpen(nowMs, from, frame);
      case "code_prove":
        return isShared ? [] : this.#onProve(nowMs, from, frame);
      default:
        return [];
    }
  }

  #here(nowMs: number, from: Endpoint, { echo, round }: FrameOf<"code_find">): CodeSenderAction {
    const { server, tokens, port } = this.#options;
    const isShared = round % 2 === 1;
    const datagram = encodeFrame({
      kind: "code_here",
      ...{ echo, server, token: tokens.issue(nowMs, from.address) },
      port: isShared ? port : 0,
      state: this.#state,
    });
    return { kind: "send", to: from, datagram, ...(isShared && { isShared }) };
  }

  #onOpen(nowMs: number, from: Endpoint, frame: FrameOf<"code_open">): readonly CodeSenderAction[] {
    const { code, tokens } = this.#options;
    const { echo, number, token, nonce, share: theirs } = frame;
    if (number !== code.number) return [];
    if (tokens.judge(nowMs, from.address, token) !== "valid") return [];
    if (this.#state !== "free") return [this.#refused(from, echo)];
    const key = keyOf(from, echo);
    const opened = this.#opened.get(key) ?? this.#open(nowMs, from, key, nonce, theirs);
    // What somebody says who changes his mind is not answered.
    if (opened === undefined || !isProof(opened.theirs, theirs)) return [];
    return [send(from, { kind: "code_share", echo, share: opened.share })];
  }

  #open(nowMs: number, from: Endpoint, key: string, nonce: Bytes, theirs: Bytes) {
    if (!this.#opens.take(nowMs, 1)) return undefined;
    const { code, server, random } = this.#options;
    const exchange = { code, server, nonce };
    const part = codePart(exchange, random(CODE_KEY_BYTES));
    const keys = codeKeys(exchange, "sender", part, theirs);
    if (keys === undefined) return undefined;
    if (this.#opened.size >= CODE_OPEN_MAX) {
      const [oldest] = this.#opened.keys();
      this.#opened.delete(oldest!);
    }
    const opened = { from, share: part.share, theirs, keys };
    this.#opened.set(key, opened);
    return opened;
  }

  #onProve(
    nowMs: number,
    from: Endpoint,
    { echo, token, proof }: FrameOf<"code_prove">,
  ): readonly CodeSenderAction[] {
    if (this.#options.tokens.judge(nowMs, from.address, token) !== "valid") return [];
    const key = keyOf(from, echo);
    if (this.#taken?.key === key && isProof(this.#taken.keys.receiverProof, proof)) {
      return [this.#proved(from, echo, this.#taken.keys)];
    }
    const opened = this.#opened.get(key);
    if (this.#state !== "free") return [this.#refused(from, echo)];
    if (opened === undefined) return [];
    // Whatever they were about to prove: this one is the only one that counts now.
    this.#opened.clear();
    const { keys } = opened;
    if (!isProof(keys.receiverProof, proof)) {
      return [...this.#end(nowMs, "wrong", from), this.#refused(from, echo)];
    }
    const session = new CodeSession(this.#options.suite, keys.session, "sender");
    const heard = { by: from, heardMs: nowMs, number: 0, state: undefined };
    this.#taken = { key, keys, session, ...heard };
    return [this.#proved(from, echo, keys), { kind: "taken", by: from }];
  }

  #proved(to: Endpoint, echo: bigint, { senderProof: proof }: CodeKeys): CodeSenderAction {
    return send(to, { kind: "code_proved", echo, proof });
  }

  #refused(to: Endpoint, echo: bigint): CodeSenderAction {
    return send(to, { kind: "code_refused", echo, state: this.#state });
  }

  // — Sealed ————————————————————————————————————————————————————————————————————————————————————

  #onSealed(nowMs: number, from: Endpoint, datagram: Bytes): readonly CodeSenderAction[] {
    const taken = this.#taken;
    const frame = taken?.session.open(datagram);
    if (taken === undefined || frame?.kind !== "code_state") return [];
    taken.heardMs = nowMs;
    const isNew = frame.number > taken.number;
    if (isNew) {
      taken.number = frame.number;
      taken.by = from;
    }
    const answer = this.#serving(taken, frame.number, from, isLast(frame.state));
    if (!isNew || this.#endMs !== undefined) return [answer];
    return [answer, ...this.#follow(nowMs, taken, frame.state)];
  }

  #follow(nowMs: number, taken: Taken, state: ReceiverState): readonly CodeSenderAction[] {
    const { by } = taken;
    switch (state) {
      case "done":
      case "declined":
        return this.#end(nowMs, state, by);
      case "stopped":
        return this.#leave(taken, false);
      default: {
        if (taken.state === state) return [];
        taken.state = state;
        return [{ kind: "state", state, by }];
      }
    }
  }

  #serving(taken: Taken, number: number, to: Endpoint, isOver: boolean): CodeSenderAction {
    const { group, dataPort } = this.#options.serving;
    const frame = {
      kind: "code_serving",
      ...{ number, isOver: isOver ? 1 : 0, dataPort, group },
    } as const;
    return { kind: "send", to, datagram: taken.session.seal(frame) };
  }

  // — Ends ——————————————————————————————————————————————————————————————————————————————————————

  #leave(taken: Taken, isSilent: boolean): readonly CodeSenderAction[] {
    this.#taken = undefined;
    taken.session.close();
    return [{ kind: "left", by: taken.by, isSilent }];
  }

  #end(nowMs: number, how: CodeEnd, by: Endpoint | undefined): readonly CodeSenderAction[] {
    this.#endMs = nowMs + CODE_LINGER_MS;
    this.#opened.clear();
    return [{ kind: "ended", how, by }];
  }

  /** Nothing is waited for: whoever receives is told, and told again by nobody. */
  #stop(nowMs: number): readonly CodeSenderAction[] {
    const taken = this.#taken;
    const told = taken === undefined || this.#endMs !== undefined
      ? []
      : [0, 1, 2].map(() => this.#serving(taken, 0, taken.by, true));
    const ended = this.#endMs === undefined ? this.#end(nowMs, "stopped", taken?.by) : [];
    return [...told, ...ended, ...this.#close()];
  }

  #close(): readonly CodeSenderAction[] {
    this.#isClosed = true;
    this.#opened.clear();
    this.#taken?.session.close();
    this.#taken = undefined;
    return [{ kind: "closed" }];
  }

  #onWakeup(nowMs: number): readonly CodeSenderAction[] {
    if (this.#endMs !== undefined) return nowMs >= this.#endMs ? this.#close() : [];
    const taken = this.#taken;
    return taken !== undefined && nowMs >= this.#silentMs(taken) ? this.#leave(taken, true) : [];
  }
}

function isLast(state: ReceiverState): boolean {
  return state === "done" || state === "declined" || state === "stopped";
}

function keyOf(from: Endpoint, echo: bigint): string {
  return `${endpointKey(from)} ${echo}`;
}

function send(to: Endpoint, frame: Frame): CodeSenderAction {
  return { kind: "send", to, datagram: encodeFrame(frame) };
}
